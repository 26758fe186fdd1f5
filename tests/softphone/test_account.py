"""Where the softphone registers, and what it says when it is not told enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from cti_engine.commands.softphone import account
from cti_engine.runtime.running_center import CannotJoin


def test_another_center_takes_its_password_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A password never stands on the command line."""
    monkeypatch.setenv("CTI_PHONE_PASSWORD", "secret")
    found = account(Path("run.json"), "maria", "pbx.example:5070")
    assert (found.host, found.port, found.user, found.password) == ("pbx.example", 5070, "maria", "secret")


@pytest.mark.parametrize(
    ("server", "says"), [("pbx:sip", "HOST:PORT"), (":5060", "HOST:PORT"), ("pbx", "PASSWORD")]
)
def test_what_is_missing_is_said(server: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bad address, or no password where nobody can type one, is a sentence and no traceback."""
    monkeypatch.delenv("CTI_PHONE_PASSWORD", raising=False)
    with pytest.raises(CannotJoin, match=says):
        account(Path("run.json"), "maria", server)
