"""Which tests of the shipped flows a real phone can do, what each needs around it, and who can be done together."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cti_engine.core.commands import Prompt
from cti_engine.core.definitions import CenterDefinitions
from cti_engine.core.hours import value_of
from cti_engine.core.ivr.flow import Fixed, Flow, Transfer
from cti_engine.core.ivr.flow_graph import flow_and_run, ways
from cti_engine.core.ivr.phrases import beep
from cti_engine.definitions.flow_test_loader import MONDAY_MORNING, FlowTest, Service
from cti_engine.simulation.flow_tests import run_test

BY_WORD = {"says", "mumbles", "makes_noise"}
"""Words are said by humans in test_words.py; this center has no recogniser."""
BY_HAND = {
    "hears", "hears_not", "presses", "is_silent", "speaks", "waits", "hangs_up", "step", "sets", "asks", "sends",
    "answers", "calls_back", "enters", "leaves", "ends", "within",
}  # fmt: skip
"""Lines that a test's caller by phone can do or see."""
CUSTOMERS = {"es": "+34600000101", "en": "+12135550104"}
"""Of config/customers.csv, by the language of their profile."""
REGIONS = {"es": ("+34", ["es", "ca"]), "en": ("+44", ["en"]), "both": ("+32", ["en", "es"])}
"""Of the test center's config/sites.yaml: the beginning of a number, and the languages there."""
NOWHERE = "+81312345678"
"""A number of no region, whose country speaks neither language."""
STRANGER = "+32470123456"
ANONYMOUS = "anonymous"
ZONE = "Europe/Madrid"
TREATMENT = "queue_treatment"
_ENTERED = re.compile(r"(\d{4})#(\d{4})")


@dataclass(frozen=True, slots=True)
class Walk:
    """A test by phone: `ani` calls. `needs`: what must be so around it, by what."""

    test: FlowTest
    ani: str
    needs: Mapping[tuple[str, ...], Any]

    @property
    def name(self) -> str:
        return f"{self.test.flow}: {self.test.name}"


@dataclass(slots=True)
class Phase:
    """Walks that can be done at the same time."""

    needs: dict[tuple[str, ...], Any] = field(default_factory=dict)
    walks: list[Walk] = field(default_factory=list)

    def takes(self, walk: Walk) -> bool:
        return all(self.needs.get(key, value) == value for key, value in walk.needs.items())

    def services(self) -> dict[tuple[str, str, str], Service]:
        """Answers by service, number and PIN."""
        return {key[1:]: value for key, value in self.needs.items() if key[0] == "service"}  # type: ignore[misc]


@dataclass(frozen=True, slots=True)
class NotByPhone:
    test: FlowTest
    why: str


def plan(definitions: CenterDefinitions, tests: Iterable[FlowTest]) -> tuple[list[Phase], list[NotByPhone]]:
    """The walks in as few phases as come of putting each into the first that takes it."""
    phases: list[Phase] = []
    left: list[NotByPhone] = []
    for test in tests:
        walk = walk_of(definitions, test)
        if isinstance(walk, NotByPhone):
            left.append(walk)
            continue
        phase = next((one for one in phases if one.takes(walk)), None)
        if phase is None:
            phases.append(phase := Phase())
        phase.needs.update(walk.needs)
        phase.walks.append(walk)
    return phases, left


def fewest(definitions: CenterDefinitions, tests: Iterable[FlowTest]) -> list[FlowTest]:
    """Of the tests that a phone can do, one after the other those that reach an end which none before has reached."""
    reached: set[tuple[str, str]] = set()
    chosen = []
    for test in tests:
        if isinstance(walk_of(definitions, test), Walk):
            found = run_test(test, definitions.flows, definitions.calendars).steps & ends(
                definitions.flows.values()
            )
            if found - reached:
                reached |= found
                chosen.append(test)
    return chosen


def ends(flows: Iterable[Flow]) -> set[tuple[str, str]]:
    """Flow and step, of all steps that no way leads out of."""
    return {(flow.id, name) for flow in flows for name, step in flow.steps.items() if not list(ways(step))}


def walk_of(definitions: CenterDefinitions, test: FlowTest) -> Walk | NotByPhone:
    verbs = [line.verb for line in test.script]
    if not BY_WORD.isdisjoint(verbs):
        return NotByPhone(test, "by word")
    if not test.given.callback:
        return NotByPhone(test, "callbacks are refused")
    if _transfers(definitions, test) and test.given.transfer != "failed":
        return NotByPhone(test, "no agent is there to be rung: test_outside_phones.py has some")
    if any(pair == ("is_silent", "presses") for pair in itertools.pairwise(verbs)):
        return NotByPhone(test, "a key after a silence whose end cannot be heard")
    if not BY_HAND.issuperset(verbs):
        return NotByPhone(test, f"no hand for {set(verbs) - BY_HAND}")
    names = dict(test.given.names)
    needs = {**_hours(definitions, test, names), **_services(test)}
    ani = _ani(names)
    if test.flow == TREATMENT:
        why = _alone_in_line(test, names)
        if why:
            return NotByPhone(test, why)
    if ani is None or names:
        return NotByPhone(test, f"nobody can arrange {names}")
    return Walk(test, ani, needs)


