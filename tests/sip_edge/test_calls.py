"""Calls through the edge with stand-in workers: placing, cancelling, refusing, and all that happens in a dialog."""

from __future__ import annotations

import asyncio
import itertools
import time
from pathlib import Path

import pytest
from sipmessage import Request, Response

from cti_engine.sip_edge.config import Limits
from cti_engine.wire.tokens import issue_token, verify_edge_signature
from tests.sip_edge.agent import SDP, Agent, Dialog, callee_dialog, caller_dialog
from tests.sip_edge.running import SECRET, TRUNK_HOST, RunningEdge, Worker, running_edge, silence

TRANSPORTS = ["udp", "tcp"]


async def answered_call(caller: Agent, worker: Worker) -> tuple[Dialog, Dialog]:
    """INVITE, 180, 200, ACK; the dialog as caller and as worker have it."""
    sent = caller.invite("1000")
    received = await worker.expect_request("INVITE")
    worker.respond(received, 180)
    await caller.expect_response(180)
    answer = worker.respond(received, 200, body=SDP)
    answered = await caller.expect_response(200, "INVITE")
    dialog = caller_dialog(sent, answered)
    caller.within(dialog, "ACK")
    await worker.expect_request("ACK")
    return dialog, callee_dialog(received, answer)


async def dialled_phone(edge: RunningEdge, worker: Worker, phone: Agent) -> tuple[Request, Request]:
    """A worker dials the registered `phone`: what the worker sent and what the phone got."""
    token = issue_token(SECRET, "leg1", phone.name, time.time() + 30)
    sent = worker.invite(phone.name, headers=(("X-CTI-Token", token),))
    return sent, await phone.expect_request("INVITE")


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_call_from_a_trunk_reaches_a_free_worker(tmp_path: Path, transport: str) -> None:
    """100 comes at once; the worker gets the DNIS at its own address, who calls, and the edge's signature."""
    async with running_edge(tmp_path) as edge:
        worker = await edge.worker()
        caller = await edge.agent("34600111222", host=TRUNK_HOST, transport=transport)
        sent = caller.invite("1000", headers=(("X-CTI-Source", "account:maria"), ("Diversion", "<sip:9@x>")))
        await caller.expect_response(100)
        received = await worker.expect_request("INVITE")
        assert str(received.uri) == f"sip:1000@{worker.host}:{worker.port}"
        assert received.headers.getlist("X-CTI-Source") == ["trunk:carrier"]
        assert verify_edge_signature(SECRET, sent.call_id, "trunk:carrier", received.headers["X-CTI-Edge"])
        assert received.headers["Diversion"] == "<sip:9@x>"
        assert received.max_forwards == 69
        assert received.body == SDP
        worker.respond(received, 200, body=SDP)
        answered = await caller.expect_response(200, "INVITE")
        assert len(answered.via) == 1
        assert "z9hG4bK" in str(answered.via[0])


