"""A valued customer answers badly, by keys of a pjsua2 phone: ticket, call-back to the same agent, next pop, report."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.desk import TestDesk
from tests.e2e.soft_phone import SoftPhone, carrier_caller
from tests.e2e.test_survey import fetched
from tests.e2e.world import Center, straight, world_port, world_trunk
from tests.phones.baresip import Baresip
from tests.phones.waiting import until

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

SARAH = "+14155550108"
"""c07 of config/customers.csv: gold."""
NUMBER, QUEUE = "3008", "cared_en"


def adds() -> dict[str, dict[str, Any]]:
    """A queue that asks all its callers; a bad answer has its call-back after seconds, at any hour."""
    return {
        "config/engine.yaml": {"callbacks.numbers": ["+1415"], "callbacks.trunk": "world"},
        "config/sip.yaml": world_trunk(),
        "config/business_hours.yaml": {"calendars.always": {"open": {"mon-sun": "00:00-24:00"}}},
        "config/tickets.yaml": {
            "calendar": "always",
            "surveys": [
                {"answers": {"1-5": 2}, "segments": ["gold"], "category": "complaint", "priority": 2, "call_back": "5s"}
            ],
        },
        **straight(NUMBER, QUEUE, {"after_call": {"flow": "survey"}}),
        f"ivr_flows/to_{QUEUE}.yaml": {
            "flow": f"to_{QUEUE}",
            "languages": ["en"],
            "start": "known",
            "steps": {
                "known": {"branch": [{"when": "call.open_ticket", "go_to": "status"}, {"else": "wait"}]},
                "status": {"run": "ticket_status", "next": "wait"},
                "wait": {"enqueue": QUEUE},
            },
        },
    }  # fmt: skip


async def _rest(center: Center, user: str, path: str) -> Any:
    status, body = await fetched(center, user, path)
    assert status == 200, body
    return json.loads(body)


async def _talks(center: Center, sarah: SoftPhone, desk: TestDesk, *, times: int) -> str:
    """She calls and talks with this agent; the contact."""
    sarah.order(f"dial {NUMBER}")
    await sarah.told("answered", nth=times)
    await desk.state("talking")
    return str(desk.me_view["contact"])


async def _answers(center: Center, sarah: SoftPhone, desk: TestDesk, phone: Baresip) -> None:
    """John hangs up; she presses 1 and 2 and hangs up."""
    await phone.hears(1.0)
    await phone.hang_up()
    asked = await center.event("AfterCallStarted", agent="john", queue=QUEUE)
    assert (asked.data["customer"], asked.data["number"]) == ("c07", SARAH)
    await desk.wrap_up("solved")
    sarah.order("digits 1")
    await center.event("SurveyAnswered", question="satisfaction", answer=1, way="key", customer="c07")
    sarah.order("digits 2,#")
    await center.event("SurveyAnswered", question="recommend", answer=2, agent="john")
    sarah.order("hang_up")
    assert (await center.cdr())["survey"] == {"satisfaction": 1, "recommend": 2}


async def test_a_bad_answer_is_a_ticket_a_call_back_and_known_at_the_next_call(center: Center) -> None:
    """The ticket is john's, with priority and due time; he is rung first, then she, and both talk, though ana is free.
    At her next call the flow tells who has her case, the answers are in the profile and the ticket in the pop, and the
    report has them.
    """
    desk, phone = await center.agent("john")
    async with carrier_caller(center, SARAH) as sarah:
        await _talks(center, sarah, desk, times=1)
        await _answers(center, sarah, desk, phone)
        ana, _ = await center.agent("ana")
        line = await center.outside(SARAH, world_port(), answer="manual")

        promised = await center.event("CallbackScheduled", agent="john", own=True)
        assert promised.data["number"] == SARAH
        (ticket,) = (await _rest(center, "john", "/api/tickets?of=mine"))["tickets"]
        assert (ticket["customer"], ticket["category"], ticket["priority"]) == ("c07", "complaint", 2)
        assert ticket["due_at"] == pytest.approx(ticket["opened_at"] + 4 * 3600.0)
        offered = await center.event("CallOffered", kind="callback", agent="john", within=20.0)
        assert offered.contact == promised.contact
        assert offered.data["note"].startswith(f"{ticket['ticket']}: survey, satisfaction: 1")
        await line.told("CALL_INCOMING", within=20.0)
        assert [event.type for event in phone.events].count("CALL_ESTABLISHED") == 2
        await line.accept()
        await center.event("CallbackEnded", outcome="reached", agent="john")
        await line.hears_more(1.0)
        await line.hang_up()
        await desk.wrap_up("solved")
        assert ana.me_view["state"] == "idle"
        steps = (await _rest(center, "john", f"/api/tickets/{ticket['ticket']}"))["steps"]
        assert [step["step"] for step in steps] == ["open", "call_back"]
        _, record = await center.cdrs(2)
        assert (record["kind"], record["promised_by"], record["outcome"]) == ("callback", "john", "answered")

        await desk.ask("NotReady", {"reason": "break"})
        contact = await _talks(center, sarah, ana, times=2)
        assert [event.data["step"] for event in center.events("IvrStepEntered") if event.contact == contact] == [
            "known", "status", "has_one", "with_somebody", "done", "wait",
        ]  # fmt: skip
        row = center.store.load().rows["contact", contact]
        assert [(one["question"], one["answer"]) for one in row["profile"]["surveys"]] == [
            ("recommend", 2), ("satisfaction", 1),
        ]  # fmt: skip
        offered = await center.event("CallOffered", agent="ana")
        assert [one["ticket"] for one in offered.data["open_tickets"]] == [ticket["ticket"]]
        rules = {one["rule"] for one in offered.data["no_offers"]}
        assert rules >= {"open_complaint", "bad_survey"}
        sarah.order("hang_up")
        await ana.wrap_up()
        *_, record = await center.cdrs(3)
        assert "ticket_status.with_somebody" in record["flow_path"]

    async def counted() -> dict[str, Any] | None:
        found = await _rest(center, "supervisor", "/api/surveys?days=1&weighted=true")
        return next((one for one in found["queues"] if one["name"] == QUEUE), None)

    figures = await counted()
    assert figures is not None
    assert (figures["asked"], figures["answered"], figures["csat"]["value"], figures["nps"]["value"]) == (
        1,
        1,
        1,
        -100,
    )
    await until(lambda: desk.me_view.get("status") == "not_ready", "john away")
