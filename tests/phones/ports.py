"""Free ports on 127.0.0.1, drawn where neither the kernel nor a running center takes any."""

from __future__ import annotations

import os
import random
import socket
from contextlib import ExitStack, closing
from pathlib import Path

HOST = "127.0.0.1"
# Beside the product's defaults (5060, 8080, 9464, RTP 20000-29999) and Linux's ephemeral ports (32768 on),
# so that tests run while `make run` is up.
# Each of pytest-xdist's processes has a part of them for itself.
_PART = 10_000 // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
_LOWEST = 10_000 + _PART * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_HIGHEST = _LOWEST + _PART - 1
_LISTEN = "0A"
_next = random.Random().randrange(_LOWEST, _HIGHEST, 2)


def _bindable(port: int, kinds: tuple[socket.SocketKind, ...]) -> bool:
    with ExitStack() as sockets:
        try:
            for kind in kinds:
                sockets.enter_context(closing(socket.socket(socket.AF_INET, kind))).bind((HOST, port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> int:
    """The first of `count` neighbouring ports from an even one on, free for UDP and TCP at this moment.

    Never the same twice in a run, because who asked has not bound them yet; other runs start elsewhere.
    """
    global _next
    both = (socket.SOCK_DGRAM, socket.SOCK_STREAM)
    for _ in range(1000):
        first = _next if _next + count <= _HIGHEST else _LOWEST
        _next = first + count + count % 2
        if all(_bindable(port, both) for port in range(first, first + count)):
            return first
    raise AssertionError(f"no {count} free ports between {_LOWEST} and {_HIGHEST}")


def free_port() -> int:
    """One port, free for UDP and TCP at this moment."""
    return free_ports(1)


def bound(port: int) -> bool:
    """Whether somebody has bound this port, for UDP or to listen by TCP (proc(5), net/udp and net/tcp)."""
    wanted = f"{port:04X}"
    for protocol in ("udp", "tcp"):
        for line in Path(f"/proc/net/{protocol}").read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            if local.endswith(f":{wanted}") and (protocol == "udp" or state == _LISTEN):
                return True
    return False