@pytest.mark.parametrize("caller_transport", TRANSPORTS)
@pytest.mark.parametrize(
    "method", ["INVITE", "UPDATE", "PRACK", "INFO", "REFER", "NOTIFY", "MESSAGE", "OPTIONS", "BYE"]
)
async def test_requests_in_a_dialog_pass_both_ways(
    tmp_path: Path, caller_transport: str, method: str
) -> None:
    """Either side's request reaches the other with its Request-URI untouched, and so does the answer."""
    async with running_edge(tmp_path) as edge:
        worker = await edge.worker()
        caller = await edge.agent("100", host=TRUNK_HOST, transport=caller_transport)
        theirs, ours = await answered_call(caller, worker)
        ways: list[tuple[Agent, Dialog, Agent]] = [(caller, theirs, worker), (worker, ours, caller)]
        for sender, dialog, receiver in ways:
            sender.within(dialog, method)
            got = await receiver.expect_request(method)
            assert str(got.uri) == dialog.target
            assert not got.route
            receiver.respond(got, 200)
            response = await sender.expect_response(200, method)
            assert len(response.via) == 1
            if method == "INVITE":
                sender.within(dialog, "ACK")
                await receiver.expect_request("ACK")


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_reinvite_can_be_cancelled_and_refused(tmp_path: Path, transport: str) -> None:
    """CANCEL and the ACK of the 487 follow the re-INVITE's path with its branch, though the edge keeps no state."""
    async with running_edge(tmp_path) as edge:
        worker = await edge.worker()
        caller = await edge.agent("100", host=TRUNK_HOST, transport=transport)
        dialog, _ = await answered_call(caller, worker)
        sent = caller.within(dialog, "INVITE", body=SDP)
        received = await worker.expect_request("INVITE")
        worker.respond(received, 100)
        routes = tuple(("Route", route) for route in dialog.routes)
        caller.cancel(sent, headers=routes)
        cancelled = await worker.expect_request("CANCEL")
        assert cancelled.via[0].parameters["branch"] == received.via[0].parameters["branch"]
        worker.respond(cancelled, 200)
        worker.respond(received, 487)
        await caller.expect_response(200, "CANCEL")
        refused = await caller.expect_response(487, "INVITE")
        ack = caller.request(
            "ACK", str(sent.uri), to=refused.headers["To"], from_=sent.headers["From"], call_id=sent.call_id,
            cseq=sent.cseq.sequence, via=sent.headers["Via"], headers=routes,
        )  # fmt: skip
        caller.send(ack)
        acked = await worker.expect_request("ACK")
        assert acked.via[0].parameters["branch"] == received.via[0].parameters["branch"]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_caller_who_hangs_up_while_it_rings(tmp_path: Path, transport: str) -> None:
    """CANCEL is answered 200 and passed on with its Reason; the caller gets 487, both refusals are ACKed."""
    async with running_edge(tmp_path) as edge:
        worker = await edge.worker()
        caller = await edge.agent("100", host=TRUNK_HOST, transport=transport)
        sent = caller.invite("1000")
        received = await worker.expect_request("INVITE")
        worker.respond(received, 180)
        await caller.expect_response(180)
        caller.cancel(sent, headers=(("Reason", "SIP;cause=200"),))
        await caller.expect_response(200, "CANCEL")
        cancelled = await worker.expect_request("CANCEL")
        assert cancelled.via[0].parameters["branch"] == received.via[0].parameters["branch"]
        assert cancelled.headers["Reason"] == "SIP;cause=200"
        worker.respond(cancelled, 200)
        worker.respond(received, 487)
        await worker.expect_request("ACK")
        refused = await caller.expect_response(487, "INVITE")
        caller.ack_refusal(sent, refused)


async def test_cancel_before_the_worker_said_anything(tmp_path: Path) -> None:
    """CANCEL waits for the first provisional response (RFC 3261 9.1), then goes out."""
    async with running_edge(tmp_path, limits=Limits(worker_answer=3.0)) as edge:
        worker = await edge.worker()
        caller = await edge.agent("100", host=TRUNK_HOST)
        sent = caller.invite("1000")
        received = await worker.expect_request("INVITE")
        caller.cancel(sent)
        await caller.expect_response(200, "CANCEL")
        assert "CANCEL" not in worker.seen()
        worker.respond(received, 100)
        worker.respond(await worker.expect_request("CANCEL"), 200)
        worker.respond(received, 487)
        await caller.expect_response(487, "INVITE")


async def test_a_refusal_is_repeated_until_it_is_acknowledged(tmp_path: Path) -> None:
    """Timer G: over UDP the 486 comes again and again; after the ACK it comes no more."""
    async with running_edge(tmp_path) as edge:
        worker = await edge.worker()
        caller = await edge.agent("100", host=TRUNK_HOST)
        sent = caller.invite("1000")
        worker.respond(await worker.expect_request("INVITE"), 486)
        await worker.expect_request("ACK")
        await caller.expect_response(486)
        refused = await caller.expect_response(486)
        caller.ack_refusal(sent, refused)
        await silence(1.5)
        assert caller.seen().count("486 1 INVITE") <= 1  # one may have crossed the ACK


async def test_retransmitted_invites_end_at_the_edge(tmp_path: Path) -> None:
    """The same INVITE again gets the last provisional answer again and reaches the worker once."""
    async with running_edge(tmp_path) as edge:
        worker = await edge.worker()
        caller = await edge.agent("100", host=TRUNK_HOST)
        sent = caller.invite("1000")
        received = await worker.expect_request("INVITE")
        worker.respond(received, 180)
        await caller.expect_response(180)
        caller.send(bytes(sent))
        await caller.expect_response(180)
        worker.respond(received, 200, body=SDP)
        await caller.expect_response(200, "INVITE")
        caller.send(bytes(sent))
        worker.respond(received, 200, body=SDP)  # the worker repeats its 200 until the ACK comes
        await caller.expect_response(200, "INVITE")
        assert "INVITE" not in worker.seen()


