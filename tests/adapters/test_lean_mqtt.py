"""The socket under paho: all that comes, in order, and nothing held back on the way out."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from cti_engine.adapters.lean_mqtt import READ, ReadAhead

Ends = tuple[ReadAhead, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    """Both ends of a connection; ours does not wait."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
        with ours, theirs:
            ours.setblocking(False)
            yield ReadAhead(ours), theirs


def test_everything_in_order(ends: Ends) -> None:
    """However it is asked for, what was sent comes whole; `pending` says what can be had without the kernel, and
    nothing is there when nothing was sent.
    """
    ours, theirs = ends
    with pytest.raises(BlockingIOError):
        ours.recv(1)
    sent = bytes(range(256)) * (3 * READ // 256)
    theirs.sendall(sent)
    theirs.shutdown(socket.SHUT_WR)
    got, size, had = b"", 1, 0
    while len(got) < len(sent):
        size = size % 97 + 1
        try:
            got += ours.recv(size)
        except BlockingIOError:
            continue  # not here yet
        had = max(had, ours.pending())
    assert got == sent
    assert 0 < had < READ
    assert ours.pending() == 0
    assert ours.recv(1) == b""  # they have closed


def test_nothing_waits_to_be_sent(ends: Ends) -> None:
    """Nagle's algorithm is off: with it each message would wait for the acknowledgement of the one before, 40 ms."""
    ours, _ = ends
    assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
