"""Who may call, who is believed, and who gets nothing: 403, silence, no open relay, tokens once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from sipmessage import Request

from cti_engine.core.commands import EndDialog
from cti_engine.core.signals import Dialog
from cti_engine.sip_edge.config import Guests, Limits, Trunk
from cti_engine.wire.tokens import issue_token
from tests.phones.waiting import until
from tests.sip_edge.agent import SDP, Agent, authorization, callee_dialog, caller_dialog
from tests.sip_edge.running import (
    GUEST_HOST,
    SECRET,
    STRANGER_HOST,
    TRUNK_HOST,
    running_edge,
    silence,
)
from tests.sip_edge.test_calls import answered_call, dialled_phone
from tests.sip_edge.test_registrar import kill_and_start


async def call_with_password(agent: Agent, number: str, password: str) -> None:
    """INVITE, 407, ACK, INVITE with credentials; the second answer is left to the test."""
    sent = agent.invite(number)
    refused = await agent.expect_response(407)
    agent.ack_refusal(sent, refused)
    answer = authorization(
        refused.headers["Proxy-Authenticate"], "INVITE", str(sent.uri), agent.name, password
    )
    headers = (("Proxy-Authorization", answer),)
    agent.invite(number, call_id=sent.call_id, from_=sent.headers["From"], cseq=2, headers=headers)


async def test_an_account_calls_with_its_password(tmp_path: Path) -> None:
    """407, then the worker gets the call as `account:USER`, without the credentials and without asserted names."""
    async with running_edge(tmp_path) as edge:
        worker = await edge.worker()
        phone = await edge.agent("maria", host=STRANGER_HOST)
        await call_with_password(phone, "1000", "secret-m")
        received = await worker.expect_request("INVITE")
        assert received.headers["X-CTI-Source"] == "account:maria"
        assert received.headers.get("Proxy-Authorization") is None


async def test_an_agents_second_line_goes_to_the_worker_of_the_call(tmp_path: Path) -> None:
    """To a number that callers may not dial: nowhere else, whatever that worker answers; while she is in no call, or
    for anybody else, 404. A number of ours is an ordinary call.
    """
    async with running_edge(tmp_path, dialled_numbers=frozenset({"1000"})) as edge:
        there, elsewhere = await edge.worker("there"), await edge.worker("elsewhere")
        phone, other = await edge.agent("maria", host=STRANGER_HOST), await edge.agent("john")
        await call_with_password(phone, "201", "secret-m")
        assert (await phone.final("INVITE")).code == 404
        assert there.link is not None
        there.report(False, "maria")
        await there.link.flush(5.0)
        await call_with_password(phone, "201", "secret-m")
        received = await there.expect_request("INVITE")
        assert str(received.uri) == f"sip:201@{there.host}:{there.port}"
        assert received.headers["X-CTI-Source"] == "account:maria"
        there.respond(received, 503)
        assert (await phone.expect_response(503, "INVITE")).code == 503
        await call_with_password(other, "201", "secret-j")
        assert (await other.final("INVITE")).code == 404
        await call_with_password(phone, "1000", "secret-m")
        await elsewhere.expect_request("INVITE")


async def test_a_wrong_password_calls_nobody(tmp_path: Path) -> None:
    """403 after the challenge."""
    async with running_edge(tmp_path) as edge:
        phone = await edge.agent("maria", host=GUEST_HOST)
        await call_with_password(phone, "1000", "guess")
        assert (await phone.final("INVITE")).code == 403


async def test_a_trunk_known_by_its_account(tmp_path: Path) -> None:
    """An account that belongs to a trunk calls as that trunk and may assert who calls."""
    trunks = (Trunk("voip", account="john"),)
    async with running_edge(tmp_path, trunks=trunks) as edge:
        worker = await edge.worker()
        carrier = await edge.agent("john", host=STRANGER_HOST)
        await call_with_password(carrier, "1000", "secret-j")
        received = await worker.expect_request("INVITE")
        assert received.headers["X-CTI-Source"] == "trunk:voip"


async def test_a_guest_reaches_dialled_numbers_only_and_asserts_nothing(tmp_path: Path) -> None:
    """404 for anything else; P-Asserted-Identity and Diversion of a guest are taken off."""
    async with running_edge(tmp_path, dialled_numbers=frozenset({"1000"})) as edge:
        worker = await edge.worker()
        guest = await edge.agent("visitor", host=GUEST_HOST)
        guest.invite("john")
        assert (await guest.final("INVITE")).code == 404
        headers = (
            ("P-Asserted-Identity", "<sip:boss@x>"),
            ("Diversion", "<sip:9@x>"),
            ("X-CTI-Edge", "forged"),
        )
        guest.invite("1000", headers=headers)
        received = await worker.expect_request("INVITE")
        assert received.headers["X-CTI-Source"] == "guest"
        assert received.headers["X-CTI-Edge"] != "forged"
        assert received.headers.get("P-Asserted-Identity") is None
        assert received.headers.get("Diversion") is None


async def test_guests_above_their_rate_are_told_to_come_later(tmp_path: Path) -> None:
    """The third call within a second gets 503 with Retry-After."""
    async with running_edge(tmp_path) as edge:
        guest = await edge.agent("visitor", host=GUEST_HOST)
        for _ in range(3):
            guest.invite("1000")
        refused = await guest.expect_response(503, within=1.0)
        assert refused.headers["Retry-After"] == "1"


async def test_unknown_sources_get_403_and_above_a_rate_nothing(tmp_path: Path) -> None:
    """Five 403 a second; the rest of 50 INVITEs is met with silence, and no worker hears of any."""
    async with running_edge(tmp_path) as edge:
        worker = await edge.worker()
        stranger = await edge.agent("sipvicious", host=STRANGER_HOST)
        for _ in range(50):
            stranger.invite("1000")
        await stranger.expect_response(403)
        probe = await edge.agent("probe")
        probe.send(probe.request("OPTIONS", f"sip:127.0.0.1:{edge.port}"))
        await probe.expect_response(200)  # the edge has dealt with all 50 by now
        assert 4 <= stranger.seen().count("403 1 INVITE") <= 6
        assert worker.seen() == []


async def test_guests_can_be_switched_off(tmp_path: Path) -> None:
    """Without guests their network is an unknown source, loopback or not."""
    async with running_edge(tmp_path, guests=Guests(enabled=False, networks=("127.0.0.0/8",))) as edge:
        guest = await edge.agent("visitor", host=GUEST_HOST)
        guest.invite("1000")
        assert (await guest.final("INVITE")).code == 403


async def test_loopback_without_token_is_a_stranger(tmp_path: Path) -> None:
    """A worker's address alone opens nothing: no token, 403, and a registered phone does not ring."""
    async with running_edge(tmp_path) as edge:
        phone = await edge.agent("maria")
        await phone.register("secret-m")
        worker = await edge.worker()
        worker.invite("maria")
        assert (await worker.final("INVITE")).code == 403
        assert "INVITE" not in phone.seen()


