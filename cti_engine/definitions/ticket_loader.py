"""config/tickets.yaml: what tickets are about, when they are due, and who is told when they are late."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from cti_engine.core.customers.ticket_rules import (
    OWNER,
    SUPERVISOR,
    Category,
    DueRule,
    Rung,
    SurveyRule,
    TicketRules,
)
from cti_engine.core.expressions.suggestion import closest_or_all, did_you_mean
from cti_engine.definitions.problems import WARNING, Path
from cti_engine.definitions.shapes import IDENTIFIER, Duration, Key, Keys, Many, Number, Table, Text
from cti_engine.definitions.site_loader import LABELS
from cti_engine.definitions.yaml_source import Document

DAY = 86_400.0
PRIORITY = Number(1, 9)
SEGMENTS = Many(Text("the name of a segment"))
TIME = Duration(60, 365 * DAY)
SCALE = Text('a scale such as "1-5"', r"\d{1,2}-\d{1,2}")

_RULES = TicketRules()
CATEGORY = Keys(
    (
        Key("label", LABELS, "its name by language"),
        Key("priority", PRIORITY, "of a ticket for which nobody chooses one"),
    )
)
DUE = Keys(
    (
        Key("segments", SEGMENTS, "of these customers; without: of any", ()),
        Key("priorities", Many(PRIORITY), "of these priorities; without: of any", ()),
        Key("categories", Many(IDENTIFIER), "of these categories; without: of any", ()),
        Key("within", TIME, "how long until it is due, in the hours of the calendar"),
    )
)
RUNG = Keys(
    (
        Key("at", Number(1, 1000), "percent of the time until due; 100: it is due", None),
        Key("untaken", TIME, "instead: nobody has taken it for so long", None),
        Key("to", Text("owner, supervisor or an agent's id", r"[a-z][a-z0-9_]{0,63}"), "who is told"),
    )
)
SURVEY = Keys(
    (
        Key("answers", Table(Number(0, 100), SCALE, least=1), "for each scale up to which answer is a bad one"),
        Key("segments", SEGMENTS, "of customers of these segments", ()),
        Key("value", Number(0, 1_000_000_000, decimal=True), "or worth so much at least", None),
        Key("category", IDENTIFIER, "of the ticket that is opened"),
        Key("priority", PRIORITY, "of that ticket; without: the category's", None),
        Key("call_back", Duration(0, 30 * DAY), "a call-back is promised so much later, in office hours; 0: none", 0.0),
    )
)  # fmt: skip
TICKETS = Keys(
    (
        Key("calendar", IDENTIFIER, "hours of business_hours.yaml in which time counts; without: every hour", ""),
        Key("categories", Table(CATEGORY), "what tickets are about", {}),
        Key("priorities", Table(LABELS, Text("a number from 1, the most urgent, to 9", "[1-9]")),
            "the priorities by number, with labels by language", {}),
        Key("due", Many(DUE), "when a ticket is due; the first rule that fits", ()),
        Key("ladder", Many(RUNG), "who is told of a ticket that is not resolved, and when", ()),
        Key("wait", TIME, "a ticket that waits for the customer comes back after this, if no time was chosen",
            _RULES.wait),
        Key("reopen_within", TIME, "until when a resolved ticket may be opened again", _RULES.reopen_within),
        Key("surveys", Many(SURVEY), "answers to surveys that open a ticket; the first rule that fits", ()),
    )
)  # fmt: skip


def load_tickets(
    document: Document,
    calendars: Collection[str] | None,
    agents: Collection[str] | None,
    segments: Collection[str],
) -> TicketRules:
    """`calendars` and `agents` None: their file could not be read. `segments`: those of segments.yaml."""
    written = TICKETS.read(document, document.root, ())
    calendar = written["calendar"]
    if calendar and calendars is not None and calendar not in calendars:
        text = f"there is no calendar {calendar}"
        document.problem(("calendar",), text, closest_or_all(calendar, calendars))
    priorities = {
        int(number): labels for number, labels in written["priorities"].items() if number.isdecimal()
    }
    if priorities and sorted(priorities) != list(range(1, len(priorities) + 1)):
        document.problem(("priorities",), "the numbers are not 1, 2, 3 and so on", "1 is the most urgent")
    categories = {
        id: Category(id, one["label"], one["priority"]) for id, one in written["categories"].items()
    }
    for id, category in categories.items():
        _priority(document, ("categories", id, "priority"), category.priority, priorities)
    if categories and not priorities:
        document.problem(
            (), "priorities is missing", 'e.g. priorities: {"1": {en: Urgent}, "2": {en: Normal}}'
        )
    due = _due(document, written["due"], categories, priorities, segments)
    surveys = []
    for index, one in enumerate(written["surveys"]):
        path: Path = ("surveys", index)
        _segments(document, path, one["segments"], segments)
        _category(document, (*path, "category"), one["category"], categories)
        if one["priority"] is not None:
            _priority(document, (*path, "priority"), one["priority"], priorities)
        for scale, answer in one["answers"].items():
            _answer(document, (*path, "answers", scale), scale, answer)
        usual = categories[one["category"]].priority if one["category"] in categories else 1
        surveys.append(SurveyRule(**{**one, "priority": one["priority"] or usual}))
    return TicketRules(
        calendar,
        categories,
        dict(sorted(priorities.items())),
        due,
        _ladder(document, written["ladder"], agents),
        written["wait"],
        written["reopen_within"],
        tuple(surveys),
    )


def _due(
    document: Document,
    written: tuple[dict[str, Any], ...],
    categories: Mapping[str, Category],
    priorities: Mapping[int, Any],
    segments: Collection[str],
) -> tuple[DueRule, ...]:
    found: list[DueRule] = []
    for index, one in enumerate(written):
        path: Path = ("due", index)
        _segments(document, path, one["segments"], segments)
        for place, category in enumerate(one["categories"]):
            _category(document, (*path, "categories", place), category, categories)
        for place, priority in enumerate(one["priorities"]):
            _priority(document, (*path, "priorities", place), priority, priorities)
        for earlier, rule in enumerate(found):
            takes_all = all(
                not theirs or (ours and set(ours) <= set(theirs))
                for ours, theirs in (
                    (one["segments"], rule.segments),
                    (one["priorities"], rule.priorities),
                    (one["categories"], rule.categories),
                )
            )
            if takes_all:
                text = f"never counts: due[{earlier}] fits all of these tickets"
                document.problem(path, text, "put it before", severity=WARNING)
                break
        found.append(DueRule(**one))
    if categories and not any(not (r.segments or r.priorities or r.categories) for r in found):
        text = "tickets that no rule fits are never due"
        document.problem(
            ("due",) if found else (), text, "end with a rule for all: {within: 2d}", severity=WARNING
        )
    return tuple(found)


def _ladder(
    document: Document, written: tuple[dict[str, Any], ...], agents: Collection[str] | None
) -> tuple[Rung, ...]:
    rungs = []
    for index, one in enumerate(written):
        path: Path = ("ladder", index)
        if (one["at"] is None) == (one["untaken"] is None):
            document.problem(path, "one of at and untaken has to be written", "e.g. {at: 100, to: owner}")
            continue
        known = [OWNER, SUPERVISOR, *(agents or ())]
        if one["to"] and agents is not None and one["to"] not in known:
            document.problem(
                (*path, "to"), f"there is no agent {one['to']}", closest_or_all(one["to"], known)
            )
        if one["untaken"] is not None and one["to"] == OWNER:
            document.problem((*path, "to"), "nobody owns a ticket that is not taken", "to: supervisor")
        share = None if one["at"] is None else one["at"] / 100
        rungs.append(Rung(one["to"], share, one["untaken"]))
    return tuple(rungs)


def _segments(document: Document, path: Path, names: tuple[str, ...], known: Collection[str]) -> None:
    """Others than those of segments.yaml may come with an import; a name close to one of them is a slip."""
    listed = document.at((*path, "segments")).kind != "value"
    for place, name in enumerate(names):
        if name and name not in known and (hint := did_you_mean(name, known)):
            at = (*path, "segments", place) if listed else (*path, "segments")
            document.problem(at, f"{name} is no segment of segments.yaml", hint, severity=WARNING)


def _category(document: Document, path: Path, name: str, known: Mapping[str, Category]) -> None:
    if name and name not in known:
        document.problem(path, f"there is no category {name}", closest_or_all(name, known))


def _priority(document: Document, path: Path, number: int, known: Mapping[int, Any]) -> None:
    if known and number not in known:
        document.problem(path, f"there is no priority {number}", f"one of {', '.join(map(str, known))}")


def _answer(document: Document, path: Path, scale: str, answer: int) -> None:
    first, _, last = scale.partition("-")
    if first.isdecimal() and last.isdecimal() and not int(first) <= answer < int(last):
        document.problem(path, f"{answer} is not below the best answer of {scale}")
