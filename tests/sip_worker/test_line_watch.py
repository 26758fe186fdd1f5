"""What the worker tells of lines: only changes, and nothing of too little."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from cti_engine.sip_worker.line_watch import INTERVAL, LineCounts, LineWatch

A_LOOK = int(50 * INTERVAL)


class Stream:
    """50 packets a second, of which a share is lost, or that we send and the phone misses."""

    def __init__(self) -> None:
        self.counts = [0, 0, 0, 0]

    def look(self, loss: float = 0.0, missed: float = 0.0, jitter: float = 2.0) -> LineCounts:
        lost = int(A_LOOK * loss)
        for index, more in enumerate((A_LOOK - lost, lost, A_LOOK, int(A_LOOK * missed))):
            self.counts[index] += more
        received, lost, sent, there = self.counts
        return LineCounts(received, lost, sent, there, jitter, 40.0)


def told(watch: LineWatch, look: LineCounts | None) -> list[bool]:
    return [line.poor for _, line in watch.changed({"a": look})]


def all_of(looks: Iterable[list[bool]]) -> list[bool]:
    return list(chain.from_iterable(looks))


def test_a_good_line_costs_nothing() -> None:
    """However long it is, and with the odd packet lost."""
    watch, stream = LineWatch(), Stream()
    assert [told(watch, stream.look(0.02)) for _ in range(50)] == [[]] * 50


def test_it_becomes_poor_and_good_again() -> None:
    """Each change once; it stays poor until the lost packets are out of sight."""
    watch, stream = LineWatch(), Stream()
    assert [told(watch, stream.look()) for _ in range(3)] == [[]] * 3
    looks = [told(watch, stream.look(0.25)) for _ in range(5)]
    assert all_of(looks) == [True] and looks.index([True]) <= 3
    looks = [told(watch, stream.look()) for _ in range(12)]
    assert all_of(looks) == [False] and looks.index([False]) >= 3


def test_what_the_caller_misses() -> None:
    """What its phone reports of what it got counts as well; so does jitter that no buffer can hold."""
    watch, stream = LineWatch(), Stream()
    assert all_of(told(watch, stream.look(missed=0.3)) for _ in range(4)) == [True]
    watch, stream = LineWatch(), Stream()
    assert all_of(told(watch, stream.look(jitter=180.0)) for _ in range(4)) == [True]


def test_too_little_to_tell() -> None:
    """The first seconds, and a phone that is on hold, say nothing; what was poor stays so meanwhile."""
    watch, stream = LineWatch(), Stream()
    assert told(watch, stream.look(0.5)) == []
    assert told(watch, stream.look(0.5)) == []
    assert told(watch, stream.look(0.5)) == [True]
    assert [told(watch, None) for _ in range(9)] == [[]] * 9
    again = Stream()  # a new stream after it counts from 0
    assert [told(watch, again.look(0.5)) for _ in range(4)] == [[]] * 4
    assert list(watch.changed({})) == [] and list(watch.changed({})) == []


def test_several_legs() -> None:
    """Each is judged alone; who is gone is forgotten."""
    watch, good, bad = LineWatch(), Stream(), Stream()
    found = [leg for _ in range(4) for leg, _ in watch.changed({"a": good.look(), "b": bad.look(0.3)})]
    assert found == ["b"]
    assert list(watch.changed({"a": good.look()})) == []
    new = Stream()
    found = [leg for _ in range(4) for leg, _ in watch.changed({"b": new.look(0.3)})]
    assert found == ["b"]
