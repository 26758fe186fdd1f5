"""`adapting_levels:` in routing_rules/queues.yaml: for all queues, and for one queue what differs there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from cti_engine.core.expressions.suggestion import did_you_mean
from cti_engine.core.routing.build import milliseconds
from cti_engine.core.routing.handle_times import DEFAULT, LevelLimits
from cti_engine.definitions.problems import Path
from cti_engine.definitions.shapes import IDENTIFIER, Duration, Flag, Key, Keys, Many, Number
from cti_engine.definitions.yaml_source import Document

_ENABLED = Key(
    "enabled", Flag(), "groups of agents who are markedly slower serve their own queues first", None
)
_SLOWER_BY = Key(
    "slower_by", Number(1.01, 10, decimal=True), "markedly slower: 1.15 is 15 % longer than the fastest", None
)
_MIN_CALLS = Key("min_calls", Number(2, 400), "before so many calls nothing is said of a group", None)
_AT_MOST_WAIT = Key(
    "at_most_wait", Duration(1, 86400), "a call that has waited so long is every group's alike", None
)
_OF_QUEUE = (_ENABLED, _SLOWER_BY, _MIN_CALLS, _AT_MOST_WAIT)
QUEUE_LEVELS = Keys(_OF_QUEUE)
ALL_LEVELS = Keys((*_OF_QUEUE, Key("never", Many(IDENTIFIER), "queues that every group serves alike", ())))


def read_levels(
    document: Document, common: dict[str, Any], own: dict[str, dict[str, Any]]
) -> dict[str, LevelLimits]:
    """For each queue: its own words, else those for all, else the defaults. A queue in `never` says nothing itself."""
    path: Path = ("adapting_levels", "never")
    for index, queue in enumerate(common["never"]):
        if queue and queue not in own:
            document.problem((*path, index), f"there is no queue {queue}", did_you_mean(queue, own))
        elif queue and own[queue]["enabled"]:
            document.problem((*path, index), f"{queue} says enabled: true itself", "keep one of them")
    default = _limits(DEFAULT, common)
    return {queue: _of_queue(queue, default, common["never"], keys) for queue, keys in own.items()}


def _of_queue(queue: str, default: LevelLimits, never: Collection[str], own: dict[str, Any]) -> LevelLimits:
    limits = _limits(default, own)
    return replace(limits, enabled=False) if queue in never else limits


def _limits(default: LevelLimits, written: dict[str, Any]) -> LevelLimits:
    given = {key: value for key, value in written.items() if value is not None and key != "never"}
    if "at_most_wait" in given:
        given["at_most_wait"] = milliseconds(given["at_most_wait"])
    return replace(default, **given)
