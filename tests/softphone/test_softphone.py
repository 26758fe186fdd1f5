"""The softphone command at a real edge: registration, a call in each direction, keys, sound, orders."""

from __future__ import annotations

import json
import os
import pty
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from cti_engine.wire.tokens import issue_token
from tests.phones.baresip import Baresip
from tests.phones.child import Child
from tests.phones.ports import free_port
from tests.phones.tones import read_wav, tone_level_db, tone_margin_db, tone_wav
from tests.phones.waiting import until
from tests.sip_edge.running import REALM, SECRET, RunningEdge, running_edge

ROOT = Path(__file__).parents[2]


@pytest_asyncio.fixture
async def edge(tmp_path: Path) -> AsyncIterator[RunningEdge]:
    """An edge, and beside it what a running center writes for its phones."""
    async with running_edge(tmp_path) as edge:
        accounts = tmp_path / "accounts.txt"
        accounts.write_text("maria agent secret-m\njohn agent secret-j\nboss supervisor nothing\n")
        (tmp_path / "run.json").write_text(
            json.dumps(
                {"host": "127.0.0.1", "realm": REALM, "home": str(ROOT), "var": str(tmp_path),
                 "accounts": str(accounts), "ports": {"sip_port": edge.port, "console_port": 1}}
            )
        )  # fmt: skip
        yield edge


def softphone(folder: Path, *arguments: str) -> Child:
    return Child(
        [sys.executable, "-m", "cti_engine", "--var", str(folder), "softphone", *arguments],
        folder,
        name=f"softphone-{arguments[0]}",
        env={"PYTHONPATH": str(ROOT)},
    )


def facts(phone: Child) -> list[dict[str, object]]:
    return [json.loads(line) for line in phone.log().splitlines() if line.startswith("{")]


def fact(phone: Child, name: str) -> dict[str, object] | None:
    return next((each for each in facts(phone) if each["fact"] == name), None)


async def told(phone: Child, name: str) -> dict[str, object]:
    found = await until(lambda: fact(phone, name), f"{name}, told was {phone.log()}", within=15.0)
    assert found is not None
    return found


async def test_it_answers_by_itself_and_is_heard(edge: RunningEdge, tmp_path: Path) -> None:
    """Registered by the account's name alone, it rings, answers, says its tone, hears and records the other side, tells
    the key that the other presses, and tells the end; with --once it ends in order.
    """
    high = tone_wav(tmp_path / "880.wav", 880)
    arguments = (
        "maria",
        "--json",
        "--auto-answer",
        "0.2",
        "--tone",
        "440",
        "--record",
        str(tmp_path / "heard"),
    )
    async with softphone(tmp_path, *arguments, "--once") as phone:
        await told(phone, "registered")
        async with Baresip("caller", "", "127.0.0.1", 5060, tmp_path / "caller", play=high) as caller:
            contact = next(iter(edge.engine.told)).contact  # type: ignore[attr-defined]
            await caller.dial(contact)
            await caller.told("CALL_ESTABLISHED")
            assert (await told(phone, "incoming"))["by_itself"] is True
            await caller.hears(1.5)
            await caller.digits("7")
            assert (await told(phone, "key"))["key"] == "7"
            await caller.hang_up()
            over = await told(phone, "over")
            assert (over["answered"], over["by"], over["heard"]) == (True, "them", True)
            assert tone_margin_db(caller.recordings()[0].heard, wanted=440, unwanted=880) > 20
        assert await phone.ended(within=10) == 0
        pcm, rate = read_wav(Path(str(over["recording"])))
        assert tone_level_db(pcm, rate, 880) > -40


