"""What the engine leans on: the store, the broker, and what the admin wrote."""

from __future__ import annotations

import os
import shutil
import socket
import struct
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from cti_engine.definitions.problems import ERROR, Problem
from cti_engine.ports import StoreTaken, StoreUnavailable
from cti_engine.runtime.checks.check import Check, fault, ok, warn
from cti_engine.runtime.databases import ENGINE_DB
from cti_engine.runtime.stores import open_store

_BROKER_WITHIN_S = 3.0
_NOT_AUTHORISED = (4, 5)  # MQTT 3.1.1 table 3.1: a broker all the same


def check_store(url: str, var: Path) -> Check:
    """Opens it for reading, so that a running engine is not disturbed and nothing is made."""
    shown = _without_password(url)
    if url.startswith("sqlite:"):
        rest = url.removeprefix("sqlite:").removeprefix("//")
        path = Path(rest) if rest else var / ENGINE_DB
        there = next(place for place in (path, *path.parents) if place.exists())
        if not os.access(there, os.W_OK):
            return fault(
                "store", f"{there} cannot be written by user {os.geteuid()}", f"chown or chmod {there}"
            )
        if not path.exists():
            return ok("store", f"{path} will be made at the first start")
        shown = str(path)
    try:
        store = open_store(url, read_only=True, folder=var)
        try:
            last = store.load().last_seq
        finally:
            store.close()
    except (StoreUnavailable, StoreTaken) as error:
        return fault("store", str(error), "as it says; then cti-engine doctor again")
    return ok("store", f"{shown}, {last} events")


def check_trunk_login(name: str, registrar: str, standing: dict[str, str] | None) -> Check:
    """`standing`: what the running edge says of this trunk; None when none runs."""
    what = f"trunk {name}"
    match standing:
        case None:
            return ok(what, f"will log in at {registrar}")
        case {"state": "registered" | "logged_out", "text": text}:
            return ok(what, text)
        case {"state": "failing", "text": text}:
            return fault(
                what, text, "see register: of this trunk in config/sip.yaml; the edge goes on trying"
            )
        case _:
            return warn(what, f"is logging in at {registrar}", "ask again in a moment")


def check_broker(url: str, running_port: int = 0) -> Check:
    """`running_port` is the embedded broker's of a running center, 0 when none runs."""
    if url.startswith("embedded"):
        if running_port:
            return _connect("127.0.0.1", running_port, "embedded")
        if shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"):
            return ok("broker", "mosquitto is installed and starts with the center")
        if find_spec("amqtt") is not None:
            return warn(
                "broker",
                "mosquitto is not installed; amqtt, which is slower, takes its place",
                "apt-get install mosquitto",
            )
        return fault("broker", "neither mosquitto nor amqtt is installed", "apt-get install mosquitto")
    address = urlsplit(url)
    port = address.port or (8883 if address.scheme == "mqtts" else 1883)
    return _connect(
        address.hostname or "127.0.0.1", port, _without_password(url), tls=address.scheme == "mqtts"
    )


def _connect(host: str, port: int, shown: str, *, tls: bool = False) -> Check:
    """A CONNECT without a name (MQTT 3.1.1 section 3.1); whatever code comes back, a broker gave it."""
    found = f"{shown} at {host}:{port}"
    advice = f"start it there, or correct CTI_BROKER_URL; without it {host}:{port} leaves pages without news"
    try:
        with socket.create_connection((host, port), _BROKER_WITHIN_S) as link:
            if tls:
                return ok("broker", f"{found} takes connections")
            variable = b"\x00\x04MQTT\x04\x02\x00\x0a" + struct.pack("!H", 10) + b"cti-doctor"
            link.sendall(b"\x10" + bytes([len(variable)]) + variable)
            reply = link.recv(4)
    except OSError as error:
        return fault("broker", f"{found} does not answer: {error}", advice)
    if len(reply) == 4 and reply[0] == 0x20 and reply[3] in (0, *_NOT_AUTHORISED):
        return ok("broker", f"{found} answers")
    # A broker that wants a name may also just close (section 3.1.4); then only the connection is proved.
    if not reply:
        return ok("broker", f"{found} takes connections")
    return fault("broker", f"{found} is no MQTT 3.1.1 broker (it said {reply.hex()})", advice)


def _without_password(url: str) -> str:
    address = urlsplit(url)
    if address.password is None:
        return url
    return url.replace(f":{address.password}@", ":...@", 1)


def check_definitions(problems: Sequence[Problem], counts: str) -> Check:
    """`counts` says what was loaded when there is no error."""
    if not problems:
        return ok("definitions", counts)
    errors = [problem for problem in problems if problem.severity == ERROR]
    first = (errors or list(problems))[0]
    more = f" and {len(problems) - 1} more" if len(problems) > 1 else ""
    judge = fault if errors else warn
    return judge("definitions", f"{first}{more}", "cti-engine check shows them all")