async def test_a_worker_that_refuses_or_is_silent_is_passed_over(tmp_path: Path) -> None:
    """503 and no answer in time send the call to the next worker; one that wakes up late gets CANCEL."""
    async with running_edge(tmp_path) as edge:
        first, second, third = [await edge.worker(f"worker{n}") for n in range(3)]
        caller = await edge.agent("100", host=TRUNK_HOST)
        caller.invite("1000")
        one = await first.expect_request("INVITE")
        first.respond(one, 503)
        await first.expect_request("ACK")
        late = await second.expect_request("INVITE")
        received = await third.expect_request("INVITE")
        second.respond(late, 180)
        await second.expect_request("CANCEL")
        third.respond(received, 200, body=SDP)
        await caller.expect_response(200, "INVITE")


async def test_workers_are_used_in_turn_and_only_when_free(tmp_path: Path) -> None:
    """The worker that has been free longest is next; one that has a call is not used until it says free."""
    async with running_edge(tmp_path) as edge:
        workers = [await edge.worker(f"worker{n}") for n in range(2)]
        caller = await edge.agent("100", host=TRUNK_HOST)
        for worker in workers:
            caller.invite("1000")
            worker.respond(await worker.expect_request("INVITE"), 180)
            worker.report(False)
        caller.invite("1000")
        await caller.expect_response(180)
        workers[1].report(True)
        received = await workers[1].expect_request("INVITE", within=2.0)
        workers[1].respond(received, 180)
        assert "INVITE" not in workers[0].seen()


async def test_calls_wait_for_a_worker_in_order_and_then_get_503(tmp_path: Path) -> None:
    """Held calls are placed first come first served; after the hold time 503 with Retry-After."""
    async with running_edge(tmp_path, limits=Limits(hold=1.0)) as edge:
        caller = await edge.agent("100", host=TRUNK_HOST)
        first = caller.invite("1000")
        await caller.expect_response(100)
        second = caller.invite("1000")
        worker = await edge.worker()
        received = await worker.expect_request("INVITE")
        assert received.call_id == first.call_id
        worker.respond(received, 180)
        started = time.monotonic()
        refused = await caller.expect_response(503)
        assert time.monotonic() - started < 2.0
        assert refused.call_id == second.call_id
        assert refused.headers["Retry-After"] == "5"


async def test_cancel_of_a_call_that_waits_for_a_worker(tmp_path: Path) -> None:
    """It gets 487 at once and no worker ever sees it."""
    async with running_edge(tmp_path) as edge:
        caller = await edge.agent("100", host=TRUNK_HOST)
        sent = caller.invite("1000")
        await caller.expect_response(100)
        caller.cancel(sent)
        await caller.expect_response(200, "CANCEL")
        await caller.expect_response(487, "INVITE")
        worker = await edge.worker()
        other = caller.invite("2000")
        received = await worker.expect_request("INVITE")
        assert received.call_id == other.call_id


async def test_a_worker_that_disconnects_gets_no_call(tmp_path: Path) -> None:
    """A closed link takes the worker out of the pool at once."""
    async with running_edge(tmp_path) as edge:
        gone = await edge.worker("worker1")
        await gone.close()
        stays = await edge.worker("worker2")
        caller = await edge.agent("100", host=TRUNK_HOST)
        caller.invite("1000")
        await stays.expect_request("INVITE")


async def test_a_worker_that_never_reports_is_asked_to_introduce_itself_again(tmp_path: Path) -> None:
    """Without a report after a call its link is closed; it reconnects, says free and is used again."""
    limits = Limits(worker_report=0.3, worker_answer=0.1, hold=5.0)
    async with running_edge(tmp_path, limits=limits) as edge:
        worker = await edge.worker()
        caller = await edge.agent("100", host=TRUNK_HOST)
        caller.invite("1000")
        first = await worker.expect_request("INVITE")
        second = await worker.expect_request("INVITE")
        assert first.call_id == second.call_id


async def test_a_worker_is_given_at_most_its_rate(tmp_path: Path) -> None:
    """A worker that is free again at once still gets no more than 20 INVITEs a second (64 sockets kill pjsua2)."""
    async with running_edge(tmp_path) as edge:
        worker = await edge.worker()
        caller = await edge.agent("100", host=TRUNK_HOST)
        times = []
        for _ in range(6):
            caller.invite("1000")
            received = await worker.expect_request("INVITE")
            times.append(time.monotonic())
            worker.respond(received, 486)
            worker.report(False)
            worker.report(True)
        gaps = [late - early for early, late in itertools.pairwise(times)]
        assert min(gaps) >= 0.04, gaps


