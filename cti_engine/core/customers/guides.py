"""Guides: what an agent does and says, step by step, with questions whose answers are kept. Chosen at the offer.

Built from guides/*.yaml by `definitions/guide_loader.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.values import Lookup

Texts = Mapping[str, str]  # by language

NOTE, TICKET = "note", "ticket"
"""Where an answer goes: among the customer's notes, or into the fields of a ticket."""
LONGEST_ANSWER = 500


@dataclass(frozen=True, slots=True)
class GuideField:
    """What an answer is about. `into`: NOTE or TICKET."""

    id: str
    label: Texts
    into: str = NOTE


@dataclass(frozen=True, slots=True)
class GuideChoice:
    label: Texts
    go_to: str


@dataclass(frozen=True, slots=True)
class GuideStep:
    """`say` is read to the customer, `do` is for the agent alone. With an `about` (one of the fields) something is
    asked: one of `choices` (by value), else a text, or a `number`. `next` is empty at an end.
    """

    say: Texts = field(default_factory=dict)
    do: Texts = field(default_factory=dict)
    about: str = ""
    choices: Mapping[str, GuideChoice] = field(default_factory=dict)
    number: bool = False
    next: str = ""

    @property
    def ways(self) -> tuple[str, ...]:
        """The steps that may follow, each once."""
        targets = [choice.go_to for choice in self.choices.values()] if self.choices else [self.next]
        return tuple(dict.fromkeys(target for target in targets if target))


@dataclass(frozen=True, slots=True)
class Guide:
    """For calls for which `when` holds; of several the one with the highest `priority`. `languages`: the first counts
    where a call's is not among them.
    """

    id: str
    name: Texts
    languages: tuple[str, ...]
    start: str
    steps: Mapping[str, GuideStep]
    fields: Mapping[str, GuideField] = field(default_factory=dict)
    when: Condition | None = None
    priority: int = 0


def chosen(guides: Iterable[Guide], names: Lookup) -> str:
    """The id of the guide for a call; empty when none is for it. Equal ones in the order of their names."""
    fitting = [guide for guide in guides if guide.when is None or guide.when.holds(names)]
    return min(fitting, key=lambda guide: (-guide.priority, guide.id)).id if fitting else ""


def fits(step: GuideStep, answer: str) -> bool:
    """Whether this answers what the step asks."""
    if not step.about or not answer.strip() or len(answer) > LONGEST_ANSWER:
        return False
    if step.choices:
        return answer in step.choices
    if not step.number:
        return True
    try:
        return abs(float(answer.replace(",", "."))) < 1e15
    except ValueError:
        return False


def said(guide: Guide, step: GuideStep, answer: str) -> dict[str, str]:
    """What was asked and answered in words, by language."""
    choice = step.choices.get(answer)
    label = guide.fields[step.about].label
    return {
        language: f"{text}: {choice.label.get(language, answer) if choice else answer}"
        for language, text in label.items()
    }


def view(guide: Guide, language: str, answers: Mapping[str, str]) -> dict[str, object]:
    """For the page: what is said in the call's language, what is for the agent in all of them, and no empty texts."""
    spoken = language if language in guide.languages else guide.languages[0]
    steps = {}
    for name, step in guide.steps.items():
        shown: dict[str, object] = {"say": step.say.get(spoken, ""), "do": dict(step.do), "next": step.next}
        if step.about:
            shown |= {"field": step.about, "label": dict(guide.fields[step.about].label)}
        if step.choices:
            shown["choices"] = [
                {"value": value, "label": dict(choice.label), "go_to": choice.go_to}
                for value, choice in step.choices.items()
            ]
        steps[name] = {key: value for key, value in shown.items() if value}
    return {
        "guide": guide.id,
        "name": dict(guide.name),
        "language": spoken,
        "start": guide.start,
        "steps": steps,
        "answers": dict(answers),
    }