async def test_a_dial_token_is_taken_once_for_its_target_and_in_time(tmp_path: Path) -> None:
    """Replayed, expired, forged, or for another target: 403 and no phone rings."""
    async with running_edge(tmp_path) as edge:
        phone = await edge.agent("maria")
        await phone.register("secret-m")
        worker = await edge.worker()
        sent, received = await dialled_phone(edge, worker, phone)
        phone.respond(received, 486)
        worker.ack_refusal(sent, await worker.expect_response(486))
        now = time.time()
        tokens = [
            sent.headers["X-CTI-Token"],
            issue_token(SECRET, "leg", "maria", now - 1),
            issue_token(b"another secret", "leg", "maria", now + 30),
            issue_token(SECRET, "leg", "john", now + 30),
            "nonsense",
        ]
        for token in tokens:
            worker.invite("maria", headers=(("X-CTI-Token", token),))
            assert (await worker.final("INVITE")).code == 403
            await silence(0.25)  # below the rate of refusals
        await phone.expect_request("ACK")
        assert phone.seen() == []


async def test_a_worker_dials_through_a_trunk(tmp_path: Path) -> None:
    """X-CTI-Trunk picks the carrier; after a 407 the same token is good once more; in-dialog requests follow
    the carrier within its own networks."""
    async with running_edge(tmp_path) as first:
        carrier = await first.agent("carrier", host=TRUNK_HOST)
        trunk = Trunk("carrier", networks=(TRUNK_HOST,), destination=f"{TRUNK_HOST}:{carrier.port}")
        (tmp_path / "second").mkdir()
        async with running_edge(tmp_path / "second", trunks=(trunk,)) as edge:
            worker = await edge.worker()
            token = issue_token(SECRET, "leg", "+34911", time.time() + 30)
            headers = (
                ("X-CTI-Token", token),
                ("X-CTI-Trunk", "carrier"),
                ("P-Asserted-Identity", "<sip:1@x>"),
            )
            sent = worker.invite("+34911", headers=headers)
            carrier.edge_port = edge.port
            challenged = await carrier.expect_request("INVITE")
            assert str(challenged.uri) == f"sip:+34911@{TRUNK_HOST}:{carrier.port}"
            assert challenged.headers["P-Asserted-Identity"] == "<sip:1@x>"
            carrier.respond(challenged, 407)
            worker.ack_refusal(sent, await worker.expect_response(407))
            sent = worker.invite("+34911", call_id=sent.call_id, cseq=2, headers=headers)
            await carrier.expect_request("ACK")
            received = await carrier.expect_request("INVITE")
            media = await edge.agent("media", host=TRUNK_HOST)
            answer = carrier.respond(received, 200, body=SDP)
            dialog = caller_dialog(sent, await worker.expect_response(200, "INVITE"))
            dialog.target = media.contact
            worker.within(dialog, "BYE")
            media.respond(await media.expect_request("BYE"), 200)
            await worker.expect_response(200, "BYE")
            assert answer.headers["Contact"]


