"""The report of promises kept: counts, waits against promises, and the command that prints them."""

from __future__ import annotations

import io
import json
from pathlib import Path

from rich.console import Console

from cti_engine.commands import callback_report
from cti_engine.core import events as ev
from cti_engine.core.reporting.callbacks import CallbackStories, CallbackStory, figures
from cti_engine.ports import Batch, StoredEvent
from cti_engine.runtime.stores import open_store
from cti_engine.wire.vocabulary import to_plain

DAY = 20_000 * 86_400.0


def asked(
    contact: str, at: float, promised: tuple[float, float, float] | None
) -> list[tuple[float, ev.Event]]:
    return [
        (at, ev.CallbackRequested(contact, "sales", "+34600", "", "1000", "guest", "c0", 5.0, 3600.0, 3)),
        (at, ev.CallQueued(contact, "sales", 0, 1, promised)),
    ]


STORY: list[tuple[float, ev.Event]] = sorted(
    [
        *asked("c1", DAY, (60.0, 120.0, 300.0)),
        (DAY + 110, ev.CallbackAttempted("c1", "maria", 1, "answered", 10.0)),
        (DAY + 110, ev.CallbackEnded("c1", "sales", "reached", 1, 110.0)),
        *asked("c2", DAY + 1, (60.0, 120.0, 300.0)),
        (DAY + 331, ev.CallbackAttempted("c2", "john", 1, "busy", 30.0)),
        (DAY + 401, ev.CallbackAttempted("c2", "john", 2, "agent_gone", 0.0)),
        (DAY + 631, ev.CallbackAttempted("c2", "john", 2, "answered", 3.0)),
        (DAY + 631, ev.CallbackEnded("c2", "sales", "reached", 2, 630.0)),
        *asked("c3", DAY + 2, None),
        (DAY + 3602, ev.CallbackEnded("c3", "sales", "expired", 0, 3600.0)),
        *asked("c4", DAY + 3, (60.0, 120.0, 300.0)),
        *asked("c0", DAY - 10, (60.0, 120.0, 300.0)),
    ],
    key=lambda each: each[0],
)


def told() -> dict[str, CallbackStory]:
    found = CallbackStories(DAY)
    for at, event in STORY:
        found.apply(event, at)
    return found.stories


def test_each_story() -> None:
    """The wait runs from asking to the first ring; what was asked for earlier is left out."""
    stories = told()
    assert list(stories) == ["c1", "c2", "c3", "c4"]
    assert [story.waited_s for story in stories.values()] == [100.0, 300.0, None, None]
    assert [story.kept for story in stories.values()] == [True, False, None, None]


def test_the_figures() -> None:
    """Of four: two reached, one of them at the first try; one missed, one waits. Of two promises one was kept."""
    (sales,) = figures(told().values())
    assert (sales.asked, sales.reached, sales.missed, sales.waiting) == (4, 2, 1, 1)
    assert (sales.tries, sales.reached_at_first) == (3, 1)
    assert (sales.mean_wait_s, sales.longest_wait_s, sales.mean_promised_s) == (200.0, 300.0, 120.0)
    assert (sales.promised, sales.kept, sales.kept_share) == (2, 1, 0.5)


def test_appointments() -> None:
    """Of one promised for a time the wait runs from then, and the grace is the promise; a withdrawn one breaks none."""
    found = CallbackStories(DAY)
    for contact in ("c5", "c6", "c7"):
        found.apply(
            ev.CallbackRequested(contact, "sales", "+34", "", "1000", "trunk:x", "c1", 0.0, 60.0, 3), DAY
        )
        at = DAY + 7200
        found.apply(ev.CallbackScheduled(contact, "maria", "sales", "+34", "", at, True, 300.0, ""), DAY)
    found.apply(ev.CallQueued("c5", "sales", 0, 1, (1.0, 2.0, 3.0)), DAY + 7200)
    found.apply(ev.CallbackAttempted("c5", "maria", 1, "answered", 5.0), DAY + 7265)
    found.apply(ev.CallbackEnded("c5", "sales", "reached", 1, 65.0, "maria"), DAY + 7265)
    found.apply(ev.CallbackEnded("c6", "sales", "settled", 0, 0.0, "maria"), DAY + 3600)
    stories = found.stories
    assert [(s.waited_s, s.kept, s.promised_by) for s in stories.values()] == [
        (60.0, True, "maria"), (None, None, "maria"), (None, None, "maria"),
    ]  # fmt: skip
    (sales,) = figures(stories.values())
    assert (sales.appointments, sales.reached, sales.withdrawn, sales.missed, sales.waiting) == (
        3,
        1,
        1,
        0,
        1,
    )
    assert (sales.promised, sales.kept) == (1, 1)


def test_the_command(tmp_path: Path) -> None:
    """From the event log, as a table and as JSON."""
    store = open_store("sqlite:", folder=tmp_path)
    store.open_epoch()
    events = []
    for seq, (at, event) in enumerate(STORY, 1):
        name, data = to_plain(event)
        events.append(StoredEvent(seq, at, name, str(data.pop("contact")), data))
    store.write(Batch({}, events))
    found = callback_report.callbacks(store, DAY)
    store.close()
    text = io.StringIO()
    callback_report.write_json(found, text)
    plain = json.loads(text.getvalue())
    assert plain["queues"][0]["kept_share"] == 0.5
    assert [each["outcome"] for each in plain["callbacks"]] == ["reached", "reached", "expired", ""]
    page = io.StringIO()
    callback_report.show(found, Console(file=page, width=140))
    assert "50 %" in page.getvalue()
