"""What the admin calls reasons, dispositions, tickets, segments, intents, products: in each language, for the pages."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cti_engine.definitions.label_loader import load_labels
from cti_engine.definitions.problems import has_errors
from cti_engine.definitions.site_loader import load_dispositions, load_reasons
from cti_engine.definitions.ticket_loader import load_tickets
from cti_engine.definitions.yaml_source import Document, Node, read_yaml

FRESH = 30.0  # seconds before the admin's files are looked at again

_log = logging.getLogger("cti.console")


class LabelsUnavailable(Exception):
    """The admin's files cannot be read now; the text says why in one line."""


@dataclass(frozen=True, slots=True)
class Labels:
    """Code to language to text, in the order in which the admin wrote them; priorities by number, 1 the most urgent."""

    not_ready_reasons: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    dispositions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    ticket_categories: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    ticket_priorities: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    segments: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    intents: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    products: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def read_labels(home: Path) -> Labels:
    """The labels of the set below `home`, of which no other file is read. Raises LabelsUnavailable."""
    agents, dispositions, tickets, codes = (
        read_file(home, f"config/{name}.yaml") for name in ("agents", "dispositions", "tickets", "labels")
    )
    rules = load_tickets(tickets, None, None, ())
    found = Labels(
        load_reasons(agents),
        {code: disposition.label for code, disposition in load_dispositions(dispositions).items()},
        {category.id: category.label for category in rules.categories.values()},
        {str(number): label for number, label in rules.priorities.items()},
        **load_labels(codes),
    )
    if has_errors(agents.problems + dispositions.problems + tickets.problems + codes.problems):
        raise LabelsUnavailable(f"problems in {home}; cti-engine check lists them")
    return found


def read_file(home: Path, file: str) -> Document:
    """A file that is not there is as if it were empty. Raises LabelsUnavailable."""
    try:
        return read_yaml(file, (home / file).read_bytes())
    except FileNotFoundError:
        return Document(file, Node(0, 0, {}))
    except OSError as error:
        raise LabelsUnavailable(f"{home / file} cannot be read: {error.strerror}") from error


class LabelBook:
    """Keeps the last labels that could be read: a wrong edit never empties an agent's menu."""

    def __init__(self, read: Callable[[], Labels]) -> None:
        self._read = read
        self._labels = Labels()
        self._read_at = -FRESH

    async def get(self) -> Labels:
        if time.monotonic() - self._read_at >= FRESH:
            self._read_at = time.monotonic()
            try:
                self._labels = await asyncio.to_thread(self._read)
            except LabelsUnavailable as error:
                _log.warning("labels stay as they were: %s", error)
        return self._labels
