"""An edge that is behind: calls that have begun go first, new ones are refused at little cost."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from cti_engine.sip_edge.config import Limits
from cti_engine.sip_edge.counters import Counters
from cti_engine.sip_edge.hop import Hop
from cti_engine.sip_edge.intake import Intake
from tests.sip_edge.agent import SDP
from tests.sip_edge.running import TRUNK_HOST, running_edge, silence
from tests.sip_edge.test_calls import dialled_phone

SOURCE = Hop("udp", TRUNK_HOST, 5060)
COST = {"INVITE": 0.001, "BYE": 0.0004, "ACK": 0.0003, "SIP/2.0": 0.0001}  # seconds; 2 ms for a whole call
REFUSAL_COST = 0.0002


class Desk:
    """An intake, a clock that only the test moves, and what was handed out."""

    def __init__(self, patience: float = 1.0) -> None:
        self.now = 0.0
        self.got: list[str] = []
        self.counters = Counters()
        self.intake = Intake(self._receive, patience, self.counters, lambda: self.now)

    def _receive(self, data: bytes, source: Hop, late: bool = False) -> None:
        self.got.append(data.decode() + (" late" if late else ""))

    def put(self, *texts: str) -> None:
        for text in texts:
            self.intake.put(text.encode(), SOURCE)


def test_what_belongs_to_a_call_goes_before_new_calls() -> None:
    """In order of arrival, but a new INVITE after all others; what a worker dials belongs to a call."""
    desk = Desk()
    dialled = "INVITE sip:maria@edge SIP/2.0\r\nX-CTI-Token: t\r\n"
    desk.put("INVITE 1", "BYE 2", "INVITE 3", "SIP/2.0 200 OK", dialled)
    desk.intake.put_callback(lambda: desk.got.append("called back"))
    desk.intake.work()
    assert desk.got == ["BYE 2", "SIP/2.0 200 OK", dialled, "called back", "INVITE 1", "INVITE 3"]


def test_a_new_invite_that_has_waited_too_long_is_late() -> None:
    """Only INVITEs that came longer ago than the patience."""
    desk = Desk(patience=1.0)
    desk.put("INVITE 1", "BYE 1")
    desk.now = 0.5
    desk.put("INVITE 2")
    desk.now = 1.2
    desk.intake.work()
    assert desk.got == ["BYE 1", "INVITE 1 late", "INVITE 2"]


def test_an_invite_that_waits_is_not_put_twice() -> None:
    """Its retransmission is absorbed while it waits; afterwards it is handed out, for the transaction to judge."""
    desk = Desk()
    desk.put("INVITE 1", "INVITE 1")
    desk.intake.work()
    assert desk.got == ["INVITE 1"]
    assert desk.counters["retransmission.absorbed"] == 1
    desk.put("INVITE 1")
    desk.intake.work()
    assert desk.got == ["INVITE 1", "INVITE 1"]


def test_a_closed_intake_hands_out_nothing() -> None:
    """What waits is left."""
    desk = Desk()
    desk.put("BYE 1", "INVITE 1")
    desk.intake.close()
    desk.intake.work()
    assert desk.got == []


class Crowd:
    """Callers, and an edge that needs 2 ms for a call (INVITE, 180, 200, ACK, BYE, 200), in a time of its own.

    Who gets no answer sends again after 0.5 s, then after twice as long each time (RFC 3261, timers A and E).
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.answered: dict[str, float] = {}
        self.refused: dict[str, float] = {}
        self.ended: dict[str, float] = {}
        self.work = Counter[str]()
        self._numbers = itertools.count()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._intake = Intake(self._receive, 1.0, Counters(), lambda: self.now)

    def at(self, moment: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._events, (moment, next(self._numbers), what))

    def call(self, name: str, pause: float = 0.5) -> None:
        if name not in self.answered and name not in self.refused and pause < 32:
            self._send(f"INVITE {name}")
            self.at(self.now + pause, lambda: self.call(name, pause * 2))

    def hang_up(self, name: str, pause: float = 0.5) -> None:
        if name not in self.ended and pause < 32:
            self._send(f"BYE {name}")
            self.at(self.now + pause, lambda: self.hang_up(name, pause * 2))

    def _send(self, text: str) -> None:
        self._intake.put(text.encode(), SOURCE)

    def _receive(self, data: bytes, source: Hop, late: bool = False) -> None:
        method, name = data.decode().split()
        self.work[method] += 1
        if late:
            self.now += REFUSAL_COST
            self.refused[name] = self.now
            return
        self.now += COST[method]
        if method == "INVITE":
            self.answered[name] = self.now
            for text in (f"SIP/2.0 {name}", f"SIP/2.0 {name}", f"ACK {name}"):
                self.at(self.now + 0.005, lambda text=text: self._send(text))  # type: ignore[misc]
            self.at(self.now + 1.0, lambda: self.hang_up(name))
        elif method == "BYE":
            self.ended[name] = self.now
            self.at(self.now + 0.005, lambda: self._send(f"SIP/2.0 {name}"))

    async def run(self) -> None:
        while self._events:
            self.now = max(self.now, self._events[0][0])
            while self._events and self._events[0][0] <= self.now:
                heapq.heappop(self._events)[2]()
            self._intake.work()
            await asyncio.sleep(0)


