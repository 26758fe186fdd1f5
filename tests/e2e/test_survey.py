"""After the call, over real SIP: the agent hangs up, the caller presses 4 and leaves a comment; both are stored."""

from __future__ import annotations

import json
import wave
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest

from tests.e2e.desk import TestDesk
from tests.e2e.spoken import speaks
from tests.e2e.world import Center, straight
from tests.phones.baresip import Baresip
from tests.phones.tones import read_wav
from tests.speech.callers import recorded

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

AUDIBLE = 0.01
"""Of full scale."""
NUMBER, QUEUE = "3003", "surveyed_en"


def adds() -> dict[str, dict[str, Any]]:
    """A queue that asks all its callers."""
    return straight(NUMBER, QUEUE, {"after_call": {"flow": "survey"}})


async def _talking(center: Center) -> tuple[TestDesk, Baresip, Baresip]:
    """John and a caller, and the phones of both."""
    desk, phone = await center.agent("john")
    caller = await center.caller()
    await caller.dial(center.number(NUMBER))
    await desk.state("talking")
    return desk, phone, caller


async def test_the_agent_hangs_up_and_the_caller_is_asked(center: Center) -> None:
    """The caller's call lives on, the agent wraps up and may take the next call; 4 and the comment are an event each,
    attributes, and in the record, whose talk ends with the agent."""
    desk, phone, caller = await _talking(center)
    await phone.hears(1.5)
    await phone.hang_up()
    began = await center.event("AfterCallStarted", agent="john", queue=QUEUE, flow="survey")
    await desk.wrap_up("solved")
    await desk.state("idle")
    asked = caller.heard_s
    await caller.hears_more(2.0)
    await caller.digits("4")
    answered = await center.event("SurveyAnswered", question="satisfaction")
    assert answered.contact == began.contact
    assert answered.data == {
         "survey": "survey", "question": "satisfaction", "scale": "1-5", "answer": 4,
        "way": "key", "agent": "john", "queue": QUEUE, "recording": "", "seconds": 0.0,
        "customer": "", "number": "caller",
    }  # fmt: skip
    await center.until_row("contact", began.contact, lambda row: row["attributes"].get("satisfaction") == 4)
    await caller.digits("9")
    await center.event("SurveyAnswered", question="recommend", answer=9, scale="0-10", agent="john")
    await center.until_row("contact", began.contact, lambda row: bool((row["flow"] or {}).get("recording")))
    await speaks(center, caller, recorded("en", "queue-periodic-announce"))
    await caller.hears_more(4.0)
    await caller.hang_up()  # in mid-comment, which stays
    comment = await center.event("SurveyAnswered", question="comment", agent="john")
    cdr = await center.cdr()

    pcm, rate = read_wav(caller.recordings()[-1].heard)
    question = pcm[round(asked * rate) : round((asked + 2.0) * rate)]
    assert np.sqrt((question**2).mean()) > AUDIBLE, "the caller hears the question"
    assert cdr["survey"] == {"satisfaction": 4, "recommend": 9, "comment": comment.data["recording"]}
    assert (cdr["cause"], cdr["outcome"], cdr["disposition"]) == ("agent/hang_up", "answered", "solved")
    assert cdr["recording_s"] == pytest.approx(cdr["talk_s"], abs=0.3)
    assert cdr["after_call_s"] == pytest.approx(cdr["ended_at"] - began.at, abs=0.05)
    spoken = Path(comment.data["recording"])
    assert spoken != Path(cdr["recording"])
    with wave.open(str(spoken)) as stored:
        assert stored.getnframes() / stored.getframerate() == pytest.approx(comment.data["seconds"], abs=0.02)
    said, _ = read_wav(spoken)
    assert np.sqrt((said**2).mean()) > AUDIBLE, "the comment is what the caller said"

    heard = f"/api/surveys/comments/{comment.contact}/comment"
    await until_listed(center, comment.contact)
    assert await fetched(center, "supervisor", heard) == (200, spoken.read_bytes())
    assert (await fetched(center, "john", heard))[0] == 403, "agents are not their own judges"


async def fetched(center: Center, user: str, path: str) -> tuple[int, bytes]:
    """What the console gives this user."""
    body = {"user": user, "password": center.password(user)}
    async with aiohttp.ClientSession(center.origin) as http:
        async with http.post("/api/sessions", json=body) as answer:
            token = (await answer.json())["token"]
        async with http.get(path, headers={"Authorization": f"Bearer {token}"}) as answer:
            return answer.status, await answer.read()


async def until_listed(center: Center, contact: str) -> None:
    """The supervisor's list of comments has it, with the answers of the same call."""
    while True:
        _, listed = await fetched(center, "supervisor", "/api/surveys/comments?days=1")
        for one in json.loads(listed)["comments"]:
            if one["contact"] == contact:
                assert (one["question"], one["answers"]) == ("comment", {"satisfaction": 4, "recommend": 9})
                return


async def test_a_kill_of_the_engine_in_mid_survey(center: Center) -> None:
    """The question plays on, and its answer is taken by the next life of the engine."""
    desk, phone, caller = await _talking(center)
    await phone.hears(1.0)
    await phone.hang_up()
    began = await center.event("AfterCallStarted")
    await caller.hears_more(0.5)
    at = center.kill("engine")
    await center.back("engine", at)
    await caller.digits("5")
    answered = await center.event("SurveyAnswered", answer=5, agent="john")
    assert answered.contact == began.contact
    await caller.hang_up()
    await desk.wrap_up()
    assert (await center.cdr())["survey"] == {"satisfaction": 5}


async def test_a_caller_who_hangs_up_first_is_not_asked(center: Center) -> None:
    """The call is over for both."""
    desk, phone, caller = await _talking(center)
    await phone.hears(1.0)
    await caller.hang_up()
    await phone.told("CALL_CLOSED")
    await desk.wrap_up()
    cdr = await center.cdr()
    assert (cdr["cause"], cdr["after_call_s"]) == ("caller/hang_up", 0.0)
    assert not center.events("AfterCallStarted")
