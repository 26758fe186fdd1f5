"""Logging in at a carrier: sipp's own check of the credentials, our own edge as the carrier, and one by hand."""

from __future__ import annotations

import itertools
import json
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from sipmessage import Request

from cti_engine.sip_edge.config import Limits, Trunk, TrunkAccount
from cti_engine.wire.tokens import issue_token
from tests.phones.sipp import Sipp
from tests.phones.waiting import until
from tests.sip_edge.agent import SDP, Agent
from tests.sip_edge.running import SECRET, STRANGER_HOST, RunningEdge, running_edge, silence, write_accounts

USER, PASSWORD = "34911234567", "from the carrier"
SCENARIO = Path(__file__).parent / "scenarios" / "carrier.xml"
CARRIER_HOST = "127.0.0.5"
OLD = 'Digest realm="c", nonce="n1"'


def trunk(registrar: str, *, password: str = PASSWORD, expires: float = 600.0) -> dict[str, Any]:
    """Settings of an edge that logs in there, and loses no time after a failure."""
    account = TrunkAccount(USER, password, registrar, expires)
    limits = Limits(login_pause=0.5, login_longest_pause=1.0)
    return {"trunks": (Trunk("carrier", register=account),), "limits": limits}


def standing(edge: RunningEdge) -> str:
    """As `doctor` reads it."""
    said = json.loads(edge.config.ready_file.read_text())["trunks"]["carrier"]
    return f"{said['state']}: {said['text']}"


async def stands(edge: RunningEdge, state: str) -> str:
    await until(lambda: standing(edge).startswith(f"{state}:"), f"trunk {state}", within=8.0)
    return standing(edge)


async def carrier_by_hand() -> Agent:
    carrier = Agent("carrier", host=CARRIER_HOST)
    await carrier.open()
    return carrier


async def registered(carrier: Agent, edge: RunningEdge) -> str:
    """Take the next REGISTER without a look at it; the Contact's URI."""
    carrier.edge_port = edge.port
    asked = await carrier.expect_request("REGISTER")
    carrier.respond(asked, 200)
    await stands(edge, "registered")
    found = re.search("<(.*?)>", asked.headers["Contact"])
    assert found
    return found[1]


async def test_sipp_as_registrar_takes_our_credentials(tmp_path: Path) -> None:
    """401 is answered with what sipp verifies, 423 with the time it wants; one log line, and never the password."""
    carrier = Sipp(SCENARIO, tmp_path / "carrier", calls=1)
    async with carrier, running_edge(tmp_path, **trunk(carrier.address)) as edge:
        said = await stands(edge, "registered")
        assert said == f"registered: registered at {carrier.address} as {USER}"
        await carrier.finished(within=10)
        assert edge.log().count("trunk carrier:") == 1
        assert PASSWORD not in edge.log()


async def test_a_wrong_password_is_told_and_tried_seldom(tmp_path: Path) -> None:
    """A carrier that challenges the answer again has refused it: no storm of REGISTERs, and one line in the log."""
    carrier = await carrier_by_hand()
    challenge = 'Digest realm="c", nonce="n", algorithm=SHA-256, qop="auth"'
    async with running_edge(tmp_path, **trunk(f"{CARRIER_HOST}:{carrier.port}")) as edge:
        carrier.edge_port = edge.port
        for attempt in (1, 2):
            for known in (False, True):
                asked = await carrier.expect_request("REGISTER")
                assert (asked.headers.get("Authorization") is not None) is known, attempt
                refuse(carrier, asked, 401, ("WWW-Authenticate", challenge))
            assert "401 Whatever: wrong user or password" in await stands(edge, "failing")
        assert edge.log().count("trunk carrier:") == 1
        await registered(carrier, edge)
    await carrier.close()


async def test_proxy_and_registrar_both_ask(tmp_path: Path) -> None:
    """407 of the carrier's proxy and a stale nonce are answered too; RFC 2069 challenges without qop as well."""
    carrier = await carrier_by_hand()
    async with running_edge(tmp_path, **trunk(f"{CARRIER_HOST}:{carrier.port}")) as edge:
        carrier.edge_port = edge.port
        refuse(carrier, await carrier.expect_request("REGISTER"), 407, ("Proxy-Authenticate", OLD))
        asked = await carrier.expect_request("REGISTER")
        assert asked.headers["Proxy-Authorization"].count("qop") == 0
        refuse(carrier, asked, 407, ("Proxy-Authenticate", OLD.replace("n1", "n2") + ", stale=true"))
        asked = await carrier.expect_request("REGISTER")
        assert 'nonce="n2"' in asked.headers["Proxy-Authorization"]
        carrier.respond(asked, 200)
        await stands(edge, "registered")
    await carrier.close()


