"""Phones that nobody here wrote, through the edge: baresip as agents' phones, sipp as trunk and as worker."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from cti_engine.core.signals import PhoneRegistered, PhoneUnregistered
from cti_engine.sip_edge.config import Trunk
from cti_engine.wire.link import LinkClient
from cti_engine.wire.tasks import spawn
from cti_engine.wire.tokens import issue_token
from tests.phones.baresip import Baresip
from tests.phones.sipp import Sipp
from tests.phones.waiting import until
from tests.sip_edge.agent import callee_dialog, caller_dialog
from tests.sip_edge.running import SECRET, TRUNK_HOST, RunningEdge, running_edge
from tests.sip_edge.test_registrar import kill_and_start

HOST = "127.0.0.1"
SCENARIOS = Path(__file__).with_name("scenarios")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_two_baresips_talk_through_edge_and_worker(tmp_path: Path, transport: str) -> None:
    """maria registers (MD5), dials 1000 with her password and is connected to john by a stand-in worker; she
    holds and takes back, john hangs up and both phones are idle again."""
    async with running_edge(tmp_path) as edge:
        worker = await edge.worker()
        phone = {"edge_host": HOST, "edge_port": edge.port, "transport": transport}
        async with (
            Baresip("maria", "secret-m", folder=tmp_path / "maria", **phone) as maria,  # type: ignore[arg-type]
            Baresip("john", "secret-j", folder=tmp_path / "john", **phone) as john,  # type: ignore[arg-type]
        ):
            users = {told.user for told in edge.engine.told if isinstance(told, PhoneRegistered)}
            assert users == {"maria", "john"}
            await maria.dial("1000")
            received = await worker.expect_request("INVITE")
            assert received.headers["X-CTI-Source"] == "account:maria"
            worker.respond(received, 180)
            token = issue_token(SECRET, "leg1", "john", time.time() + 30)
            sent = worker.invite("john", headers=(("X-CTI-Token", token),), body=received.body)
            rung = await worker.expect_response(200, "INVITE")
            to_john = caller_dialog(sent, rung)
            worker.within(to_john, "ACK")
            answer = worker.respond(received, 200, body=rung.body)
            to_maria = callee_dialog(received, answer)
            await worker.expect_request("ACK")
            await maria.told("CALL_ESTABLISHED")
            await john.told("CALL_ESTABLISHED")
            for change in (maria.hold, maria.resume):
                await change()
                worker.respond(await worker.expect_request("INVITE"), 200, body=rung.body)
                await worker.expect_request("ACK")
            await john.hang_up()
            worker.respond(await worker.expect_request("BYE"), 200)
            worker.within(to_maria, "BYE")
            await worker.expect_response(200, "BYE")
            await maria.told("CALL_CLOSED")
        await until(lambda: PhoneUnregistered("john") in edge.engine.told, "john has left")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_baresip_that_rings_rejects_and_is_cancelled(tmp_path: Path, transport: str) -> None:
    """180 while it rings; CANCEL stops it; its 486 reaches the worker."""
    async with running_edge(tmp_path) as edge:
        worker = await edge.worker()
        async with Baresip(
            "maria", "secret-m", HOST, edge.port, tmp_path / "maria", transport=transport, answer="manual"
        ) as maria:
            token = issue_token(SECRET, "leg1", "maria", time.time() + 30)
            sent = worker.invite("maria", headers=(("X-CTI-Token", token),))
            await worker.expect_response(180)
            worker.cancel(sent)
            await worker.expect_response(200, "CANCEL")
            worker.ack_refusal(sent, await worker.expect_response(487, "INVITE"))
            await maria.told("CALL_CLOSED")
            token = issue_token(SECRET, "leg2", "maria", time.time() + 30)
            sent = worker.invite("maria", headers=(("X-CTI-Token", token),))
            await worker.expect_response(180)
            await maria.hang_up()
            refused = await worker.final("INVITE")
            assert refused.code in (486, 603)
            worker.ack_refusal(sent, refused)


async def test_a_baresip_by_tcp_is_rung_after_kill_9_of_the_edge(tmp_path: Path) -> None:
    """Its connection is gone; the new edge reaches it where its Contact says it listens."""
    async with (
        running_edge(tmp_path) as edge,
        Baresip("maria", "secret-m", HOST, edge.port, tmp_path / "maria", transport="tcp", answer="manual"),
    ):
        await kill_and_start(edge)
        worker = await edge.worker()
        token = issue_token(SECRET, "leg1", "maria", time.time() + 30)
        worker.invite("maria", headers=(("X-CTI-Token", token),))
        await worker.expect_response(180)


async def sipp_worker(edge: RunningEdge, folder: Path, scenario: str | Path) -> tuple[Sipp, LinkClient]:
    """A sipp that will answer, not yet started, and the link that offers it to the edge as a free worker."""
    sipp = Sipp(scenario, folder / "worker", calls=1)
    link = LinkClient(
        edge.config.placement_address, "sipp", "worker",
        hello_body=lambda: {"free": True, "sip": sipp.address}, on_frame=lambda type_, body: None,
    )  # fmt: skip
    spawn(link.run(), "sipp's link")
    await until(lambda: link.connected, "sipp is linked")
    return sipp, link


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_sipp_as_trunk_and_worker_go_through_a_whole_dialog(tmp_path: Path, transport: str) -> None:
    """UPDATE, INFO, re-INVITE, REFER (declined), NOTIFY and MESSAGE from either side, then BYE by the worker."""
    async with running_edge(tmp_path) as edge:
        worker, link = await sipp_worker(edge, tmp_path, SCENARIOS / "dialog_worker.xml")
        trunk = Sipp(
            SCENARIOS / "dialog_caller.xml", tmp_path / "trunk", to=f"{HOST}:{edge.port}", number="1000",
            host=TRUNK_HOST, calls=1, transport=transport,
        )  # fmt: skip
        async with worker, trunk:
            figures = await asyncio.gather(trunk.finished(within=20), worker.finished(within=20))
        link.close()
        assert [one.successful for one in figures] == [1, 1]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_sipp_as_caller_hangs_up_or_cancels(tmp_path: Path, transport: str) -> None:
    """The caller's BYE, and the caller's CANCEL while it rings, end the worker's call as sipp expects it."""
    async with running_edge(tmp_path) as edge:
        for caller, answering in (("caller_silent", "agent_silent"), ("caller_cancels", "agent_rings")):
            folder = tmp_path / caller
            worker, link = await sipp_worker(edge, folder, answering)
            trunk = Sipp(
                caller, folder / "trunk", to=f"{HOST}:{edge.port}", number="1000", talk=0.2, ring=0.2,
                host=TRUNK_HOST, calls=1, transport=transport,
            )  # fmt: skip
            async with worker, trunk:
                await asyncio.gather(trunk.finished(within=20), worker.finished(within=20))
            link.close()


async def test_sipp_as_a_trunk_that_is_dialled(tmp_path: Path) -> None:
    """A worker's call through X-CTI-Trunk is answered by sipp at the trunk's destination."""
    carrier = Sipp("agent_silent", tmp_path / "carrier", calls=1)
    trunks = (Trunk("carrier", networks=("127.0.0.1",), destination=carrier.address),)
    async with carrier, running_edge(tmp_path, trunks=trunks) as edge:
        worker = await edge.worker()
        token = issue_token(SECRET, "leg", "+34911000000", time.time() + 30)
        headers = (("X-CTI-Token", token), ("X-CTI-Trunk", "carrier"))
        sent = worker.invite("+34911000000", headers=headers)
        dialog = caller_dialog(sent, await worker.expect_response(200, "INVITE"))
        worker.within(dialog, "ACK")
        worker.within(dialog, "BYE")
        await worker.expect_response(200, "BYE")
        await carrier.finished(within=10)
