"""kill -9 in the middle of calls: of the engine at random moments, of a worker, the broker, the edge, the console.

`make chaos` kills the engine at all 20 moments; CI at the first 8 of the same list.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from cti_engine.wire.tasks import spawn
from tests.e2e.desk import TestDesk
from tests.e2e.world import AGENT_HZ, CALLER_HZ, Center
from tests.phones.baresip import Baresip
from tests.phones.capture import Capture
from tests.phones.media import TELEPHONE_EVENT
from tests.phones.tones import tone_margin_db
from tests.phones.waiting import until

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

STAGES = ("talking", "ringing", "queueing", "menu")
STAGE_S = 0.8  # each stage of a call lasts at least this long, and the kill falls somewhere into it
MOMENTS = 20 if "CTI_CHAOS" in os.environ else 8
LONGEST_GAP_MS = 100.0
EXACT = 0.1
AUDIBLE_DB = 20.0


def moments() -> list[tuple[str, float]]:
    """Stages in turn, each with a seconds offset into it: the same list in every run."""
    dice = random.Random(2)
    stages = itertools.islice(itertools.cycle(STAGES), MOMENTS)
    return [(stage, round(dice.uniform(0.0, STAGE_S), 3)) for stage in stages]


@dataclass
class Conversation:
    """An agent and a caller who talk, and since when (the phone's 200)."""

    desk: TestDesk
    phone: Baresip
    caller: Baresip
    since: float


async def talk(center: Center, agent: str) -> Conversation:
    desk, phone = await center.agent(agent)
    caller = await center.caller()
    await caller.dial(center.number("3000"))
    established = await phone.told("CALL_ESTABLISHED")
    await desk.state("talking")
    return Conversation(desk, phone, caller, established.at)


def longest_gap_ms(capture: Capture, phone: Baresip, start: float, end: float) -> float:
    """Between two RTP packets that we sent to this phone from `start` to `end`, however many streams there were."""
    times = sorted(
        packet.at
        for stream in capture.rtp(ports=phone.rtp_ports, start=start, end=end)
        if int(stream.to.rpartition(":")[2]) in phone.rtp_ports
        for packet in stream.packets
    )
    return max(later - at for at, later in itertools.pairwise([start, *times, end])) * 1000


async def goes_on(capture: Capture, talking: Conversation, end: float) -> None:
    """Both phones of a conversation were sent sound without a gap, from its start to `end`."""
    await capture.caught_up()
    for phone in (talking.phone, talking.caller):
        assert longest_gap_ms(capture, phone, talking.since + 0.3, end) <= LONGEST_GAP_MS, phone.user


class Killer:
    """Kills the engine once, `offset` seconds after its stage has begun."""

    def __init__(self, center: Center, stage: str, offset: float) -> None:
        self._center, self._stage, self._offset = center, stage, offset
        self.killed_at = 0.0

    def begins(self, stage: str) -> None:
        if stage == self._stage:
            spawn(self._kill(), "kill the engine")

    async def _kill(self) -> None:
        await asyncio.sleep(self._offset)
        self.killed_at = self._center.kill("engine")

    async def back(self) -> None:
        await until(lambda: self.killed_at, "the kill")
        await self._center.back("engine", self.killed_at)


# --- the engine --------------------------------------------------------------------------------


@pytest.mark.parametrize(("stage", "offset"), moments())
async def test_engine_killed(center: Center, capture: Capture, stage: str, offset: float) -> None:
    """Whenever it happens in the life of a call: the call goes its way to the agent, with sound and a true record,
    and a conversation beside it does not notice."""
    beside = await talk(center, "john")
    ana = center.desk("ana")
    phone = await center.phone("ana", play=center.tone(AGENT_HZ), answer="manual")
    caller = await center.caller()
    killer = Killer(center, stage, offset)

    await caller.dial(center.number("2000"))
    answered = await caller.told("CALL_ESTABLISHED")
    killer.begins("menu")
    await caller.hears_more(STAGE_S)
    await caller.digits("2")
    killer.begins("queueing")
    await caller.hears_more(STAGE_S)
    await ana.ready()
    await phone.told("CALL_INCOMING", within=20.0)
    killer.begins("ringing")
    await caller.hears_more(STAGE_S)
    await phone.accept()
    talks = await phone.told("CALL_ESTABLISHED")
    killer.begins("talking")
    await phone.hears_more(STAGE_S)
    await killer.back()
    await ana.state("talking")
    together = caller.heard_s
    await caller.hears(together + 2.0)
    await caller.hang_up()
    closed = await phone.told("CALL_CLOSED")
    await goes_on(capture, beside, closed.at)
    await beside.caller.hang_up()
    await ana.wrap_up()
    await beside.desk.wrap_up()

    (recorded,) = caller.recordings()
    assert tone_margin_db(recorded.heard, AGENT_HZ, CALLER_HZ, start=together + 0.5) >= AUDIBLE_DB
    assert tone_margin_db(phone.recordings()[0].heard, CALLER_HZ, AGENT_HZ, start=-1.0) >= AUDIBLE_DB
    cdrs = {cdr["agent"]: cdr for cdr in await center.cdrs(2)}
    cdr = cdrs["ana"]
    assert (cdr["queue"], cdr["cause"], cdr["outcome"]) == ("support_en", "caller/hang_up", "answered")
    assert cdrs["john"]["cause"] == "caller/hang_up"
    keys = [
        packet.at
        for stream in capture.rtp(ports=caller.rtp_ports, start=answered.at)
        for packet in stream.packets
        if packet.payload_type == TELEPHONE_EVENT
    ]
    answer = capture.sip(method="INVITE", status=200, source_port=phone.sip_port)[0].at
    assert cdr["wait_s"] == pytest.approx(answer - keys[0], abs=EXACT)
    assert cdr["bridged_at"] == pytest.approx(talks.at, abs=EXACT)
    assert cdr["missed_offers"] == []


async def test_queue_survives_the_engine(center: Center, capture: Capture) -> None:
    """Three callers wait while the engine is killed: their music goes on, and they are answered in order, with the
    wait that they really had."""
    callers = [await center.caller() for _ in range(3)]
    contacts = []
    for place, caller in enumerate(callers, start=1):
        await caller.dial(center.number("3000"))
        queued = await center.event("CallQueued", position=place)
        contacts.append(queued.contact)
    await callers[-1].hears(1.0)
    killed_at = center.kill("engine")
    await center.back("engine", killed_at)
    await callers[-1].hears(3.0)
    heard_to = (await center.event("CallQueued", number=3)).at + 2.5
    await capture.caught_up()
    for caller in callers:
        assert longest_gap_ms(capture, caller, killed_at - 0.5, heard_to) <= LONGEST_GAP_MS

    desk, phone = await center.agent("john")
    for place, caller in enumerate(callers, start=1):
        await phone.told("CALL_ESTABLISHED", number=place)
        view = await desk.state("talking")
        assert view["contact"] == contacts[place - 1]
        await caller.hang_up()
        await desk.wrap_up()
    cdrs = await center.cdrs(3)
    assert [cdr["contact"] for cdr in cdrs] == contacts
    await capture.caught_up()
    invited = [
        next(sip.at for sip in capture.sip(method="INVITE", status=200, to_port=caller.sip_port))
        for caller in callers
    ]
    answers = [sip.at for sip in capture.sip(method="INVITE", status=200, source_port=phone.sip_port)]
    for cdr, queued_at, answer in zip(cdrs, invited, answers, strict=True):
        assert cdr["wait_s"] == pytest.approx(answer - queued_at, abs=EXACT)


# --- the others --------------------------------------------------------------------------------


async def test_worker_killed(center: Center, capture: Capture) -> None:
    """Its phones are told by the edge, its contact ends as worker_lost, and the same agent answers the next call
    within two seconds; fresh workers stand ready, and repair what had been recorded."""
    one = await talk(center, "john")
    contact = one.desk.me_view["contact"]
    worker = center.store.load().rows["contact", contact]["worker"]
    next_caller = await center.caller()
    killed_at = center.kill(worker)
    await one.desk.until_view(contact="", state="idle")
    await next_caller.dial(center.number("3000"))
    again = await one.phone.told("CALL_ESTABLISHED", number=2)
    assert again.at - killed_at <= 2.0
    await one.caller.told("CALL_CLOSED")
    await capture.caught_up()
    for phone in (one.phone, one.caller):
        bye = capture.sip(method="BYE", status=0, source_port=center.sip_port, to_port=phone.sip_port)[0]
        assert 'cause=41;text="worker lost"' in bye.header("Reason")
    lost = await center.cdr()
    assert (lost["contact"], lost["cause"], lost["agent"]) == (contact, "system/worker_lost", "john")
    assert lost["ended_at"] - killed_at <= 1.0
    assert Path(lost["recording"]).exists()
    await one.desk.state("talking")
    await next_caller.hang_up()
    await one.desk.wrap_up()
    spares = center.read("config/engine.yaml")["workers"]["spares"]
    await until(lambda: center.run["worker_states"].get("ready", 0) >= spares, "fresh workers", within=10.0)


async def test_broker_killed(center: Center, capture: Capture) -> None:
    """Conversations and new calls go on without a broker; when it is back, pages have missed nothing."""
    watcher = center.desk("supervisor")
    await until(lambda: watcher.snapshots, "the supervisor's page", within=15.0)
    since = center.store.load().last_seq
    told_before = len(watcher.events)
    one = await talk(center, "john")
    ana, other = await center.agent("ana")
    next_caller = await center.caller()
    killed_at = center.kill("broker")
    await next_caller.dial(center.number("3000"))
    answered = await other.told("CALL_ESTABLISHED")
    await other.hears(0.5)
    await next_caller.hang_up()
    closed = await other.told("CALL_CLOSED")
    assert answered.at - killed_at <= 2.0
    await center.back("broker", killed_at)
    await ana.wrap_up()
    await goes_on(capture, one, closed.at)
    await one.caller.hang_up()
    await one.desk.wrap_up()
    await center.cdrs(2)

    def log() -> list[tuple[str, str]]:
        return [(event.event, event.contact) for event in center.store.events_since(since)]

    def fed() -> list[tuple[str, str]]:
        return [(name, contact) for name, contact, _ in watcher.events[told_before:]]

    await until(lambda: len(fed()) >= len(log()), "all events at the supervisor's page", within=10.0)
    assert fed() == log()
    numbers = [event.seq for event in center.store.events_since(since)]
    assert numbers == list(range(since + 1, since + 1 + len(numbers)))


async def test_edge_killed(center: Center, capture: Capture) -> None:
    """Registrations survive the edge; a BYE sent while it is away arrives when it is back, and the next call too."""
    one = await talk(center, "john")
    next_caller = await center.caller()
    killed_at = center.kill("edge")
    await one.caller.hang_up()
    await center.back("edge", killed_at)
    await one.phone.told("CALL_CLOSED")
    await one.desk.wrap_up()
    assert (await center.cdr())["cause"] == "caller/hang_up"
    await one.desk.until_view(phone=True, status="ready")
    await next_caller.dial(center.number("3000"))
    await one.phone.told("CALL_ESTABLISHED", number=2)
    await one.desk.state("talking")
    await next_caller.hang_up()
    await one.phone.told("CALL_CLOSED", number=2)
    await capture.caught_up()
    assert not capture.sip(method="REGISTER", status=0, source_port=one.phone.sip_port)[2:]


async def test_console_killed(center: Center, capture: Capture) -> None:
    """The page comes back by itself, still logged in and with the call as it is; its buttons work again."""
    one = await talk(center, "john")
    contact = one.desk.me_view["contact"]
    snapshots = one.desk.snapshots
    one.desk.views.clear()
    killed_at = center.kill("console")
    await center.back("console", killed_at)
    await until(lambda: one.desk.snapshots > snapshots, "the page back", within=15.0)
    await one.desk.until_view(state="talking", contact=contact)
    await goes_on(capture, one, (await center.event("CallBridged")).at + 1.0)
    await one.desk.hang_up()
    await one.phone.told("CALL_CLOSED")
    await one.desk.wrap_up()
    assert (await center.cdr())["cause"] == "agent/hang_up"