async def test_twice_too_many_calls_cost_only_the_calls_that_are_too_many() -> None:
    """At twice its load the edge carries most of what it can; each call it takes ends; then it refuses none."""
    crowd = Crowd()
    for number in range(6000):
        crowd.at(number / 1000, lambda name=f"flood{number}": crowd.call(name))  # type: ignore[misc]
    for number in range(1000):
        crowd.at(6 + number / 250, lambda name=f"calm{number}": crowd.call(name))  # type: ignore[misc]
    await crowd.run()
    carried = sum(2 <= moment < 6 for moment in crowd.ended.values()) / 4
    assert carried > 0.75 * 500
    assert crowd.ended.keys() == crowd.answered.keys()
    assert not [name for name, moment in crowd.refused.items() if moment > 8]
    assert crowd.work["BYE"] < 1.05 * len(crowd.answered)


async def test_an_edge_that_is_behind_refuses_new_calls_only(tmp_path: Path) -> None:
    """503 with Retry-After and without a worker, said once in the log; what a worker dials goes on as ever."""
    async with running_edge(tmp_path, limits=Limits(patience=-1.0, min_expires=1)) as edge:
        worker = await edge.worker()
        caller = await edge.agent("100", host=TRUNK_HOST)
        for _ in range(2):
            sent = caller.invite("1000")
            refused = await caller.expect_response(503, "INVITE")
            assert refused.headers["Retry-After"] == "5"
            assert "tag=" in refused.headers["To"]
            caller.ack_refusal(sent, refused)
        maria = await edge.agent("maria")
        await maria.register("secret-m")
        sent, received = await dialled_phone(edge, worker, maria)
        maria.respond(received, 200, body=SDP)
        await worker.expect_response(200, "INVITE")
        assert worker.seen() == ["100 1 INVITE"]
        assert edge.log().count("behind with the work") == 1


async def test_a_worker_whose_answer_was_not_read_in_time_keeps_its_call(tmp_path: Path) -> None:
    """The edge stood still for longer than a worker may take: it reads before it judges, and asks no other worker."""
    async with running_edge(tmp_path, limits=Limits(worker_answer=0.2)) as edge:
        first = await edge.worker("first")
        caller = await edge.agent("100", host=TRUNK_HOST)
        caller.invite("1000")
        received = await first.expect_request("INVITE")
        second = await edge.worker("second")
        assert edge.child is not None
        await edge.child.send(signal.SIGSTOP)
        first.respond(received, 180)
        await silence(0.4)
        await edge.child.send(signal.SIGCONT)
        await caller.expect_response(180)
        first.respond(received, 200, body=SDP)
        await caller.expect_response(200, "INVITE")
        assert second.seen() == []
        assert "did not answer" not in edge.log()