def _transfers(definitions: CenterDefinitions, test: FlowTest) -> bool:
    flows = flow_and_run(definitions.flows[test.flow], definitions.flows)
    return any(isinstance(step, Transfer) for flow in flows for step in flow.steps.values())


def _ani(names: dict[str, object]) -> str | None:
    """Who calls; what that explains is taken out of the names. None: no such caller."""
    customer = names.pop("call.customer_language", None)
    languages = names.pop("call.region_languages", None)
    if customer is not None:
        return CUSTOMERS.get(str(customer))
    if languages is not None:
        beginnings = [start for start, spoken in REGIONS.values() if sorted(spoken) == sorted(languages)]  # type: ignore[call-overload]
        return f"{beginnings[0]}600000999" if beginnings else None
    return str(names.pop("call.ani", STRANGER)) or ANONYMOUS


def _alone_in_line(test: FlowTest, names: dict[str, object]) -> str:
    """A walk through the treatment has a queue for itself, which has learned nothing: why this does not do."""
    told = [text for line in test.script if line.verb.startswith("hears") for text in line.value]
    of_place = any(text.startswith(("queue-", "digits/")) for text in told)
    position, wait = names.pop("queue.position", None), names.pop("queue.ewt_minutes", None)
    if of_place and (position, wait) != (1, None):
        return "a place and a wait that only a full center has"
    return ""


def _hours(
    definitions: CenterDefinitions, test: FlowTest, names: dict[str, object]
) -> dict[tuple[str, ...], Any]:
    """How the calendars must stand that the flow asks for."""
    needs: dict[tuple[str, ...], Any] = {}
    flow = definitions.flows[test.flow]
    asked = {
        str(name)
        for each in flow_and_run(flow, definitions.flows)
        for step in each.steps.values()
        for name in _texts(step)
        if name.startswith("hours.")
    }
    names.pop("hours.phones.opens_date", None) if names.get("hours.phones.opens_date") else None
    names.pop("hours.phones.opens_time", None) if names.get("hours.phones.opens_time") else None
    if any(name.startswith("hours.phones") for name in asked):
        emergency = names.pop("hours.phones.emergency", False)
        state = names.pop("hours.phones", "open")
        needs["phones",] = "emergency" if emergency else state
    calendar = definitions.calendars["office"]
    if any(
        name.startswith("hours.office") for name in {str(n) for s in flow.steps.values() for n in _texts(s)}
    ):
        moment = calendar.zone.moment_of(test.given.at or MONDAY_MORNING)
        needs["office",] = value_of(calendar, "", moment)
    return needs


def _services(test: FlowTest) -> dict[tuple[str, ...], Any]:
    pressed = "".join(line.value for line in test.script if line.verb == "presses")
    return {
        ("service", service, number, pin): answer
        for service, answer in test.given.services.items()
        for number, pin in _ENTERED.findall(pressed)
    }


def _inside(value: object) -> Iterator[object]:
    """Everything that a step is made of."""
    yield value
    if isinstance(value, Mapping):
        for each in value.values():
            yield from _inside(each)
    elif isinstance(value, tuple | list | frozenset | set):
        for each in value:
            yield from _inside(each)
    elif is_dataclass(value):
        for each in fields(value):
            yield from _inside(getattr(value, each.name))


def _texts(step: object) -> Iterator[str]:
    for each in _inside(step):
        if isinstance(each, str):
            yield each
        elif names := getattr(each, "names_used", None):
            yield from names


def sounds(flows: Iterable[Flow], language: str) -> set[Prompt]:
    """What these flows say in a language, but for values."""
    found = {beep(language)}
    for flow in flows:
        for each in _inside(tuple(flow.steps.values())):
            if isinstance(each, Mapping) and isinstance(each.get(language), tuple):
                found |= {
                    Prompt(part.kind, part.value, language)
                    for part in _inside(each[language])
                    if isinstance(part, Fixed) and part.kind in ("text", "sound")
                }
    return found


def calendar(state: str) -> dict[str, Any]:
    """The keys of a calendar that stands so today. Where it is not open now it opens tomorrow at nine."""
    today = datetime.fromtimestamp(time.time(), ZoneInfo(ZONE)).date()

    def on(day: date, **keys: Any) -> dict[str, Any]:
        return {day.isoformat(): keys}

    tomorrow = on(today + timedelta(days=1), open="09:00-18:00")
    always = {"mon-sun": "00:00-24:00"}
    match state:
        case "open":
            return {"open": always, "days": {}}
        case "closed":
            return {"open": {}, "days": {**on(today, open=[]), **tomorrow}}
        case "holiday":
            return {"open": {}, "days": {**on(today, name={"es": "Fiesta", "en": "Feast"}), **tomorrow}}
        case "emergency":
            until = f"{(today + timedelta(days=1)).isoformat()} 09:00"
            return {"open": always, "days": {}, "closed_until": until}
        case _:
            raise AssertionError(state)
