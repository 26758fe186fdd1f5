"""What a center's start stands on, as far as the supervisor keeps it: so nothing here imports what reads files."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cti_engine.definitions.settings import Settings
from cti_engine.runtime.places import Places
from cti_engine.runtime.ports_in_use import Wanted, taken
from speech.recognition.installed import Choice


class CannotStart(Exception):
    """The center cannot be started; each line says what to do. Exit code 3."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """`new_passwords`: (user, password) of accounts that were made now, to be shown once. `call_me_key` is empty while
    that is off.

    Of the admin's files: `dialled_numbers`, and with emergency numbers `all_numbers`; `maximum_length` of a call
    (seconds); who understands each language that is spoken in flows; what callers hear when the engine stays away
    (WAV files).
    """

    places: Places
    secret: bytes
    broker_passwords: dict[str, str]
    new_passwords: list[tuple[str, str]]
    call_me_key: str
    dialled_numbers: tuple[str, ...]
    all_numbers: frozenset[str]
    maximum_length: float
    recognisers: tuple[Choice, ...]
    apology: tuple[str, ...]


def check_ports(settings: Settings) -> None:
    """Raises CannotStart with one line per port that is taken."""
    host, ports = settings.network.bind, settings.ports
    wanted = [
        Wanted("CTI_SIP_PORT", "udp", host, ports.sip),
        Wanted("CTI_SIP_PORT", "tcp", host, ports.sip),
        Wanted("CTI_CONSOLE_PORT", "tcp", host, ports.console),
    ]
    if settings.broker_url.startswith("embedded"):
        wanted.append(Wanted("CTI_BROKER_PORT", "tcp", "127.0.0.1", ports.broker))
    lines = taken(wanted)
    if lines:
        raise CannotStart("\n".join(lines))


@contextmanager
def only_one(var: Path) -> Iterator[None]:
    """Holds CTI_VAR for this center. Raises CannotStart when another one runs there."""
    var.mkdir(parents=True, exist_ok=True)
    with (var / "lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(f"a center runs already in {var}: stop it, or set CTI_VAR") from None
        yield