async def test_calls_for_our_contact_are_the_trunks(tmp_path: Path) -> None:
    """A call that names the Contact's line comes from the carrier, whatever its address; so does one from the
    registrar's address; a guessed line is a stranger's."""
    carrier = await carrier_by_hand()
    async with running_edge(tmp_path, **trunk(f"{CARRIER_HOST}:{carrier.port}")) as edge:
        contact = await registered(carrier, edge)
        worker, stranger = await edge.worker(), await edge.agent("sbc", host=STRANGER_HOST)
        stranger.send(stranger.request("INVITE", contact, body=SDP))
        received = await worker.expect_request("INVITE")
        assert received.headers["X-CTI-Source"] == "trunk:carrier"
        assert received.uri.user == USER
        worker.respond(received, 486)
        worker.report(free=True)
        carrier.invite(USER)
        received = await worker.expect_request("INVITE")
        assert received.headers["X-CTI-Source"] == "trunk:carrier"
        guessed = re.sub("line=.{4}", "line=0000", contact)
        stranger.send(stranger.request("INVITE", guessed, body=SDP))
        await stranger.expect_response(403, "INVITE")
    await carrier.close()


async def test_a_carrier_that_is_down_is_asked_again(tmp_path: Path) -> None:
    """503 and 500: pauses grow up to the longest; the first 200 is the registration."""
    carrier = await carrier_by_hand()
    async with running_edge(tmp_path, **trunk(f"{CARRIER_HOST}:{carrier.port}")) as edge:
        carrier.edge_port = edge.port
        moments = []
        for code in (503, 500, 503):
            asked = await carrier.expect_request("REGISTER")
            moments.append(time.monotonic())
            carrier.respond(asked, code)
        await registered(carrier, edge)
        pauses = [b - a for a, b in itertools.pairwise(moments)]
        assert [round(pause, 1) for pause in pauses] == pytest.approx([0.5, 1.0], abs=0.2)
    await carrier.close()


@pytest.mark.parametrize(("algorithm", "transport"), [("md5", "udp"), ("sha-256", "tcp")])
async def test_our_own_edge_as_the_carrier(tmp_path: Path, algorithm: str, transport: str) -> None:
    """Registered, renewed before it expires, reachable through the far edge, and gone when a drain begins."""
    far_home, home = tmp_path / "far", tmp_path / "near"
    far_home.mkdir()
    home.mkdir()
    async with running_edge(far_home) as far:
        write_accounts(far_home / "accounts.db", {USER: PASSWORD}, algorithm)
        registrar = f"127.0.0.1:{far.port};transport={transport}"
        async with running_edge(home, **trunk(registrar, expires=2.0)) as edge:
            await stands(edge, "registered")
            await silence(2.5)  # longer than it was granted
            worker, here = await far.worker("far"), await edge.worker("near")
            token = issue_token(SECRET, "leg", USER, time.time() + 30)
            worker.invite(USER, headers=(("X-CTI-Token", token),))
            received = await here.expect_request("INVITE")
            assert received.headers["X-CTI-Source"] == "trunk:carrier"
            assert edge.child is not None
            await edge.child.send(signal.SIGUSR1)
            await stands(edge, "logged_out")
            token = issue_token(SECRET, "leg2", USER, time.time() + 30)
            worker.invite(USER, headers=(("X-CTI-Token", token),))
            await worker.expect_response(480, "INVITE")


async def test_it_is_taken_back_at_the_end(tmp_path: Path) -> None:
    """SIGTERM un-registers; a carrier that is silent then does not keep the edge from ending."""
    carrier = await carrier_by_hand()
    async with running_edge(tmp_path, **trunk(f"{CARRIER_HOST}:{carrier.port}")) as edge:
        await registered(carrier, edge)
        assert await edge.stop() == 0
        gone = await carrier.expect_request("REGISTER")
        assert gone.headers["Expires"] == "0"
        assert "could not be un-registered: no answer" in edge.log()
    await carrier.close()


def refuse(carrier: Agent, asked: Request, code: int, header: tuple[str, str]) -> None:
    """As Agent.respond, with one header more."""
    names = ("Via", "From", "To", "Call-ID", "CSeq")
    copied = [f"{name}: {value}" for name in names for value in asked.headers.getlist(name)]
    lines = [f"SIP/2.0 {code} Whatever", *copied, f"{header[0]}: {header[1]}", "Content-Length: 0"]
    carrier.send("\r\n".join(lines) + "\r\n\r\n")
