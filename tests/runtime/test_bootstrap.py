"""What is made before a center starts, and again when its agents change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cti_engine.adapters.account_store import AccountStore
from cti_engine.runtime.agent_accounts import agents_have_accounts
from tests.runtime.center import definitions


def test_accounts_follow_the_agents_of_the_files(tmp_path: Path) -> None:
    """A new agent gets an account, one taken out is refused, and is allowed again when back; passwords stay."""
    accounts = AccountStore(tmp_path / "accounts.db", "cti")
    both = definitions()
    made = agents_have_accounts(accounts, both)
    assert [user for user, _ in made] == ["maria", "john"]
    only_maria = replace(both, agents={"maria": both.agents["maria"]})
    assert agents_have_accounts(accounts, only_maria) == []
    assert {a.user: a.disabled for a in accounts.all()} == {"john": True, "maria": False}
    before = {a.user: a.ha1 for a in accounts.all()}
    assert agents_have_accounts(accounts, both) == []
    assert {a.user: a.disabled for a in accounts.all()} == {"john": False, "maria": False}
    assert {a.user: a.ha1 for a in accounts.all()} == before
    accounts.close()
