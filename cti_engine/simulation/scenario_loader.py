"""A scenario's YAML and CSV files, read and checked like all definitions: problems with file and line, never thrown."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any

from cti_engine.core.definitions import AgentDefinition, CenterDefinitions
from cti_engine.core.expressions.check import read_condition
from cti_engine.core.expressions.suggestion import did_you_mean
from cti_engine.core.expressions.values import BOOLEAN, NUMBER, TEXT, Lookup, Scope, kind
from cti_engine.definitions.place_loader import WEEKDAYS
from cti_engine.definitions.problems import Path, Problem, has_errors
from cti_engine.definitions.scenario_keys import SCENARIO
from cti_engine.definitions.yaml_source import Document, Node, read_yaml
from cti_engine.simulation.distributions import (
    NEVER,
    NOTHING,
    AtOnce,
    Constant,
    Distribution,
    Exponential,
    Lognormal,
)
from cti_engine.simulation.habits import GroupHabits, Handling, Redial, Status
from cti_engine.simulation.matcher_world import Staffing
from cti_engine.simulation.scenario import DAY_MS, MONDAY_MS, Scenario, Stream
from cti_engine.simulation.simulated_rules import Way

_KINDS = {"boolean": BOOLEAN, "number": NUMBER, "text": TEXT}
_Written = dict[str, Any]


def load_scenario(file: FilePath, definitions: CenterDefinitions) -> tuple[Scenario | None, list[Problem]]:
    """None when there are errors; warnings may come with a scenario."""
    document = Document(str(file), Node(0, 0, {}))
    try:
        document = read_yaml(str(file), file.read_bytes())
    except OSError as error:
        document.give_up(0, 0, f"cannot be read: {error.strerror}")
    scenario = _Reader(document, definitions, file).read()
    problems = sorted(set(document.problems))
    return (None if has_errors(problems) else scenario), problems


class _Reader:
    def __init__(self, document: Document, definitions: CenterDefinitions, file: FilePath) -> None:
        self._document, self._definitions, self._file = document, definitions, file
        self._people = dict(definitions.agents)
        self._likes: dict[str, list[str]] = {}

    def read(self) -> Scenario:
        written = SCENARIO.read(self._document, self._document.root, ())
        self._length, self._interval = written["length"], written["interval"] or 1800.0
        self._clock = _minutes(written["begins"])
        begins = MONDAY_MS + (WEEKDAYS.index(written["day"] or "mon") * 1440 + self._clock) * 60_000
        if written["warm_up"] >= self._length > 0:
            self._document.problem(("warm_up",), "nothing is left to count", "shorter than length")
        streams = {name: self._stream(name, values) for name, values in written["calls"].items()}
        groups = {name: self._group(name, values) for name, values in written["groups"].items()}
        group_of = self._members(written["groups"])
        duty = self._duty(written["groups"], group_of, begins)
        return Scenario(
            self._file.stem, self._with_copies(), streams, groups, group_of, tuple(duty), begins, self._length,
            written["warm_up"], self._interval, written["busyness"], written["replications"], written["seed"],
        )  # fmt: skip

    # --- calls ---------------------------------------------------------------------------------

    def _stream(self, name: str, values: _Written) -> Stream:
        path: Path = ("calls", name)
        self._queue_named((*path, "queue"), values["queue"])
        number = values["number"]
        if number and number not in self._definitions.dialled_numbers:
            hint = did_you_mean(number, self._definitions.dialled_numbers)
            self._document.problem((*path, "number"), f"nothing answers {number}", hint)
        moments: tuple[int, ...] = ()
        rates = values["per_hour"] or ()
        intervals = -int(-self._length // self._interval)
        if bool(rates) == bool(values["file"]):
            self._document.problem(path, "either per_hour or file", "per_hour: 60 or file: calls.csv")
        elif values["file"]:
            moments = tuple(sorted(self._moments((*path, "file"), values["file"], values["queue"])))
        elif len(rates) not in (1, intervals):
            text = f"{len(rates)} rates for {intervals} intervals"
            self._document.problem(
                (*path, "per_hour"), text, "one rate, or one for each interval of the length"
            )
        redial = values["redial"]
        again = None
        if redial is not None:
            again = Redial(
                redial["probability"], self._time((*path, "redial", "after"), redial["after"], NOTHING)
            )
        return Stream(
            Way(
                name,
                values["queue"],
                number,
                values["priority"],
                values["language"],
                values["ivr"] is not None,
            ),
            rates,
            moments,
            values["callers"],
            {key: literal.value for key, literal in values["attributes"].items()},
            self._time((*path, "ivr"), values["ivr"], NOTHING) if values["ivr"] else None,
            self._time((*path, "patience"), values["patience"], NEVER),
            again,
        )

    def _moments(self, path: Path, name: str, queue: str) -> Iterator[int]:
        """Moments of a CSV, ms from the beginning; of call records, those of the queue, by their time of day in UTC."""
        file = self._file.parent / name
        try:
            with file.open(encoding="utf-8", newline="") as lines:
                rows = list(csv.DictReader(lines))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            self._document.problem(path, f"{name} cannot be read: {error}")
            return
        for line, row in enumerate(rows, 2):
            text = row.get("at") or row.get("arrived_at") or ""
            try:
                if "arrived_at" in row:
                    if row.get("queue", queue) != queue:
                        continue
                    moment = round(1000 * float(text)) % DAY_MS - self._clock * 60_000
                elif ":" in text:
                    parts = [float(part) for part in text.split(":")]
                    moment = round(1000 * sum(60.0 ** (2 - place) * part for place, part in enumerate(parts)))
                    moment -= self._clock * 60_000
                else:
                    moment = round(1000 * float(text))
            except ValueError:
                self._document.problems.append(
                    Problem(
                        str(file),
                        line,
                        1,
                        "at",
                        "error",
                        f"expected a moment, found {text!r}",
                        "09:30:05 or 5405",
                    )
                )
                continue
            if 0 <= moment < 1000 * self._length:
                yield moment

    # --- agents --------------------------------------------------------------------------------

    def _group(self, name: str, values: _Written) -> GroupHabits:
        path: Path = ("groups", name)
        if values["talk"] is None and not values["by_queue"]:
            self._document.problem(path, "talk is missing", "talk: {lognormal: 4m, cv: 0.8}")
        for queue in values["by_queue"]:
            self._queue_named((*path, "by_queue", queue), queue, key=True)
        handling = self._handling(path, values, None)
        return GroupHabits(
            handling,
            {
                queue: self._handling((*path, "by_queue", queue), each, handling)
                for queue, each in values["by_queue"].items()
            },
            self._time((*path, "ring"), values["ring"], NOTHING),
            values["rona"],
            self._time((*path, "away"), values["away"], NOTHING),
        )

    def _handling(self, path: Path, values: _Written, otherwise: Handling | None) -> Handling:
        talk = self._time((*path, "talk"), values["talk"], otherwise.talk if otherwise else NOTHING)
        if values["wrap_up"] is None:
            return Handling(talk, otherwise.wrap_up if otherwise else None)
        return Handling(talk, self._time((*path, "wrap_up"), values["wrap_up"], NOTHING))

    def _members(self, groups: Mapping[str, _Written]) -> dict[str, str]:
        """The group of each agent: made-up ones, then who fits a condition, in the order of writing, then the rest."""
        found: dict[str, str] = {}
        attributes = [
            each for agent in self._definitions.agents.values() for each in agent.attributes.items()
        ]
        scope: Scope = {
            **{f"agent.{name}": _KINDS[kind(value)] for name, value in attributes},
            **dict.fromkeys(("agent.id", "agent.name", "agent.site"), TEXT),
        }
        for name, values in groups.items():
            path: Path = ("groups", name)
            if values["like"]:
                found |= dict.fromkeys(self._copies(path, name, values), name)
            elif values["require"]:
                condition, faults = read_condition(values["require"], scope)
                for fault in faults:
                    self._document.problem(
                        (*path, "require"), fault.text, fault.hint, offset=fault.column - 1
                    )
                for agent in self._definitions.agents.values():
                    if condition is not None and agent.id not in found and condition.holds(_names(agent)):
                        found[agent.id] = name
        for name, values in groups.items():
            if not values["like"] and not values["require"]:
                found |= {agent: name for agent in self._definitions.agents if agent not in found}
        for name in groups:
            if name not in found.values():
                self._document.problem(("groups", name), "no agent is in this group", severity="warning")
        return found

    def _copies(self, path: Path, group: str, values: _Written) -> list[str]:
        model = self._definitions.agents.get(values["like"])
        if model is None:
            hint = did_you_mean(values["like"], self._definitions.agents)
            self._document.problem((*path, "like"), f"there is no agent {values['like']}", hint)
            return []
        if values["agents"] is None:
            self._document.problem(path, "agents is missing", "agents: 20, how many like this one")
        width = len(str(values["agents"] or 1))
        names = [f"{group}_{number:0{width}}" for number in range(1, (values["agents"] or 1) + 1)]
        self._people |= {name: replace(model, id=name, name=name) for name in names}
        self._likes.setdefault(model.id, []).extend(names)
        return names

    def _with_copies(self) -> CenterDefinitions:
        queues = {
            queue.id: replace(
                queue,
                members=queue.members
                + tuple(copy for member in queue.members for copy in self._likes.get(member, ())),
            )
            for queue in self._definitions.queues.values()
        }
        return replace(self._definitions, agents=self._people, queues=queues)

    def _duty(
        self, groups: Mapping[str, _Written], group_of: Mapping[str, str], begins: int
    ) -> list[Staffing | Status]:
        """In the order of time."""
        found: list[Staffing | Status] = []
        for name, values in groups.items():
            if values["on_duty"] is None:
                agents = [self._people[agent] for agent, group in group_of.items() if group == name]
                for agent in agents:
                    found += self._by_shift(agent, begins)
                continue
            first, before = True, -1
            for index, each in enumerate(values["on_duty"]):
                minutes = _minutes(each["from"])
                if minutes <= before:
                    place: Path = ("groups", name, "on_duty", index, "from")
                    self._document.problem(place, "not after the one before", "in the order of time")
                before = minutes
                at = begins + ((minutes - self._clock) % 1440) * 60_000
                if first and at > begins:
                    found.append(Staffing(begins, name, 0))
                found.append(Staffing(at, name, each["agents"]))
                first = False
        return sorted(found, key=lambda change: change.at)

    def _by_shift(self, agent: AgentDefinition, begins: int) -> Iterator[Status]:
        shift = self._definitions.shifts.get(agent.shift)
        if shift is None:
            yield Status(begins, agent.id, "ready")
            return
        midnight = begins - begins % DAY_MS
        for day in range(-1, int(self._length // 86_400) + 2):
            at = midnight + day * DAY_MS
            if ((at - MONDAY_MS) // DAY_MS) % 7 in shift.days:
                end = at + (shift.ends + (1440 if shift.ends <= shift.begins else 0)) * 60_000
                if end > begins:
                    yield Status(max(begins, at + shift.begins * 60_000), agent.id, "ready")
                    yield Status(end, agent.id, "logged_out")

    # --- both ----------------------------------------------------------------------------------

    def _queue_named(self, path: Path, queue: str, *, key: bool = False) -> None:
        if queue and queue not in self._definitions.queues:
            report = self._document.key_problem if key else self._document.problem
            report(path, f"there is no queue {queue}", did_you_mean(queue, self._definitions.queues))

    def _time(self, path: Path, values: _Written | None, otherwise: Distribution) -> Distribution:
        if values is None:
            return otherwise
        written = [name for name in ("constant", "exponential", "lognormal") if values[name] is not None]
        if len(written) != 1:
            found = " and ".join(written) or "none"
            self._document.problem(
                path, f"one of constant, exponential and lognormal, found {found}", "exponential: 3m"
            )
            return otherwise
        mean = values[written[0]]
        rest: Distribution = Constant(mean)
        if written[0] == "exponential":
            rest = Exponential(mean)
        elif written[0] == "lognormal":
            rest = Lognormal(mean, values["cv"])
        return AtOnce(values["at_once"], rest) if values["at_once"] else rest


def _names(agent: AgentDefinition) -> Lookup:
    own: dict[str, object] = {f"agent.{name}": value for name, value in agent.attributes.items()}
    return {**own, "agent.id": agent.id, "agent.name": agent.name, "agent.site": agent.site}.get


def _minutes(clock: str) -> int:
    hours, _, minutes = (clock or "00:00").partition(":")
    return int(hours) * 60 + int(minutes)