async def test_an_unknown_trunk_is_unavailable(tmp_path: Path) -> None:
    """503, not a call to wherever the number might lead."""
    async with running_edge(tmp_path) as edge:
        worker = await edge.worker()
        token = issue_token(SECRET, "leg", "+34911", time.time() + 30)
        worker.invite("+34911", headers=(("X-CTI-Token", token), ("X-CTI-Trunk", "nobody")))
        assert (await worker.final("INVITE")).code == 503


@pytest.mark.parametrize("method", ["INVITE", "BYE", "INFO", "MESSAGE"])
async def test_no_open_relay(tmp_path: Path, method: str) -> None:
    """A foreign target is refused: by Request-URI, by a Route of its own, by a Route of ours that is not signed,
    or signed for another call."""
    async with running_edge(tmp_path, limits=Limits(refusals_per_source=50)) as edge:
        victim = await edge.agent("victim", host="127.0.0.8")
        attacker = await edge.agent("x", host=GUEST_HOST)
        worker = await edge.worker()
        dialog, _ = await answered_call(await edge.agent("100", host=TRUNK_HOST), worker)
        ours = f"<sip:127.0.0.1:{edge.port};lr>"
        theirs = f"<sip:127.0.0.8:{victim.port};lr>"
        foreign = f"sip:victim@127.0.0.8:{victim.port}"
        for routes in ([], [theirs], [ours], [ours, theirs], dialog.routes, [ours, dialog.routes[1]]):
            for to in (f"<{foreign}>", f"<{foreign}>;tag=made-up"):
                headers = tuple(("Route", route) for route in routes)
                attacker.send(attacker.request(method, foreign, to=to, headers=headers, body=SDP))
                assert (await attacker.final(method)).code in (403, 405, 481)
        assert victim.seen() == []
        assert "INVITE" not in worker.seen()


async def test_forged_responses_go_nowhere(tmp_path: Path) -> None:
    """A response whose branch we did not sign is dropped, though a Via of ours is on top."""
    async with running_edge(tmp_path) as edge:
        victim = await edge.agent("victim", host="127.0.0.8")
        attacker = await edge.agent("x", host=STRANGER_HOST)
        for branch in (
            "z9hG4bK0.0123456789abcdef01234567",
            "z9hG4bKend.12",
            "z9hG4bK",
            "nonsense",
            "z9hG4bK9999999.",
            "z9hG4bK0.é",
        ):
            attacker.send(
                f"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:{edge.port};branch={branch}\r\n"
                f"Via: SIP/2.0/UDP 127.0.0.8:{victim.port};branch=z9hG4bKv\r\nFrom: <sip:a@b>;tag=1\r\n"
                "To: <sip:c@d>;tag=2\r\nCall-ID: forged\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
            )
        attacker.send(attacker.request("OPTIONS", f"sip:127.0.0.1:{edge.port}"))
        await attacker.expect_response(200)
        assert victim.seen() == []