async def test_orders_of_a_script(edge: RunningEdge, tmp_path: Path) -> None:
    """Lines on its input are orders: dial, digits, hang_up, quit; what cannot be done now is refused, and the end of
    the input ends nothing.
    """
    worker = await edge.worker()
    orders = tmp_path / "orders"
    os.mkfifo(orders)
    command = f"exec {sys.executable} -m cti_engine --var {tmp_path} softphone john --json < {orders}"
    phone = Child(["/bin/sh", "-c", command], tmp_path, name="softphone", env={"PYTHONPATH": str(ROOT)})
    async with phone:
        with orders.open("w", buffering=1) as give:
            await told(phone, "registered")
            give.write("answer\ndial 1000\n")
            assert (await told(phone, "refused"))["order"] == "answer"
            invite = await worker.expect_request("INVITE")
            worker.respond(invite, 180)
            await told(phone, "ringing")
            worker.respond(invite, 200, body=invite.body)
            await worker.expect_request("ACK")
            await told(phone, "answered")
            give.write("hang_up\n")
        worker.respond(await worker.expect_request("BYE"), 200)
        assert (await told(phone, "over"))["by"] == "us"
        assert phone.exit_code is None
    names = [each["fact"] for each in facts(phone)]
    assert names == ["registered", "refused", "calling", "ringing", "answered", "over"]


@pytest.mark.parametrize("asked", [True, False])
async def test_it_answers_when_the_caller_side_asks_for_it(
    edge: RunningEdge, tmp_path: Path, asked: bool
) -> None:
    """Without --auto-answer it rings, unless the INVITE says answer-after (Call-Info), as desk phones have it."""
    worker = await edge.worker()
    async with softphone(tmp_path, "maria", "--json") as phone:
        await told(phone, "registered")
        token = issue_token(SECRET, "leg1", "maria", time.time() + 30)
        more = (("Call-Info", "<sip:cti>;answer-after=0"),) if asked else ()
        sdp = worker_sdp(free_port())
        sent = worker.invite("maria", headers=(("X-CTI-Token", token), *more), body=sdp)
        if asked:
            await worker.expect_response(200, "INVITE")
        else:
            await worker.expect_response(180)
            worker.cancel(sent)
            over = await told(phone, "over")
            assert over["answered"] is False


def worker_sdp(port: int) -> bytes:
    lines = (
        "v=0",
        "o=- 1 1 IN IP4 127.0.0.1",
        "s=-",
        "c=IN IP4 127.0.0.1",
        "t=0 0",
        f"m=audio {port} RTP/AVP 0",
        "",
    )
    return "\r\n".join(lines).encode()


async def test_keys_in_a_terminal(edge: RunningEdge, tmp_path: Path) -> None:
    """In a terminal a number and Enter dial, h hangs up, q leaves; what happens is said in words."""
    worker = await edge.worker()
    ours, theirs = pty.openpty()
    command = f"exec {sys.executable} -m cti_engine --var {tmp_path} softphone maria < {os.ttyname(theirs)}"
    phone = Child(["/bin/sh", "-c", command], tmp_path, name="softphone", env={"PYTHONPATH": str(ROOT)})
    async with phone:
        await phone.logged("Registered", within=15)
        os.write(ours, b"1009\x7f0\r")
        await phone.logged("Calling 1000", within=5)
        invite = await worker.expect_request("INVITE")
        worker.respond(invite, 200, body=invite.body)
        await worker.expect_request("ACK")
        await phone.logged("Talking to 1000", within=5)
        os.write(ours, b"h")
        worker.respond(await worker.expect_request("BYE"), 200)
        await phone.logged("Over after", within=5)
        os.write(ours, b"q")
        assert await phone.ended(within=10) == 0
    os.close(ours)
    os.close(theirs)


async def test_who_cannot_register(edge: RunningEdge, tmp_path: Path) -> None:
    """A wrong name says which there are; a wrong password ends it with the edge's answer; both with exit code 3."""
    async with softphone(tmp_path, "marja") as phone:
        assert await phone.ended(within=15) == 3
        assert "no such account" in phone.log()
        assert "maria" in phone.log()
    (tmp_path / "accounts.txt").write_text("maria agent wrong\nboss supervisor nothing\n")
    async with softphone(tmp_path, "maria") as phone:
        assert await phone.ended(within=15) == 3
        assert "Not registered: 4" in phone.log()


async def test_a_call_nobody_answers_fails_the_script(edge: RunningEdge, tmp_path: Path) -> None:
    """With --dial and --once the exit code is 1 when the call was refused."""
    worker = await edge.worker()
    async with softphone(tmp_path, "maria", "--dial", "1000", "--once") as phone:
        worker.respond(await worker.expect_request("INVITE"), 486)
        assert await phone.ended(within=15) == 1
        assert "Not answered: 486" in phone.log()
