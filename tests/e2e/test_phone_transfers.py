"""Transfers begun on the phone itself, by two makes (baresip, pjsua2): who hears whom afterwards, and the record."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.e2e.desk import TestDesk
from tests.e2e.soft_phone import softphone
from tests.e2e.world import AGENT_HZ, CALLER_HZ, Center
from tests.phones.baresip import Baresip
from tests.phones.tones import tone_margin_db

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

TARGET_HZ = 1320
AUDIBLE_DB = 20.0


async def target(center: Center, **how: Any) -> tuple[TestDesk, Baresip]:
    """Ana, who gets the call from john, plays another tone than he does."""
    phone = await center.phone("ana", play=center.tone(TARGET_HZ), **how)
    desk = center.desk("ana")
    await desk.ready()
    return desk, phone


async def calls(center: Center) -> Baresip:
    """A caller who is talking with john."""
    caller = await center.caller()
    await caller.dial(center.number("3000"))
    await center.event("CallBridged", agent="john")
    return caller


async def hear_each_other(caller: Baresip, phone: Baresip) -> None:
    """From now on, the caller and whoever has got the call."""
    before, since = caller.heard_s, phone.heard_s
    await caller.hears(before + 2.0)
    await phone.hears(since + 2.0)
    closed = [event.type for event in phone.events].count("CALL_CLOSED")
    await caller.hang_up()
    await phone.told("CALL_CLOSED", number=closed + 1)
    await caller.told("CALL_CLOSED")
    heard = caller.recordings()[-1].heard
    assert tone_margin_db(heard, TARGET_HZ, AGENT_HZ, start=before + 0.5, end=before + 2.0) >= AUDIBLE_DB
    heard = phone.recordings()[-1].heard
    assert tone_margin_db(heard, CALLER_HZ, AGENT_HZ, start=since + 0.5, end=since + 2.0) >= AUDIBLE_DB


async def record(center: Center, *desks: TestDesk) -> tuple[list[tuple[str, str]], dict[str, Any]]:
    for desk in desks:
        await desk.wrap_up()
    cdr = await center.cdr()
    return [(part["agent"], part["ended"]) for part in cdr["segments"]], cdr


async def test_a_blind_transfer_by_baresip(center: Center) -> None:
    """John's phone sends REFER to an extension: ana's rings, john stays until she answers and wraps up, caller and ana
    hear each other. Nobody has dialled by itself: each phone rang once.
    """
    john, handset = await center.agent("john")
    caller = await calls(center)
    ana, phone = await target(center)
    await handset.transfer(center.number("203"))
    await center.event("CallHandedOver", how="blind", to_agent="ana")
    await handset.told("CALL_CLOSED")
    await john.state("wrap_up")
    await center.event("CallBridged", agent="ana")
    await hear_each_other(caller, phone)
    parts, cdr = await record(center, john, ana)
    assert parts == [("john", "blind:ana"), ("ana", "caller/hang_up")]
    assert (cdr["transfers"], cdr["agent"]) == (["ana:answered"], "ana")
    assert [event.type for event in phone.events].count("CALL_ESTABLISHED") == 1


async def test_a_busy_target_is_told_and_the_caller_not_lost(center: Center) -> None:
    """486 from ana's phone is told to john's by NOTIFY. That baresip hangs up for it (pjsua2 does not, see below), and
    the caller waits in the queue again.
    """
    john, handset = await center.agent("john")
    caller = await calls(center)
    _, phone = await target(center, answer="manual")
    await handset.transfer(center.number("203"))
    await phone.told("CALL_INCOMING")
    await phone.hang_up()
    assert "486" in (await handset.told("TRANSFER_FAILED")).param
    await center.event("CallQueued", number=2)
    await caller.hang_up()
    parts, cdr = await record(center, john)
    assert parts == [("john", "returned:support_en")] and cdr["transfers"] == ["ana:busy"]
    assert cdr["cause"].startswith("caller/")


async def test_an_attended_transfer_by_baresip(center: Center) -> None:
    """John's phone asks ana on its second line, which the worker of the call gets; a REFER there that names the first
    line (Replaces) joins caller and ana.
    """
    john, handset = await center.agent("john")
    caller = await calls(center)
    ana, phone = await target(center)
    await handset.hold()
    await handset.dial("203")
    await center.event("ConsultStarted", agent="john", to_agent="ana")
    await handset.told("CALL_ESTABLISHED", number=2)
    await phone.hears(1.5)
    legs = [row for (kind, _), row in center.store.load().rows.items() if kind == "leg"]
    first = next(leg["dialog"] for leg in legs if leg["role"] == "agent" and leg["agent"] == "john")
    replaces = f"{first['call_id']};to-tag={first['local_tag']};from-tag={first['remote_tag']}"
    await handset.transfer(f"{center.number('3000')}?Replaces={quote(replaces, safe='')}")
    await center.event("CallHandedOver", how="attended", to_agent="ana")
    await john.state("wrap_up")
    await hear_each_other(caller, phone)
    parts, cdr = await record(center, john, ana)
    assert parts == [("john", "attended:ana"), ("ana", "caller/hang_up")]
    assert len(center.events("CallArrived")) == 1 and cdr["agent"] == "ana"
    assert tone_margin_db(phone.recordings()[-1].heard, AGENT_HZ, CALLER_HZ, start=0.5, end=1.3) >= AUDIBLE_DB


async def test_both_transfers_by_a_phone_of_another_make(center: Center) -> None:
    """pjsua2 (the softphone) transfers blindly to somebody who is busy and is told so; then it asks on its second line
    and hands over: REFER on the first that names the second.
    """
    john = center.desk("john")
    async with softphone(center, "john") as soft:
        await john.ready()
        caller = await calls(center)
        ana, phone = await target(center, answer="manual")
        soft.order("transfer 203")
        await phone.told("CALL_INCOMING")
        await phone.hang_up()
        await soft.told("transfer", code=486, final=True)
        await john.until_view(state="talking", parties=[])
        before = caller.heard_s
        await caller.hears(before + 1.5)
        await ana.ready()
        soft.order("consult 203")
        await phone.told("CALL_INCOMING", number=2)
        await phone.accept()
        await soft.told("answered", number="203")
        soft.order("hand_over")
        await soft.told("transfer", code=200, final=True)
        await center.event("CallHandedOver", how="attended", to_agent="ana")
        await john.state("wrap_up")
        await hear_each_other(caller, phone)
        parts, cdr = await record(center, john, ana)
        assert parts == [("john", "attended:ana"), ("ana", "caller/hang_up")]
        assert cdr["transfers"] == ["ana:busy"]
        heard = caller.recordings()[-1].heard
        assert tone_margin_db(heard, AGENT_HZ, TARGET_HZ, start=before + 0.2, end=before + 1.4) >= AUDIBLE_DB
        soft.order("quit")


async def test_a_callers_refer_is_refused(center: Center) -> None:
    """603, and one line of the log that says whose and why. (The caller's baresip hangs up for it, by itself.)"""
    john, _ = await center.agent("john")
    caller = await calls(center)
    await caller.transfer(center.number("203"))
    assert "603" in (await caller.told("TRANSFER_FAILED")).param
    parts, _ = await record(center, john)
    assert parts == [("john", "caller/hang_up")]
    logs = "".join(path.read_text() for path in (center.var / "log").glob("*.log"))
    assert logs.count("refused with 603: it is no agent's phone") == 1
