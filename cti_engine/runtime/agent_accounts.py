"""Every agent of the admin's files has an account, and nobody else's is an agent's."""

from __future__ import annotations

from cti_engine.adapters.account_store import Account, AccountStore
from cti_engine.core.definitions import CenterDefinitions


def agents_have_accounts(accounts: AccountStore, definitions: CenterDefinitions) -> list[tuple[str, str]]:
    """Every agent of the files can log in and register, who was taken out of them cannot; the new passwords."""
    made = accounts.ensure(Account(a.id, "agent", a.name) for a in definitions.agents.values())
    for account in accounts.all():
        gone = account.user not in definitions.agents
        if account.role == "agent" and account.disabled != gone:
            accounts.disable(account.user, gone)
    return made
