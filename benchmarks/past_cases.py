"""A frozen generator of resolved cases, Spanish and English: a seed gives the same cases for ever.

Words are drawn by Zipf's law from made-up ones, as real texts have it. Each case is of one of many problems, which has
a few words of its own; agents write them with and without accents, in singular and plural. Whoever asks with some words
of a problem should be shown a case of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cti_engine.adapters.ticket_store import Kept, Step
from cti_engine.core.customers.tickets import RESOLVED, Ticket

VOCABULARY, PROBLEMS, OWN_WORDS = 20_000, 2_000, 6
CATEGORIES = ("complaint", "fault", "invoice", "order", "question")
SMALL = (
    "el",
    "la",
    "de",
    "que",
    "no",
    "the",
    "of",
    "to",
    "and",
    "customer",
    "cliente",
    "llama",
    "for",
    "con",
    "por",
)
_ONSETS = (
    "b",
    "c",
    "d",
    "f",
    "g",
    "l",
    "m",
    "n",
    "p",
    "r",
    "s",
    "t",
    "v",
    "br",
    "cl",
    "tr",
    "pl",
    "gr",
    "ch",
    "qu",
)
_VOWELS = ("a", "e", "i", "o", "u", "á", "é", "ó", "ie", "ue")
_CODAS = ("", "", "", "n", "r", "l", "s", "ción", "dor")
_PLAIN = str.maketrans("áéó", "aeo")
BEGIN = 1_700_000_000.0


@dataclass(frozen=True, slots=True)
class PastCase:
    problem: int
    category: str
    subject: str
    note: str
    resolution: str

    def kept(self, at: float) -> tuple[Kept, list[Step]]:
        """As the store keeps it."""
        ticket = Ticket(
            0, "", self.category, self.subject, 3, state=RESOLVED, owner="ana", opened_by="ana", opened_at=at,
            counts_from=at, nobodys_since=at, closed_at=at + 3600.0, resolution=self.resolution,
        )  # fmt: skip
        return Kept(ticket), [Step(at, "ana", "open", {"text": self.note})]


class Generator:
    """`cases` and `questions` each go on from where they were; questions are of problems that cases have."""

    def __init__(self, seed: int = 6) -> None:
        self._chance = np.random.Generator(np.random.PCG64(seed))
        self._words = self._make_words()
        weights = 1.0 / np.arange(1, VOCABULARY + 1)
        self._share = np.cumsum(weights / weights.sum())
        self._of = self._chance.integers(200, VOCABULARY, (PROBLEMS, OWN_WORDS))

    def cases(self, count: int) -> Iterator[PastCase]:
        for _ in range(count):
            problem = int(self._chance.integers(PROBLEMS))
            subject = " ".join((*self._own(problem, 3), *self._any(2)))
            note = " ".join((*self._own(problem, 4), *self._any(25)))
            worked = " ".join((*self._own(problem, 2), *self._any(8)))
            yield PastCase(problem, CATEGORIES[problem % len(CATEGORIES)], subject, note, worked)

    def questions(self, count: int) -> Iterator[tuple[int, str, str]]:
        """Problem, category and what an agent has typed so far: 1 to 3 words of the problem among 2 to 20 others."""
        for _ in range(count):
            problem = int(self._chance.integers(PROBLEMS))
            own = self._own(problem, int(self._chance.integers(1, 4)))
            words = [*own, *self._any(int(self._chance.integers(2, 21)))]
            self._chance.shuffle(words)
            yield problem, CATEGORIES[problem % len(CATEGORIES)], " ".join(words)

    def _own(self, problem: int, count: int) -> list[str]:
        chosen = self._chance.choice(self._of[problem], count, replace=False)
        return [self._as_written(self._words[index]) for index in chosen]

    def _any(self, count: int) -> list[str]:
        found = []
        for place, small in zip(self._chance.random(count), self._chance.random(count) < 0.4, strict=True):
            if small:
                found.append(SMALL[int(place * len(SMALL))])
            else:
                found.append(self._as_written(self._words[int(np.searchsorted(self._share, place))]))
        return found

    def _as_written(self, word: str) -> str:
        how = self._chance.random()
        if how < 0.3:
            return word.translate(_PLAIN)
        return f"{word}s" if how < 0.45 and word[-1] in "aeou" else word

    def _make_words(self) -> list[str]:
        found: dict[str, None] = {}
        while len(found) < VOCABULARY:
            parts = (_ONSETS, _VOWELS, _ONSETS, _VOWELS, _CODAS) if self._chance.random() < 0.4 else (
                _ONSETS, _VOWELS, _ONSETS, _VOWELS, _ONSETS, _VOWELS, _CODAS)  # fmt: skip
            found["".join(part[int(self._chance.integers(len(part)))] for part in parts)] = None
        return list(found)
