"""A caller leaves the line to be called back: real phones, the shipped treatment, keys in the audio of the call."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from tests.e2e.world import AGENT_HZ, CALLER_HZ, ROOT, Center, straight
from tests.phones.tones import tone_margin_db
from tests.phones.waiting import until

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

NUMBER, TREATMENT = "3004", "soon_treatment"


def adds() -> dict[str, dict[str, Any]]:
    """A queue with the shipped treatment, but for its patience: it offers soon, and soon calls again."""
    treatment = yaml.safe_load((ROOT / "ivr_flows/queue_treatment.yaml").read_text())
    treatment["flow"] = TREATMENT
    treatment["steps"]["music"]["wait"] = "2s"
    treatment["steps"]["call_own"]["callback"]["retry_after"] = "5s"
    return {
        "config/engine.yaml": {"callbacks.ring_timeout": "5s"},
        f"ivr_flows/{TREATMENT}.yaml": treatment,
        **straight(NUMBER, "soon_en", {"treatment": TREATMENT}),
    }


async def test_a_caller_is_called_back(center: Center) -> None:
    """The caller waits, presses 1 and 1 again, hears that we call, and the call ends. An agent gets ready: the phone of
    the agent rings, then the caller's; both hear each other, and the record says so.
    """
    caller = await center.caller(answer="manual")
    await caller.dial(center.number(NUMBER))
    asked = await center.event("CallQueued")
    await caller.hears(1.0)
    await caller.digits("11")
    requested = await center.event("CallbackRequested", within=60.0)
    assert (requested.data["origin"], requested.data["number"]) == (asked.contact, "caller")
    await caller.told("CALL_CLOSED", within=20.0)
    assert (await center.cdr())["outcome"] == "callback"

    desk, handset = await center.agent("john")
    offered = await center.event("CallOffered", kind="callback", agent="john")
    assert offered.contact == requested.contact
    await caller.told("CALL_INCOMING", within=20.0)
    assert [event.type for event in handset.events].count("CALL_ESTABLISHED") == 1
    await caller.accept()
    bridged = await center.event("CallBridged", agent="john")
    assert bridged.contact == requested.contact
    await caller.hears_more(2.0)
    await caller.hang_up()
    await desk.state("wrap_up")
    await handset.told("CALL_CLOSED")
    await desk.wrap_up()
    _, record = await center.cdrs(2)
    assert (record["kind"], record["outcome"], record["cause"]) == ("callback", "answered", "caller/hang_up")
    assert record["wait_s"] >= requested.data["waited_s"] > 0
    assert tone_margin_db(caller.recordings()[-1].heard, AGENT_HZ, CALLER_HZ) > 20
    assert tone_margin_db(handset.recordings()[-1].heard, CALLER_HZ, AGENT_HZ) > 20


async def test_who_does_not_answer_is_called_again(center: Center) -> None:
    """A busy phone frees the agent at once; the next try reaches the caller, who stands where he stood."""
    caller = await center.caller(answer="manual")
    await caller.dial(center.number(NUMBER))
    await center.event("CallQueued")
    await caller.hears(1.0)
    await caller.digits("11")
    await caller.told("CALL_CLOSED", within=60.0)
    desk, _ = await center.agent("john")
    await caller.told("CALL_INCOMING", within=20.0)
    await caller.hang_up()
    await center.event("CallbackAttempted", outcome="busy", attempt=1)
    await desk.state("idle")
    await caller.told("CALL_INCOMING", number=2, within=30.0)
    await caller.accept()
    await center.event("CallbackEnded", outcome="reached", attempts=2)
    await until(lambda: desk.me_view.get("state") == "talking", "john to talk", within=10.0)
    await caller.hang_up()


async def test_an_agent_calls_back_at_the_time_promised(center: Center) -> None:
    """Promised in the call for some seconds later: due, the agent who promised it is offered it though another is free,
    that agent's phone rings, then the caller's, and both hear each other; the record says who promised it and for when.
    """
    caller = await center.caller(answer="manual")
    desk, handset = await center.agent("john")
    await caller.dial(center.number(NUMBER))
    talked = await center.event("CallBridged", agent="john")
    other, _ = await center.agent("maria")
    at = datetime.fromtimestamp(int(time.time()) + 8, UTC).astimezone().replace(tzinfo=None).isoformat()
    await desk.ask("ScheduleCallback", {"of": talked.contact, "at": at, "note": "the offer"})
    promised = await center.event("CallbackScheduled", agent="john")
    assert (promised.data["own"], promised.data["number"]) == (True, "caller")
    await caller.hang_up()
    await desk.wrap_up()
    await center.event("CallbackDue", within=20.0)
    offered = await center.event("CallOffered", kind="callback", agent="john")
    assert (offered.contact, offered.data["note"]) == (promised.contact, "the offer")
    await caller.told("CALL_INCOMING", within=20.0)
    assert [event.type for event in handset.events].count("CALL_ESTABLISHED") == 2
    await caller.accept()
    await center.event("CallbackEnded", outcome="reached", agent="john")
    await caller.hears_more(2.0)
    await caller.hang_up()
    await desk.wrap_up()
    assert other.me_view["state"] == "idle"
    _, record = await center.cdrs(2)
    assert (record["kind"], record["promised_by"], record["outcome"]) == ("callback", "john", "answered")
    assert record["due_at"] == promised.data["due_at"]
    assert tone_margin_db(caller.recordings()[-1].heard, AGENT_HZ, CALLER_HZ) > 20
    assert tone_margin_db(handset.recordings()[-1].heard, CALLER_HZ, AGENT_HZ) > 20
