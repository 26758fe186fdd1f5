"""What a center needs before it starts: free ports, secrets, accounts, customers and prompts, each made once."""

from __future__ import annotations

import fcntl
import multiprocessing
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from cti_engine.adapters.account_store import Account, AccountStore
from cti_engine.adapters.secret_files import ensure_password, ensure_secret
from cti_engine.core.commands import Prompt
from cti_engine.core.definitions import CenterDefinitions
from cti_engine.definitions.settings import Settings
from cti_engine.runtime.places import Places
from cti_engine.runtime.ports_in_use import Wanted, taken
from cti_engine.runtime.prompt_files import prompt_cache
from speech.prompt_cache import BuildReport

BROKER_USERS = ("engine", "console")
STAFF = (Account("supervisor", "supervisor", "Supervisor"), Account("admin", "admin", "Administrator"))
CALLER = Account("caller", "caller", "Test caller")


class CannotStart(Exception):
    """The center cannot be started; each line says what to do. Exit code 3."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """`new_passwords`: (user, password) of accounts that were made now, to be shown once. `call_me_key` is empty while
    that is off.
    """

    places: Places
    secret: bytes
    broker_passwords: dict[str, str]
    new_passwords: list[tuple[str, str]]
    customers: int
    prompts: BuildReport
    call_me_key: str


def utc_offset(time_zone: str) -> float:
    """Seconds that the center's day is ahead of UTC now; empty: the machine's own zone."""
    moment = datetime.fromtimestamp(time.time(), UTC)
    local = moment.astimezone(ZoneInfo(time_zone) if time_zone else None)
    offset = local.utcoffset()
    return offset.total_seconds() if offset is not None else 0.0


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


def prepare(
    settings: Settings,
    definitions: CenterDefinitions,
    prompts: list[Prompt],
    progress: Callable[[int, int], None] | None = None,
) -> Prepared:
    """Make what is missing below CTI_VAR; what is there stays. Seconds at the first run, then quick."""
    places = Places(settings.var)
    places.make()
    accounts = AccountStore(places.accounts_db, settings.sip.realm, settings.sip.digest)
    trunks = [Account(t.account, "trunk", t.name) for t in settings.sip.trunks if t.account]
    new = accounts.ensure([*STAFF, CALLER, *trunks]) + agents_have_accounts(accounts, definitions)
    accounts.close()
    return Prepared(
        places,
        ensure_secret(places.link_key),
        {user: ensure_password(places.broker_password(user)) for user in BROKER_USERS},
        new,
        _first_customers(settings.home / "config" / "customers.csv", places),
        prompt_cache(settings, definitions).build(prompts, progress),
        ensure_password(places.call_me_key) if settings.call_me is not None else "",
    )


def agents_have_accounts(accounts: AccountStore, definitions: CenterDefinitions) -> list[tuple[str, str]]:
    """Every agent of the files can log in and register, who was taken out of them cannot; the new passwords."""
    made = accounts.ensure(Account(a.id, "agent", a.name) for a in definitions.agents.values())
    for account in accounts.all():
        gone = account.user not in definitions.agents
        if account.role == "agent" and account.disabled != gone:
            accounts.disable(account.user, gone)
    return made


def _first_customers(csv: Path, places: Places) -> int:
    """The shipped customers at the first start only: from then on customers.db is the console's.

    In a process of its own, because what is known of the world's numbers takes 95 MB that we would keep.
    """
    if places.customers_db.exists() or not csv.exists():
        return 0
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as child:
        return child.submit(_import_customers, csv, places.customers_db).result()


def _import_customers(csv: Path, database: Path) -> int:
    from cti_engine.adapters.customer_store import CustomerStore

    store = CustomerStore(database)
    try:
        return store.import_csv(csv, time.time()).taken
    finally:
        store.close()
