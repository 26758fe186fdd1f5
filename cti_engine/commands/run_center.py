"""`cti-engine run`: checks, prepares with a progress bar, starts the center and tells where to dial and log in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.table import Table

from cti_engine.commands.process_configs import make_plan
from cti_engine.commands.prompts import center_prompts, progress_bar
from cti_engine.core.definitions import CenterDefinitions
from cti_engine.definitions.library import load_definitions
from cti_engine.definitions.report import as_text
from cti_engine.definitions.settings import Settings
from cti_engine.runtime import bootstrap
from cti_engine.runtime.supervisor import Supervisor


def run(settings: Settings, console: Console, after_start: Callable[[], None] | None = None) -> int:
    """Run until Ctrl-C; `after_start` is called once the center is up. Returns the exit code."""
    definitions, problems = load_definitions(settings.home)
    if problems:
        console.print(as_text(problems), markup=False, highlight=False)
    if definitions is None:
        console.print("The center does not start on files with errors. Mend them and run again.")
        return 1
    try:
        with bootstrap.only_one(settings.var):
            bootstrap.check_ports(settings)
            prepared = _prepare(settings, definitions, console)
            plan = make_plan(settings, definitions, prepared)

            def announce(running: dict[str, Any]) -> None:
                _welcome(console, settings, definitions, prepared, running)
                if after_start is not None:
                    after_start()

            asyncio.run(Supervisor(plan, announce).run())
    except bootstrap.CannotStart as error:
        console.print(str(error), markup=False)
        return 3
    except TimeoutError as error:
        console.print(f"{error} ({settings.var / 'log'})", markup=False)
        return 3
    return 0


def _prepare(settings: Settings, definitions: CenterDefinitions, console: Console) -> bootstrap.Prepared:
    prompts = center_prompts(definitions)
    with progress_bar(console) as bar:
        row = bar.add_task("prompts", total=None)
        prepared = bootstrap.prepare(
            settings, definitions, prompts, lambda done, of: bar.update(row, completed=done, total=of)
        )
    for fault in prepared.prompts.faults:
        console.print(f"Prompt {fault.prompt.value!r}: {fault.reason}", markup=False)
    return prepared


def _welcome(
    console: Console,
    settings: Settings,
    definitions: CenterDefinitions,
    prepared: bootstrap.Prepared,
    running: dict[str, Any],
) -> None:
    host, ports = settings.network.advertise, running["ports"]
    console.print("\n[bold]The center is up.[/bold]  Ctrl-C drains, a second Ctrl-C stops at once.\n")
    table = Table(show_header=False, box=None, pad_edge=False)
    for number in sorted(definitions.dialled_numbers):
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
