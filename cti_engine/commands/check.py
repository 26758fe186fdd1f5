"""`cti-engine check`: every problem of the files, and how long a call of each queue can be passed over."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from cti_engine.core.definitions import CenterDefinitions
from cti_engine.core.expressions.values import print_duration
from cti_engine.definitions.problems import Problem
from cti_engine.definitions.report import as_plain, as_text
from cti_engine.definitions.routing_review import bounds_of, said


def write_json(problems: Sequence[Problem], definitions: CenterDefinitions | None, to: TextIO) -> None:
    """`definitions` None: there are errors, and nothing more is known."""
    found: dict[str, object] = {"problems": as_plain(problems)}
    if definitions is not None:
        found["version"] = definitions.version
        found["queues"] = [
            {
                "queue": bound.queue,
                "agents": len(definitions.queues[bound.queue].members),
                "steps": len(definitions.queues[bound.queue].steps) or 1,
                "passed_over_at_most_s": bound.longest / 1000,
                "endless": bound.endless,
                "by": bound.by,
                "why": bound.why,
                "profile": bound.profile,
            }
            for bound in bounds_of(definitions).values()
        ]
    json.dump(found, to, ensure_ascii=False, indent=1)
    to.write("\n")


def show(problems: Sequence[Problem], definitions: CenterDefinitions | None, console: Console) -> None:
    if problems:
        print(as_text(problems))
    elif definitions is not None:
        counts = f"{len(definitions.written_flows)} flows, {len(definitions.queues)} queues"
        print(f"No problems: {counts}, {len(definitions.agents)} agents; version {definitions.version}")
    if definitions is None:
        return
    table = Table(
        title="Later calls that pass a waiting one",
        header_style="bold",
        box=SIMPLE_HEAD,
        caption="A call that comes later than that after it is never served before it.",
    )
    for name in ("queue", "agents", "steps", "come at most after", "because"):
        table.add_column(name, justify="right" if name in ("agents", "steps") else "left", overflow="fold")
    for bound in bounds_of(definitions).values():
        queue = definitions.queues[bound.queue]
        longest = "none pass" if not bound.longest else print_duration(round(bound.longest / 1000, 1))
        if bound.endless:
            longest = "as long as it waits"
        table.add_row(queue.id, str(len(queue.members)), str(len(queue.steps) or 1), longest, said(bound))
    console.print(table)
