"""The queues' views for pages: the newest of each, few at a time, everybody in the end."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from agent_console.queue_news import EVERY, TURNS, QueueNews
from cti_engine.wire.envelope import StateMessage
from tests.console.world import queue


class Room:
    """Queue news without a console; `told` is what each page got."""

    def __init__(self) -> None:
        self.now = 0.0
        self.due: list[tuple[float, Callable[[], None]]] = []
        self.news = QueueNews(lambda seconds, call: self.due.append((self.now + seconds, call)))
        self.told: dict[str, list[tuple[float, str, Any]]] = {}

    def opens(self, page: str) -> None:
        self.told[page] = []

        def push(text: str) -> None:
            said = json.loads(text)
            assert (said["type"], said["kind"]) == ("state", "queue")
            waiting = None if said["data"] is None else said["data"]["waiting"]
            self.told[page].append((self.now, said["id"], waiting))

        self.news.listen(page, push)

    def shows(self, id_: str, waiting: int) -> None:
        self.news.on_state("queue", id_, StateMessage("", asdict(queue(id_, waiting=waiting))))

    def passes(self, seconds: float) -> None:
        until = self.now + seconds
        while self.due and min(self.due, key=lambda due: due[0])[0] <= until:
            self.due.sort(key=lambda due: due[0])
            self.now, call = self.due.pop(0)
            call()
        self.now = until


def test_the_newest_of_each_once() -> None:
    """However often a queue changes within the time, a page gets its newest view once, and a queue that is gone is
    told too; then nothing more, and no timer goes on for nothing.
    """
    room = Room()
    room.opens("p")
    for waiting in range(5):
        room.shows("sales", waiting)
    room.shows("gold", 1)
    room.news.on_state("queue", "gold", None)
    room.passes(2 * EVERY)
    assert [told[1:] for told in room.told["p"]] == [("sales", 4), ("gold", None)]
    assert room.due == []


def test_never_more_often_than_that() -> None:
    """A queue that changes all the time reaches each page five times a second, and its last change too."""
    room = Room()
    room.opens("p")
    for waiting in range(200):
        room.shows("sales", waiting)
        room.passes(0.01)
    room.passes(2 * EVERY)
    moments = [at for at, _, _ in room.told["p"]]
    assert 9 <= len(moments) <= 12
    assert min(b - a for a, b in itertools.pairwise(moments)) > 0.99 * EVERY
    assert room.told["p"][-1][1:] == ("sales", 199)


def test_few_pages_at_a_time() -> None:
    """Two hundred pages are told within the time, and never more than their share at one moment."""
    room = Room()
    for number in range(200):
        room.opens(f"p{number}")
    room.shows("sales", 3)
    room.passes(EVERY + 0.001)
    moments = [at for told in room.told.values() for at, _, _ in told]
    assert len(moments) == 200
    assert max(moments.count(at) for at in moments) == 200 / TURNS


def test_a_page_that_has_gone_or_comes() -> None:
    """Who has gone is told nothing more; who comes later shares the turn of the fewest."""
    room = Room()
    room.opens("gone")
    room.shows("sales", 1)
    room.news.leave("gone")
    room.opens("later")
    room.passes(2 * EVERY)
    room.shows("sales", 2)
    room.passes(2 * EVERY)
    assert room.told["gone"] == []
    assert room.told["later"][-1][1:] == ("sales", 2)