@pytest.mark.parametrize("phone_transport", TRANSPORTS)
async def test_a_worker_dials_a_registered_phone(tmp_path: Path, phone_transport: str) -> None:
    """The phone gets its own Contact as Request-URI and no X-CTI header; BYE passes both ways, UDP to TCP too."""
    async with running_edge(tmp_path) as edge:
        phone = await edge.agent("maria", transport=phone_transport)
        assert (await phone.register("secret-m")).code == 200
        worker = await edge.worker()
        for ends in ("phone", "worker"):
            sent, received = await dialled_phone(edge, worker, phone)
            await worker.expect_response(100)
            assert str(received.uri) == phone.contact
            assert not [name for name in received.headers.keys() if name.startswith("X-CTI")]  # noqa: SIM118
            phone.respond(received, 180)
            await worker.expect_response(180)
            answer = phone.respond(received, 200, body=SDP)
            answered = await worker.expect_response(200, "INVITE")
            dialog = caller_dialog(sent, answered)
            worker.within(dialog, "ACK")
            await phone.expect_request("ACK")
            sender, has, receiver = {
                "phone": (phone, callee_dialog(received, answer), worker),
                "worker": (worker, dialog, phone),
            }[ends]
            sender.within(has, "BYE")
            receiver.respond(await receiver.expect_request("BYE"), 200)
            await sender.expect_response(200, "BYE")


async def test_a_phone_that_is_not_there(tmp_path: Path) -> None:
    """Never registered: 480. Registered by a TCP connection that is gone and cannot be made again: 503."""
    async with running_edge(tmp_path) as edge:
        worker = await edge.worker()
        token = issue_token(SECRET, "leg1", "john", time.time() + 30)
        worker.invite("john", headers=(("X-CTI-Token", token),))
        assert (await worker.final("INVITE")).code == 480
        phone = await edge.agent("maria", transport="tcp")
        await phone.register("secret-m")
        await phone.close()
        token = issue_token(SECRET, "leg2", "maria", time.time() + 30)
        worker.invite("maria", headers=(("X-CTI-Token", token),))
        assert (await worker.final("INVITE")).code == 503


async def test_an_unanswered_invite_to_a_phone_is_repeated(tmp_path: Path) -> None:
    """Timer A: the edge, which has answered 100, repeats the INVITE itself until the phone says something."""
    async with running_edge(tmp_path) as edge:
        phone = await edge.agent("maria")
        await phone.register("secret-m")
        worker = await edge.worker()
        _, first = await dialled_phone(edge, worker, phone)
        again = await phone.expect_request("INVITE")
        assert again.via[0].parameters["branch"] == first.via[0].parameters["branch"]
        phone.respond(again, 180)
        await worker.expect_response(180)
        assert "INVITE" not in phone.seen()


async def test_what_comes_by_tcp_and_leaves_by_udp_is_repeated(tmp_path: Path) -> None:
    """TCP's sender repeats nothing, so the edge repeats on UDP until the answer passes."""
    async with running_edge(tmp_path) as edge:
        worker = await edge.worker()
        caller = await edge.agent("100", host=TRUNK_HOST, transport="tcp")
        dialog, _ = await answered_call(caller, worker)
        caller.within(dialog, "BYE")
        await worker.expect_request("BYE")
        again = await worker.expect_request("BYE")
        worker.respond(again, 200)
        await caller.expect_response(200, "BYE")
        await silence(1.2)
        assert "BYE" not in worker.seen()


async def test_max_forwards_ends(tmp_path: Path) -> None:
    """Max-Forwards 0 is answered 483 and goes no further; in a dialog too."""
    async with running_edge(tmp_path) as edge:
        worker = await edge.worker()
        caller = await edge.agent("100", host=TRUNK_HOST)
        data = caller.request("INVITE", f"sip:1000@127.0.0.1:{edge.port}", body=SDP)
        caller.send(data.replace(b"Max-Forwards: 70", b"Max-Forwards: 0"))
        assert (await caller.final("INVITE")).code == 483
        assert worker.seen() == []


