"""What the edge is told at start: plain frozen data that can be pickled to a child process."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TrunkAccount:
    """Our account at a carrier, renewed every `expires` seconds. `registrar`: see `names.resolve`."""

    user: str
    password: str = field(repr=False)
    registrar: str
    expires: float


@dataclass(frozen=True, slots=True)
class Trunk:
    """A carrier. Its calls are known by address (`networks`, CIDR or single), by `account` (a digest user), or because
    we `register` there.

    `destination` is where calls that a worker dials through it go: see `names.resolve`.
    """

    name: str
    networks: tuple[str, ...] = ()
    account: str = ""
    destination: str = ""
    register: TrunkAccount | None = None


@dataclass(frozen=True, slots=True)
class Guests:
    """Callers without an account: only from `networks`, at most `rate` calls a second per address."""

    enabled: bool = False
    networks: tuple[str, ...] = ()
    rate: float = 2.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Rates are per second, times in seconds.

    Above `refusals_per_source` an address gets no answer at all to what is refused; above `answers_per_source`
    none to challenges and OPTIONS (a whole office may stand behind one address). A new INVITE that the edge does
    not come to within `patience` gets 503. After a failed log-in at a carrier the next try comes `login_pause`
    later, twice that after each further one.
    """

    refusals_per_source: float = 5.0
    answers_per_source: float = 500.0
    worker_rate: float = 20.0
    patience: float = 1.0
    hold: float = 3.0
    worker_answer: float = 0.5
    worker_report: float = 5.0
    retry_after: int = 5
    nonce_life: float = 300.0
    min_expires: int = 10
    max_expires: int = 3600
    max_contacts: int = 8
    max_waiting: int = 1000
    max_connections: int = 4000
    login_pause: float = 30.0
    login_longest_pause: float = 600.0


@dataclass(frozen=True, slots=True)
class EdgeConfig:
    """`sip_port` 0 takes any port that is free for both UDP and TCP.

    `digest` is the algorithm that unknown users are challenged with (each account has its own); `secret` is
    shared with workers and engine (`wire/tokens`); `engine_address` and `placement_address` are link addresses.
    `dialled_numbers` None lets callers dial anything; `domains` are further host names that mean this edge.
    """

    bind: str
    advertise: str
    sip_port: int
    realm: str
    secret: bytes = field(repr=False)
    edge_db: Path
    accounts_db: Path
    engine_address: str
    placement_address: str
    ready_file: Path
    digest: str = "md5"
    domains: tuple[str, ...] = ()
    trunks: tuple[Trunk, ...] = ()
    guests: Guests = Guests()
    limits: Limits = Limits()
    dialled_numbers: frozenset[str] | None = None
    peer: str = ""
