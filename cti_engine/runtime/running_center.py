"""The center that runs on this machine, as a phone or a robot finds it: by its run.json and accounts.txt."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from cti_engine.adapters.account_store import read_accounts_file


class CannotJoin(Exception):
    """This center cannot be joined; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Center:
    """The running center, as its run.json and accounts.txt tell."""

    host: str
    sip_port: int
    origin: str
    realm: str
    home: Path
    var: Path
    passwords: dict[str, str] = field(repr=False)
    agents: dict[str, str] = field(repr=False)
    supervisor: tuple[str, str] = field(repr=False)


def find_center(run_json: Path) -> Center:
    """Raises CannotJoin."""
    try:
        said = json.loads(run_json.read_text())
        host, ports, accounts_file = said["host"], said["ports"], Path(said["accounts"])
        home, var = Path(said["home"]), Path(said["var"])
        accounts = read_accounts_file(accounts_file)
    except FileNotFoundError as error:
        raise CannotJoin(
            f"{error.filename} is not there: is the center running, and does accounts.txt still stand in "
            "its folder? (cti-engine accounts --rotate writes it anew)"
        ) from error
    except (OSError, ValueError, KeyError) as error:
        raise CannotJoin(f"{run_json} cannot be read: {error}") from error
    agents = {a.user: a.password for a in accounts if a.role == "agent"}
    supervisor = next(((a.user, a.password) for a in accounts if a.role == "supervisor"), None)
    if not agents or supervisor is None:
        raise CannotJoin(f"{accounts_file} names no agent or no supervisor: cti-engine accounts --rotate")
    return Center(
        host,
        int(ports["sip_port"]),
        f"http://{host}:{ports['console_port']}",
        said["realm"],
        home,
        var,
        {a.user: a.password for a in accounts},
        agents,
        supervisor,
    )
