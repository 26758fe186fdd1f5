"""accounts.db: passwords made once, told once, kept only as hashes."""

from __future__ import annotations

import hashlib
import math
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from cti_engine.adapters.account_store import Account, AccountProblem, AccountStore, ha1, read_accounts_file
from cti_engine.wire import private_files

WORLD = [
    Account("maria", "agent", "María Gómez"),
    Account("sofia", "supervisor", permissions=("monitor", "reports")),
    Account("guest1", "caller"),
]


def told(store: AccountStore) -> dict[str, str]:
    return {account.user: account.password for account in read_accounts_file(store.accounts_file)}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AccountStore]:
    """A new file; its hashes are of the least cost, because what one costs is written in it."""
    opened = AccountStore(tmp_path / "accounts.db", "cti")
    opened._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    yield opened
    opened.close()


def test_ensure_makes_each_account_once(store: AccountStore) -> None:
    """The first call makes and returns all passwords; a second one makes none and changes no password."""
    made = dict(store.ensure(WORLD))
    before = store.get("maria")
    assert set(made) == {"maria", "sofia", "guest1"}
    assert store.ensure([*WORLD, Account("john", "agent")])[0][0] == "john"
    assert store.ensure(WORLD) == []
    assert store.get("maria") == before


def test_ha1_is_that_of_the_rfc(tmp_path: Path) -> None:
    """HA1 is the digest of user:realm:password in the account's algorithm (RFC 7616 3.9.1)."""
    assert ha1("Mufasa", "http-auth@example.org", "Circle of Life") == "3d78807defe7de2157e2b0b6573a855f"
    store = AccountStore(tmp_path / "accounts.db", "cti", "sha-256")
    [(user, password)] = store.ensure([Account("maria", "agent")])
    kept = store.get(user)
    assert kept is not None and kept.algorithm == "sha-256"
    assert kept.ha1 == hashlib.sha256(f"maria:cti:{password}".encode()).hexdigest()
    store.close()


def test_accounts_file_is_private_and_complete(store: AccountStore) -> None:
    """accounts.txt (0600) tells every password, also of accounts added later; the database tells none."""
    made = dict(store.ensure(WORLD)) | dict(store.ensure([Account("john", "agent")]))
    assert told(store) == made
    for path in (store.accounts_file, store.path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept = b"".join(p.read_bytes() for p in store.path.parent.glob("accounts.db*"))
    assert not [user for user, password in made.items() if password.encode() in kept]


def test_passwords_are_strong_and_readable() -> None:
    """A password has at least 80 bits, no two are alike, and no letter can be mistaken for another."""
    alphabet = private_files._READABLE
    assert len(set(alphabet)) == len(alphabet)
    assert private_files._GROUPS * private_files._LETTERS * math.log2(len(alphabet)) >= 80
    many = {private_files.readable_password() for _ in range(200)}
    assert len(many) == 200
    assert not set("".join(many)) & set("ilo01")


def opens_pages(store: AccountStore, user: str, password: str) -> bool:
    """Whether the console, which reads the file by itself, would find this password right."""
    with closing(sqlite3.connect(store.path)) as db:
        [kept] = db.execute("SELECT password_hash FROM accounts WHERE user=?", (user,)).fetchone()
    try:
        return bool(kept) and PasswordHasher().verify(kept, password)
    except VerifyMismatchError:
        return False


def test_password_hashes_serve_the_console(store: AccountStore) -> None:
    """Agents and supervisors have an argon2 hash of their own password; callers, who have no page, have none."""
    made = dict(store.ensure(WORLD))
    assert opens_pages(store, "sofia", made["sofia"])
    assert not opens_pages(store, "sofia", made["maria"])
    assert not opens_pages(store, "guest1", made["guest1"])


def test_disabling_is_kept(store: AccountStore) -> None:
    """A disabled account stays so, also when its declaration is read again, until it is allowed again."""
    store.ensure(WORLD)
    store.disable("sofia")
    store.ensure(WORLD)
    assert [account.user for account in store.all() if account.disabled] == ["sofia"]
    store.disable("sofia", False)
    assert not [account for account in store.all() if account.disabled]
    with pytest.raises(AccountProblem, match="there is no account 'nobody'"):
        store.disable("nobody")


def test_rotate_replaces_passwords(store: AccountStore) -> None:
    """A rotated account has a new password everywhere, others keep theirs; an unknown one changes nothing."""
    made = dict(store.ensure(WORLD))
    [(user, fresh)] = store.rotate(["maria"])
    assert user == "maria" and fresh != made["maria"]
    assert opens_pages(store, "maria", fresh) and not opens_pages(store, "maria", made["maria"])
    assert opens_pages(store, "sofia", made["sofia"])
    assert told(store) == made | {"maria": fresh}
    before = store.all()
    with pytest.raises(AccountProblem, match="there is no account 'nobody'"):
        store.rotate(["sofia", "nobody"])
    assert store.all() == before
    assert {user for user, _ in store.rotate()} == set(made)


def test_nothing_is_kept_when_it_cannot_be_told(store: AccountStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """If accounts.txt cannot be written, no account with an unknown password is left behind."""

    def disk_full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cti_engine.adapters.account_store.write_private", disk_full)
    with pytest.raises(OSError, match="No space left"):
        store.ensure(WORLD)
    assert store.all() == []


@pytest.mark.parametrize(
    ("account", "says"),
    [
        (Account("ma ria", "agent"), "cannot be a SIP user"),
        (Account("", "agent"), "cannot be a SIP user"),
        (Account("maria", "boss"), "use one of agent"),
    ],
)
def test_bad_accounts_are_refused_clearly(store: AccountStore, account: Account, says: str) -> None:
    """A name that cannot stand in a SIP URI and an unknown role are refused, and nothing is kept."""
    with pytest.raises(AccountProblem, match=says):
        store.ensure([Account("good", "agent"), account])
    assert store.all() == []


def test_realm_is_fixed(store: AccountStore, tmp_path: Path) -> None:
    """A changed realm would break every HA1: it is refused with what to do; so is an unknown digest."""
    with pytest.raises(AccountProblem, match="made for the realm 'cti'"):
        AccountStore(tmp_path / "accounts.db", "other")
    with pytest.raises(AccountProblem, match="digest 'sha-1' is not known"):
        AccountStore(tmp_path / "x.db", "cti", "sha-1")


def test_reader_sees_the_writers_accounts(store: AccountStore, tmp_path: Path) -> None:
    """The edge opens the file read-only, sees accounts made later, and cannot change any."""
    with pytest.raises(AccountProblem, match="start the engine first"):
        AccountStore(tmp_path / "none.db", "cti", read_only=True)
    reader = AccountStore(store.path, "cti", read_only=True)
    store.ensure(WORLD)
    assert [account.user for account in reader.all()] == ["maria", "sofia", "guest1"]
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.disable("maria")
    reader.close()


def test_threads_share_a_store(store: AccountStore) -> None:
    """Eight threads that ensure the same accounts make each of them exactly once."""
    made: list[tuple[str, str]] = []
    threads = [threading.Thread(target=lambda: made.extend(store.ensure(WORLD))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(user for user, _ in made) == ["guest1", "maria", "sofia"]