async def test_comma_joined_vias_and_record_routes(tmp_path: Path) -> None:
    """A carrier that joins its Vias and Record-Routes with commas gets its answer and its requests."""
    async with running_edge(tmp_path) as edge:
        worker = await edge.worker()
        caller = await edge.agent("100", host=TRUNK_HOST)
        joined = f"{caller.via()}, SIP/2.0/UDP 10.1.1.1:5060;branch=z9hG4bKfar"
        routes = f'<sip:{TRUNK_HOST}:{caller.port};lr>,<sip:10.1.1.1;lr;x="a,b">'.replace(';x="a,b"', "")
        sent = caller.invite("1000", via=joined, headers=(("Record-Route", routes),))
        received = await worker.expect_request("INVITE")
        assert len(received.headers.getlist("Via")) == 3
        answer = worker.respond(received, 200, body=SDP)
        answered = await caller.expect_response(200, "INVITE")
        assert [via.host for via in answered.via] == [TRUNK_HOST, "10.1.1.1"]
        dialog = callee_dialog(received, answer)
        assert len(dialog.routes) == 4
        caller.within(caller_dialog(sent, answered), "ACK", headers=_edge_routes(answered))
        await worker.expect_request("ACK")
        worker.within(dialog, "BYE")
        bye = await caller.expect_request("BYE")
        assert [route.uri.host for route in bye.route] == [TRUNK_HOST, "10.1.1.1"]


def _edge_routes(answered: Response) -> tuple[tuple[str, str], ...]:
    """The Route that is left when the carrier's own two proxies have taken theirs off."""
    return tuple(("Route", str(route)) for route in answered.record_route[:2][::-1])


async def test_nat_is_answered_where_the_packet_came_from(tmp_path: Path) -> None:
    """Via gets received and rport; a caller with a private Contact is reached in the dialog at its source."""
    async with running_edge(tmp_path) as edge:
        worker = await edge.worker()
        caller = await edge.agent("100", host=TRUNK_HOST)
        via = "SIP/2.0/UDP 192.168.7.7:5060;branch=z9hG4bKnat;rport"
        caller.invite("1000", via=via, contact="sip:100@192.168.7.7:5060")
        trying = await caller.expect_response(100)
        assert trying.via[0].parameters["received"] == TRUNK_HOST
        assert trying.via[0].parameters["rport"] == str(caller.port)
        received = await worker.expect_request("INVITE")
        answer = worker.respond(received, 200, body=SDP)
        await caller.expect_response(200, "INVITE")
        worker.within(callee_dialog(received, answer), "BYE")
        assert str((await caller.expect_request("BYE")).uri) == "sip:100@192.168.7.7:5060"


async def test_without_rport_the_answer_goes_to_the_sent_by_port(tmp_path: Path) -> None:
    """RFC 3261 18.2.2: received address, port of the Via."""
    async with running_edge(tmp_path) as edge:
        sender = await edge.agent("a", host=TRUNK_HOST)
        listener = await edge.agent("b", host=TRUNK_HOST)
        via = f"SIP/2.0/UDP elsewhere.invalid:{listener.port};branch=z9hG4bKsent"
        sender.send(sender.request("OPTIONS", f"sip:127.0.0.1:{edge.port}", via=via))
        answer = await listener.expect_response(200, "OPTIONS")
        assert answer.via[0].parameters["received"] == TRUNK_HOST


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_options_and_keep_alives(tmp_path: Path, transport: str) -> None:
    """OPTIONS is answered 200 with Allow; CRLFs between messages are harmless on both transports."""
    async with running_edge(tmp_path) as edge:
        phone = await edge.agent("x", transport=transport)
        phone.send(b"\r\n\r\n")
        phone.send(phone.request("OPTIONS", f"sip:127.0.0.1:{edge.port}"))
        assert "INVITE" in (await phone.expect_response(200, "OPTIONS")).headers["Allow"]


async def test_tcp_messages_in_pieces_and_two_at_once(tmp_path: Path) -> None:
    """The stream is cut by Content-Length, however TCP has cut it."""
    async with running_edge(tmp_path) as edge:
        phone = await edge.agent("x", transport="tcp")
        data = phone.request("OPTIONS", f"sip:127.0.0.1:{edge.port}", body=b"v=0\r\n")
        both = data + b"\r\n\r\n" + data
        for piece in (both[:20], both[20:-3], both[-3:]):
            phone.send(piece)
            await asyncio.sleep(0)
        await phone.expect_response(200, "OPTIONS")
        await phone.expect_response(200, "OPTIONS")