async def test_the_engine_ends_a_dialog_of_a_lost_worker(tmp_path: Path) -> None:
    """EndDialog: the phone gets a BYE that it must accept, again until it answers; an edge killed meanwhile too."""
    async with running_edge(tmp_path) as edge:
        phone = await edge.agent("maria")
        await phone.register("secret-m")
        worker = await edge.worker()
        sent, received = await dialled_phone(edge, worker, phone)
        phone.respond(received, 200, body=SDP)
        dialog = caller_dialog(sent, await worker.expect_response(200, "INVITE"))
        await worker.close()
        await kill_and_start(edge)
        await until(lambda: len(edge.engine.hellos) == 2, "the edge is back")
        remote_uri, _, remote_tag = dialog.remote.partition(";tag=")
        local_uri, _, local_tag = dialog.local.partition(";tag=")
        edge.engine.command(
            EndDialog(
                "leg1",
                Dialog(
                    call_id=dialog.call_id, local_uri=local_uri, local_tag=local_tag,
                    remote_uri=remote_uri.strip("<>"), remote_tag=remote_tag, local_cseq=dialog.cseq,
                    remote_target=dialog.target, route_set=tuple(dialog.routes),
                ),
            )
        )  # fmt: skip
        first = await phone.expect_request("BYE")
        again = await phone.expect_request("BYE")
        assert str(first.uri) == phone.contact
        assert first.from_address.parameters["tag"] == local_tag
        assert first.to_address.parameters["tag"] == remote_tag
        assert first.cseq.sequence > dialog.cseq
        phone.respond(again, 200)
        await silence(1.3)
        assert phone.seen().count("BYE") == 0


async def test_commands_that_make_no_sense_are_dropped(tmp_path: Path) -> None:
    """A dialog without an address, and a command for somebody else, are one log line each."""
    async with running_edge(tmp_path) as edge:
        await until(lambda: edge.engine.hellos, "the edge is connected")
        nowhere = Dialog("c", "sip:a@b", "1", "sip:c@d", "2", 1, "sip:nowhere.invalid")
        edge.engine.command(EndDialog("leg9", nowhere))
        await until(lambda: "cannot send BYE for leg leg9" in edge.log(), "the line in the log")


async def test_a_dialog_survives_kill_9_of_the_edge(tmp_path: Path) -> None:
    """No dialog table: a call that was set up before goes on by what its routes carry, both ways."""
    async with running_edge(tmp_path) as edge:
        worker = await edge.worker()
        caller = await edge.agent("100", host=TRUNK_HOST)
        theirs, ours = await answered_call(caller, worker)
        await kill_and_start(edge)
        caller.within(theirs, "INFO")
        worker.respond(await worker.expect_request("INFO"), 200)
        await caller.expect_response(200, "INFO")
        worker.within(ours, "BYE")
        caller.respond(await caller.expect_request("BYE"), 200)
        await worker.expect_response(200, "BYE")


async def test_an_answer_that_comes_after_kill_9_still_arrives(tmp_path: Path) -> None:
    """The 200 of a phone that was ringing goes back by its signed branch."""
    async with running_edge(tmp_path) as edge:
        phone = await edge.agent("maria")
        await phone.register("secret-m")
        worker = await edge.worker()
        sent, received = await dialled_phone(edge, worker, phone)
        phone.respond(received, 180)
        await worker.expect_response(180)
        await kill_and_start(edge)
        answer = phone.respond(received, 200, body=SDP)
        answered = await worker.expect_response(200, "INVITE")
        worker.within(caller_dialog(sent, answered), "ACK")
        await phone.expect_request("ACK")
        phone.within(callee_dialog(received, answer), "BYE")
        bye = await worker.expect_request("BYE")
        assert isinstance(bye, Request)
