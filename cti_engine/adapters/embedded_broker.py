"""The broker that comes along: Mosquitto where it is installed, else amqtt; no guests, each user its topics only.

What is retained need not survive: the engine publishes all of it again on every connect.
"""

from __future__ import annotations

import asyncio
import base64
import ctypes
import hashlib
import json
import logging
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cti_engine.wire import envelope
from cti_engine.wire.private_files import write_private

HOST = "127.0.0.1"
_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"  # where Debian keeps mosquitto, and where PATH may not look
_PR_SET_PDEATHSIG = 1
_HASH_ROUNDS = 1000  # the passwords are random, so no dictionary would help anyway

_log = logging.getLogger("cti.broker")


@dataclass(frozen=True, slots=True)
class BrokerConfig:
    """`passwords` by user: `engine`, `console`, and `public` (queue states only) where that is wanted.

    `port` 0 is any free one; the ready file holds `broker_port`. `kind`: `mosquitto`, `amqtt`, or empty for the
    best there is.
    """

    port: int
    folder: Path
    passwords: Mapping[str, str] = field(repr=False)
    ready_file: Path
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Access:
    """Topic filters that a user may subscribe to, and publish to."""

    read: tuple[str, ...]
    write: tuple[str, ...]


ACCESS = {
    "engine": Access((f"{envelope.ROOT}/#",), (f"{envelope.ROOT}/#",)),
    "console": Access(
        (envelope.EVENT_TOPICS, envelope.STATE_TOPICS, envelope.reply_topic("+")),
        (envelope.REQUEST_TOPICS, envelope.state_topic("console", "+")),
    ),
    "public": Access((envelope.state_topic("queue", "+"),), ()),
}


def serve(config: BrokerConfig) -> None:
    """Run the broker until SIGTERM. Raises SystemExit(3) with a logged line when it cannot start."""
    unknown = config.passwords.keys() - ACCESS.keys()
    if unknown:
        raise ValueError(f"no access is defined for the broker's user {', '.join(sorted(unknown))}")
    config.folder.mkdir(parents=True, exist_ok=True)
    config.folder.chmod(0o700)
    port = config.port or _free_port()
    mosquitto = shutil.which("mosquitto") or shutil.which("mosquitto", path=_SBIN)
    if config.kind == "mosquitto" or (not config.kind and mosquitto):
        if mosquitto is None:
            _log.error("mosquitto is not installed: apt-get install mosquitto")
            raise SystemExit(3)
        _run_mosquitto(mosquitto, config, port)
    else:
        asyncio.run(_run_amqtt(config, port))


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _ready(config: BrokerConfig, port: int, kind: str, pid: int) -> None:
    said = {"broker_port": port, "broker": kind, "pid": pid}
    write_private(config.ready_file, json.dumps(said).encode())


# --- Mosquitto ---------------------------------------------------------------------------------


def _run_mosquitto(program: str, config: BrokerConfig, port: int) -> None:
    folder = config.folder
    lines = [f"{user}:{_mosquitto_hash(password)}" for user, password in config.passwords.items()]
    write_private(folder / "passwords", "\n".join([*lines, ""]).encode())
    write_private(folder / "access", _mosquitto_access(config.passwords).encode())
    write_private(folder / "mosquitto.conf", _mosquitto_settings(folder, port).encode())
    process = subprocess.Popen(
        [program, "-c", str(folder / "mosquitto.conf")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        preexec_fn=_die_with_parent,
        text=True,
        errors="replace",
    )
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True
        process.terminate()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    assert process.stderr is not None
    for line in process.stderr:
        text = re.sub(r"^\d+: ", "", line.strip())
        if re.fullmatch(r"mosquitto version \S+ running", text):
            _ready(config, port, "mosquitto", process.pid)
        level = logging.ERROR if text.startswith("Error") else logging.INFO
        _log.log(level, "mosquitto on port %d: %s", port, text)
    code = process.wait()
    if not stopping:
        _log.error("mosquitto on port %d ended with code %d", port, code)
        raise SystemExit(3)


def _die_with_parent() -> None:
    """In the child: when our process is killed, the broker must not keep the port (prctl(2))."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _mosquitto_hash(password: str) -> str:
    """Mosquitto's `$7$` form: PBKDF2 with SHA-512, rounds, salt and hash in base64."""
    salt = secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _HASH_ROUNDS, 64)
    return f"$7${_HASH_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def _mosquitto_access(users: Mapping[str, str]) -> str:
    lines = []
    for user in users:
        lines.append(f"user {user}")
        lines += [f"topic read {topic}" for topic in ACCESS[user].read]
        lines += [f"topic write {topic}" for topic in ACCESS[user].write]
    return "\n".join([*lines, ""])


def _mosquitto_settings(folder: Path, port: int) -> str:
    """As root, Mosquitto would change to a user who may not look into CTI_VAR: it stays what it is."""
    user = "user root\n" if os.geteuid() == 0 else ""
    return f"""{user}listener {port} {HOST}
allow_anonymous false
password_file {folder / "passwords"}
acl_file {folder / "access"}
persistence true
autosave_interval 60
persistence_location {folder}/
log_dest stderr
log_type error
log_type warning
log_type information
connection_messages false
set_tcp_nodelay true
max_inflight_messages 500
max_queued_messages 100000
max_packet_size {envelope.MAX_PAYLOAD + 1024}
sys_interval 0
"""


# --- amqtt -------------------------------------------------------------------------------------


async def _run_amqtt(config: BrokerConfig, port: int) -> None:
    import argon2
    from amqtt.broker import Broker  # 0.4 s and 20 MB that a center with Mosquitto need not spend
    from amqtt.errors import BrokerError

    for noisy in ("amqtt", "transitions"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)  # it logs tracebacks for a port in use
    hasher = argon2.PasswordHasher(time_cost=1, memory_cost=8 * 1024)
    lines = [f"{user}:{hasher.hash(password)}" for user, password in config.passwords.items()]
    write_private(config.folder / "passwords", "\n".join([*lines, ""]).encode())
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    broker = Broker(_amqtt_settings(config, port))
    try:
        await broker.start()
    except (BrokerError, OSError) as error:
        _log.error("amqtt on port %d: %s", port, error)
        raise SystemExit(3) from error
    _ready(config, port, "amqtt", os.getpid())
    _log.info("amqtt on port %d is running", port)
    await stop.wait()
    await broker.shutdown()


def _amqtt_settings(config: BrokerConfig, port: int) -> dict[str, Any]:
    users = config.passwords
    return {
        "listeners": {"default": {"type": "tcp", "bind": f"{HOST}:{port}"}},
        "plugins": {
            "amqtt.plugins.authentication.FileAuthPlugin": {
                "password_file": str(config.folder / "passwords")
            },
            "amqtt.plugins.topic_checking.TopicAccessControlListPlugin": {
                "acl": {user: list(ACCESS[user].read) for user in users},
                "publish_acl": {user: list(ACCESS[user].write) for user in users},
            },
        },
    }
