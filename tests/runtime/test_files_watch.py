"""The admin's files are watched: a change that could not be read at once is taken later, not forgotten."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from cti_engine.adapters.account_store import AccountStore
from cti_engine.core.definitions import CenterDefinitions
from cti_engine.definitions.library import load_definitions
from cti_engine.runtime import engine_process
from cti_engine.runtime.engine_process import DefinitionFiles
from cti_engine.wire.tasks import spawn
from speech.prompt_cache import BuildReport
from tests.definitions.homes import shipped_home
from tests.phones.waiting import until


class Taken:
    """Of the engine, what is given to it; of the prompts, that all are there."""

    def __init__(self) -> None:
        self.definitions: list[CenterDefinitions] = []
        self.disk_is_full = False

    async def reload(self, definitions: CenterDefinitions) -> None:
        self.definitions.append(definitions)

    def use(self, recordings: Any) -> None:
        pass

    def build(self, prompts: list[Any]) -> BuildReport:
        if self.disk_is_full:
            self.disk_is_full = False
            raise OSError("no space left on device")
        return BuildReport()


async def test_a_change_that_cannot_be_read_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """No process for the reader twice, then no disk for prompts: said once, and in force when all is there again."""
    home = shipped_home(tmp_path)
    tries = 0

    async def read(folder: Path) -> Any:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise OSError("no more processes")
        return load_definitions(folder)

    monkeypatch.setattr(engine_process, "LOOK_EVERY", 0.01)
    monkeypatch.setattr(engine_process, "read_apart", read)
    files, taken = DefinitionFiles(home, tmp_path / "last_good"), Taken()
    taken.disk_is_full = True
    accounts = AccountStore(tmp_path / "accounts.db", "cti", "md5")
    watch = spawn(files.watch(taken, taken, accounts), "watch")  # type: ignore[arg-type]  # what it uses of them
    path = home / "config/dispositions.yaml"
    path.write_text(path.read_text() + "# a word more\n")
    await until(lambda: taken.definitions, "the changed set taken", within=20)
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)
    accounts.close()
    assert tries == 4
    assert caplog.text.count("cannot be taken now") == 1
