"""Whose a port is: free, the center's own, or a stranger's with name and number."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import ExitStack
from pathlib import Path

from cti_engine.runtime.checks.check import Verdict
from cti_engine.runtime.checks.ports import check_port, check_rtp_ports
from cti_engine.runtime.ports_in_use import Wanted
from tests.phones.child import Child
from tests.phones.ports import bound, free_port, free_ports
from tests.phones.waiting import until

LISTENER = (
    "import socket, sys, time; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); print('up', flush=True);"
    "time.sleep(60)"
)


def wanted(kind: str, port: int, host: str = "127.0.0.1") -> Wanted:
    return Wanted("CTI_SIP_PORT", kind, host, port)


def test_a_free_port_is_well() -> None:
    """Nothing to do; port 0 takes any."""
    assert check_port("SIP port", wanted("udp", free_port()), 0).verdict is Verdict.OK
    assert check_port("SIP port", wanted("tcp", 0), 0).found == "any free TCP port"


async def test_a_taken_port_names_who_has_it_and_how_to_stop_it(tmp_path: Path) -> None:
    """The process and its command are told, and the setting that would give us another port."""
    port = free_port()
    async with Child([sys.executable, "-c", LISTENER, str(port)], tmp_path, name="stranger") as stranger:
        await stranger.logged("up")
        check = check_port("SIP port", wanted("tcp", port), 0)
        assert check.verdict is Verdict.FAULT
        assert f"process {stranger.pid}" in check.found and str(port) in check.found
        assert f"kill {stranger.pid}" in check.what_to_do and "CTI_SIP_PORT" in check.what_to_do


async def test_a_port_of_the_running_center_is_well(tmp_path: Path) -> None:
    """A descendant of the center's supervisor may hold it: that is the center itself."""
    port = free_port()
    async with Child([sys.executable, "-c", LISTENER, str(port)], tmp_path, name="edge") as edge:
        await edge.logged("up")
        check = check_port("SIP port", wanted("tcp", port), os.getpid())
        assert (check.verdict, check.what_to_do) == (Verdict.OK, "")


def test_an_address_that_is_not_ours_is_a_matter_of_settings() -> None:
    """Nobody has the port, and yet it cannot be taken: network.bind is wrong."""
    check = check_port("SIP port", wanted("udp", free_port(), "192.0.2.1"), 0)
    assert check.verdict is Verdict.FAULT
    assert "network.bind" in check.what_to_do


async def test_rtp_ports_may_be_taken_here_and_there_but_not_many() -> None:
    """One of twenty is passed over; half of them means that another program lives there, which is named."""
    first = free_ports(20)
    with ExitStack() as held:

        def take(port: int) -> None:
            held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)).bind(("127.0.0.1", port))

        take(first)
        assert check_rtp_ports(first, first + 19, 0).verdict is Verdict.OK
        for port in range(first + 1, first + 10):
            take(port)
        await until(lambda: bound(first + 9), "the last port bound")
        check = check_rtp_ports(first, first + 19, 0)
        assert check.verdict is Verdict.WARN
        assert "10 of 20" in check.found and f"process {os.getpid()}" in check.found
        assert check_rtp_ports(first, first + 19, os.getpid()).verdict is Verdict.OK
