"""`cti-engine run`: checks, prepares with a progress bar, starts the center and tells where to dial and log in."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.table import Table

from cti_engine.commands.process_configs import make_plan
from cti_engine.definitions.settings import Settings
from cti_engine.runtime.start import CannotStart, Prepared, only_one
from cti_engine.runtime.supervisor import Supervisor


def run(settings: Settings, console: Console, after_start: Callable[[], None] | None = None) -> int:
    """Run until Ctrl-C; `after_start` is called once the center is up. Returns the exit code."""
    try:
        with only_one(settings.var):
            prepared = _by_a_child(lambda: _prepared(settings, console))
            if prepared is None:
                return 1
            plan = make_plan(settings, prepared)

            def announce(running: dict[str, Any]) -> None:
                _welcome(console, settings, prepared, running)
                if after_start is not None:
                    after_start()

            asyncio.run(Supervisor(plan, announce).run())
    except CannotStart as error:
        console.print(str(error), markup=False)
        return 3
    except TimeoutError as error:
        console.print(f"{error} ({settings.var / 'log'})", markup=False)
        return 3
    return 0


def _prepared(settings: Settings, console: Console) -> Prepared | None:
    from cti_engine.commands.preparation import prepared_center

    return prepared_center(settings, console)


def _by_a_child(work: Callable[[], Prepared | None]) -> Prepared | None:
    """`work()`, in a fork: what it imports and reads is 30 MB, and more of 10,000 agents, that we would keep."""
    fork = multiprocessing.get_context("fork")
    here, there = fork.Pipe(duplex=False)

    def do() -> None:
        try:
            there.send((work(), None))
        except Exception as error:
            there.send((None, error))

    child = fork.Process(target=do)
    child.start()
    there.close()
    try:
        result, error = here.recv()
    except EOFError:
        raise CannotStart("the preparations were broken off") from None
    finally:
        child.join()
        here.close()
    if error is not None:
        raise error
    return result  # type: ignore[no-any-return]


def _welcome(
    console: Console,
    settings: Settings,
    prepared: Prepared,
    running: dict[str, Any],
) -> None:
    host, ports = settings.network.advertise, running["ports"]
    console.print("\n[bold]The center is up.[/bold]  Ctrl-C drains, a second Ctrl-C stops at once.\n")
    table = Table(show_header=False, box=None, pad_edge=False)
    for number in prepared.dialled_numbers:
        table.add_row("Dial", f"sip:{number}@{host}:{ports['sip_port']}")
    table.add_row("SIP server", f"{host}:{ports['sip_port']} (UDP, TCP), realm {settings.sip.realm}")
    table.add_row("Console", f"http://{host}:{ports['console_port']}/")
    table.add_row("Accounts", str(prepared.places.accounts_db.with_name("accounts.txt")))
    console.print(table)
    if prepared.new_passwords:
        accounts = Table(title="New accounts, shown this once", title_justify="left", header_style="bold")
        accounts.add_column("user")
        accounts.add_column("password")
        for user, password in prepared.new_passwords:
            accounts.add_row(user, password)
        console.print(accounts)
