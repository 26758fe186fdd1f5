"""What a console process is told at its start: addresses, files and the rules of a session."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class CallMeDoor:
    """Who may ask for a callback over HTTP: with `key`, from a server or from pages of these `origins`.

    Rates are (times, seconds); ids are signed with `signing_key`.
    """

    key: str = field(repr=False)
    signing_key: bytes = field(repr=False)
    origins: tuple[str, ...] = ()
    per_number: tuple[int, float] = (3, 3600.0)
    per_address: tuple[int, float] = (10, 60.0)


@dataclass(frozen=True, slots=True)
class ConsoleConfig:
    """`port` 0 takes any free one. `home` holds the files in force, read for the labels of reasons and dispositions.

    `store_url` is `sqlite:PATH` or `redis://...`, `broker_url` is `mqtt://host:port` or `mqtts://...`.
    `customers_url` is `sqlite:PATH` or `postgresql://...`; empty: nobody's contacts are noted.
    `public_origin` (`https://desk.example.org`) is what browsers show; empty: whatever host they asked for.
    `session_idle`: seconds without a human at the page; `session_longest`: seconds after the log-in. A contact in
    progress never ends a session. `utc_offset`: seconds that the center's day is ahead of UTC; `time_zone`: its
    name, empty for the machine's.
    `call_me` None: nobody asks for callbacks here. `recordings`: where messages lie that agents hear; None: nowhere.
    `gateway`: the socket of the gateway of browser phones; empty: agents have desk phones only.
    `sessions_db` is written by this process only, so that a restart of the console logs nobody out.
    """

    accounts_db: Path
    sessions_db: Path
    home: Path
    store_url: str
    broker_url: str
    broker_user: str = ""
    broker_password: str = field(default="", repr=False)
    customers_url: str = field(default="", repr=False)
    customers_cache: str = field(default="", repr=False)
    recordings: Path | None = None
    gateway: str = ""
    bind: str = "127.0.0.1"
    port: int = 8080
    ready_file: Path | None = None
    public_origin: str = ""
    cookie_secure: bool = False
    session_idle: float = 3600.0
    session_longest: float = 12 * 3600.0
    utc_offset: float = 0.0
    time_zone: str = ""
    call_me: CallMeDoor | None = None
