"""The address that phones on the local network reach us at."""

from __future__ import annotations

import socket


def default_route_address() -> str:
    """The local address of the default route; no packet is sent. Raises SystemExit when there is no route."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # RFC 5737: never anybody's
        except OSError as error:
            raise SystemExit(
                f"LAN=1: this machine has no route ({error.strerror}); set network.bind"
            ) from error
        return str(probe.getsockname()[0])
