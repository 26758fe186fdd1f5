"""`cti-engine accounts`: who may register and log in; new passwords on request, shown once and kept in accounts.txt."""

from __future__ import annotations

import json

from rich.console import Console
from rich.table import Table

from cti_engine.adapters.account_store import AccountProblem, AccountStore
from cti_engine.definitions.settings import Settings
from cti_engine.runtime.places import Places


def show(settings: Settings, console: Console, *, as_json: bool) -> int:
    """All accounts without secrets."""
    try:
        store = AccountStore(
            Places(settings.var).accounts_db, settings.sip.realm, settings.sip.digest, read_only=True
        )
    except AccountProblem as error:
        console.print(str(error), markup=False)
        return 3
    accounts = store.all()
    store.close()
    if as_json:
        rows = [
            {"user": a.user, "role": a.role, "display": a.display, "disabled": a.disabled} for a in accounts
        ]
        print(json.dumps(rows, ensure_ascii=False))
        return 0
    table = Table(header_style="bold")
    for column in ("user", "role", "name", "digest", ""):
        table.add_column(column)
    for account in accounts:
        state = "disabled" if account.disabled else ""
        table.add_row(account.user, account.role, account.display, account.algorithm, state)
    console.print(table)
    return 0


def rotate(settings: Settings, console: Console, users: list[str]) -> int:
    """New passwords for `users`, or for all when it is empty; phones and pages must log in again."""
    try:
        store = AccountStore(Places(settings.var).accounts_db, settings.sip.realm, settings.sip.digest)
        made = store.rotate(users or None)
    except AccountProblem as error:
        console.print(str(error), markup=False)
        return 3
    for user, password in made:
        console.print(f"{user}  {password}", markup=False, highlight=False)
    console.print(f"{store.accounts_file} holds them too.", markup=False)
    store.close()
    return 0
