"""config/sites.yaml and config/shifts.yaml: where agents and callers are, and when agents work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cti_engine.core.definitions import AgentDefinition, Region, Shift, Site
from cti_engine.core.expressions.suggestion import did_you_mean
from cti_engine.core.hours import Zone
from cti_engine.definitions.shapes import IDENTIFIER, LANGUAGE, Key, Keys, Many, Table, Text
from cti_engine.definitions.yaml_source import Document
from cti_engine.definitions.zones import TIME_ZONE, zone_named

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CALLERS = Many(Text("the beginning of a number, as +57 or +57601", r"\+[1-9][0-9]{0,14}"))

SITE = Keys(
    (
        Key("callers", CALLERS, "beginnings of the numbers of callers who belong here", ()),
        Key("near", Many(IDENTIFIER), "other sites, the nearest first", ()),
    )
)
REGION = Keys(
    (
        Key("callers", CALLERS, "beginnings of the numbers of callers there"),
        Key("languages", Many(LANGUAGE), "languages likely there", ()),
        Key("time_zone", TIME_ZONE, "by which clock people live there; callbacks are promised by it", ""),
    )
)
SITES = Keys(
    (
        Key("sites", Table(SITE), "where agents work"),
        Key("regions", Table(REGION), "where callers are: call.region, call.region_languages", {}),
    )
)
SHIFT = Keys(
    (
        Key("days", Many(Text("a day of the week", choices=WEEKDAYS), 1), "on which days", WEEKDAYS),
        Key("from", Text('a time such as "08:00"', r"([01]\d|2[0-3]):[0-5]\d"), "when it begins"),
        Key("to", Text('a time such as "16:00"', r"([01]\d|2[0-3]):[0-5]\d|24:00"),
            "when it ends; earlier than from: on the next day"),
    )
)  # fmt: skip
SHIFTS = Keys((Key("shifts", Table(SHIFT), "hours of work, for agents' shift:"),))


@dataclass(frozen=True, slots=True)
class Places:
    sites: dict[str, Site]
    regions: dict[str, Region]


def load_sites(document: Document) -> Places:
    written = SITES.read(document, document.root, ())
    sites = {
        id: Site(id, values["callers"], tuple(dict.fromkeys(values["near"])))
        for id, values in written["sites"].items()
    }
    for site in sites.values():
        for index, near in enumerate(site.near):
            if near and near not in sites:
                place = ("sites", site.id, "near", index)
                document.problem(place, f"there is no site {near}", did_you_mean(near, sites))
    _callers_once(document, "sites", written["sites"])
    _callers_once(document, "regions", written["regions"])
    regions = {
        id: Region(id, values["callers"], values["languages"], _zone(document, id, values["time_zone"]))
        for id, values in written["regions"].items()
    }
    return Places(sites, regions)


def _zone(document: Document, region: str, name: str) -> Zone | None:
    return zone_named(document, ("regions", region, "time_zone"), name) if name else None


def _callers_once(document: Document, kind: str, written: dict[str, Any]) -> None:
    """The longest beginning wins, so only the very same one twice is a fault."""
    owner: dict[str, str] = {}
    for id, values in written.items():
        for index, callers in enumerate(values["callers"]):
            first = owner.setdefault(callers, id)
            if callers and first != id:
                document.problem((kind, id, "callers", index), f"{callers} belongs to {first} already")


def load_shifts(document: Document) -> dict[str, Shift]:
    written = SHIFTS.read(document, document.root, ())
    return {
        id: Shift(id, tuple(WEEKDAYS.index(day) for day in values["days"] if day in WEEKDAYS),
                  minutes_of(values["from"]), minutes_of(values["to"]))
        for id, values in written["shifts"].items()
    }  # fmt: skip


def minutes_of(text: str) -> int:
    """`"08:30"` to minutes after midnight."""
    hours, _, minutes = text.partition(":")
    return int(hours or 0) * 60 + int(minutes or 0)


def check_agents(
    document: Document,
    agents: dict[str, AgentDefinition],
    sites: dict[str, Site] | None,
    shifts: dict[str, Shift] | None,
    profiles: dict[str, Any] | None,
) -> None:
    """Names of sites, shifts and profiles that agents use. None: their file is not there or cannot be read."""
    known = (("site", sites), ("shift", shifts), ("profile", profiles))
    for agent in agents.values():
        for key, names in known:
            value = getattr(agent, key)
            if value and names is not None and value not in names:
                document.problem(
                    ("agents", agent.id, key), f"there is no {key} {value}", did_you_mean(value, names)
                )
