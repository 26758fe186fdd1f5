"""What `cti-engine run` does before it starts anything: reads the admin's files and makes what is missing."""

from __future__ import annotations

from rich.console import Console

from cti_engine.commands.prompts import progress_bar
from cti_engine.definitions.library import load_definitions
from cti_engine.definitions.report import as_text
from cti_engine.definitions.settings import Settings
from cti_engine.runtime import bootstrap
from cti_engine.runtime.start import Prepared, check_ports


def prepared_center(settings: Settings, console: Console) -> Prepared | None:
    """None when the files have errors, which have been told. Raises CannotStart."""
    definitions, problems = load_definitions(settings.home)
    if problems:
        console.print(as_text(problems), markup=False, highlight=False)
    if definitions is None:
        console.print("The center does not start on files with errors. Mend them and run again.")
        return None
    check_ports(settings)
    bootstrap.check_store(settings.store_url, settings.var)
    with progress_bar(console) as bar:
        row = bar.add_task("prompts", total=None)
        prepared, prompts = bootstrap.prepare(
            settings, definitions, lambda done, of: bar.update(row, completed=done, total=of)
        )
    for fault in prompts.faults:
        console.print(f"Prompt {fault.prompt.value!r}: {fault.reason}", markup=False)
    return prepared
