"""Which of the ports that we are about to take is taken already, and by whom, so that it can be told in one line."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wanted:
    """`setting` names what to change; `kind` is `udp` or `tcp`."""

    setting: str
    kind: str
    host: str
    port: int


def taken(wanted: Iterable[Wanted]) -> list[str]:
    """One line for each port that cannot be bound, with what to do. Port 0 is always free."""
    lines = []
    for one in wanted:
        if one.port == 0:
            continue
        kind = socket.SOCK_DGRAM if one.kind == "udp" else socket.SOCK_STREAM
        with socket.socket(socket.AF_INET, kind) as probe:
            if one.kind == "tcp":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((one.host, one.port))
            except OSError as error:
                lines.append(
                    f"{one.kind.upper()} {one.host}:{one.port} cannot be taken ({error.strerror}): "
                    f"stop what uses it, or set {one.setting}"
                )
    return lines
