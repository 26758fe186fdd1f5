"""The edge as a process: how it ends, and what it says when it cannot stand up."""

from __future__ import annotations

import pickle
import socket
import sys
from dataclasses import replace
from pathlib import Path

from cti_engine.core.signals import PhoneRegistered
from cti_engine.sip_edge.config import EdgeConfig
from tests.phones.child import Child
from tests.phones.waiting import until
from tests.sip_edge.running import _SERVE, TRUNK_HOST, running_edge


async def test_sigterm_refuses_who_waits_and_ends_with_0(tmp_path: Path) -> None:
    """A held INVITE gets 503, the ready file goes, the exit code is 0."""
    async with running_edge(tmp_path) as edge:
        caller = await edge.agent("100", host=TRUNK_HOST)
        caller.invite("1000")
        await caller.expect_response(100)
        assert await edge.stop() == 0
        await caller.expect_response(503)
        assert not edge.config.ready_file.exists()


async def start_and_end(config: EdgeConfig, folder: Path) -> tuple[int, str]:
    folder.mkdir()
    (folder / "config").write_bytes(pickle.dumps(config))
    root = str(Path(__file__).parents[2])
    argv = [sys.executable, "-c", _SERVE, str(folder / "config")]
    child = Child(argv, folder, name="edge", env={"PYTHONPATH": root})
    async with child:
        return await child.ended(within=10), child.log()


async def test_a_port_that_is_taken_is_told_in_one_line(tmp_path: Path) -> None:
    """Exit code 3 and one line with address and reason, by UDP or by TCP alike."""
    async with running_edge(tmp_path) as edge:
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with socket.socket(socket.AF_INET, kind) as taken:
                taken.bind(("127.0.0.1", 0))
                if kind is socket.SOCK_STREAM:
                    taken.listen()
                port = taken.getsockname()[1]
                config = replace(edge.config, sip_port=port, ready_file=tmp_path / "other.json")
                code, log = await start_and_end(config, tmp_path / kind.name)
            assert code == 3
            assert log.count("\n") == 1
            assert f"127.0.0.1:{port}" in log
            assert "in use" in log


async def test_a_file_that_cannot_be_opened_is_told_in_one_line(tmp_path: Path) -> None:
    """An edge.db that is a folder: exit code 3 and one line."""
    async with running_edge(tmp_path) as edge:
        config = replace(edge.config, sip_port=0, edge_db=tmp_path, ready_file=tmp_path / "other.json")
        code, log = await start_and_end(config, tmp_path / "broken")
    assert code == 3
    assert log.count("\n") == 1


async def test_the_engine_gets_what_happened_while_it_was_away(tmp_path: Path) -> None:
    """Registrations go on without the engine and are told in order when it is back."""
    async with running_edge(tmp_path) as edge:
        await until(lambda: edge.engine.hellos, "the first hello")
        await edge.engine.close()
        phone = await edge.agent("maria")
        assert (await phone.register("secret-m")).code == 200
        await edge.engine.start()
        await until(lambda: len(edge.engine.hellos) == 2, "the second hello")
        assert edge.engine.hellos[1].body == {"users": ["maria"]}
        await until(lambda: edge.engine.told, "what happened meanwhile")
        assert isinstance(edge.engine.told[0], PhoneRegistered)
