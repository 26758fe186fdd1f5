"""The engine as a process: opens store, customers and prompts, joins bus and links, and watches the YAML for changes.

The last set of files that was good is kept below CTI_VAR: a file broken while we run must not stop a restart.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import shutil
import signal
import sqlite3
import sys
from pathlib import Path

import uvloop

from cti_engine.adapters.account_store import AccountStore
from cti_engine.adapters.customer_store import CustomerStore
from cti_engine.core.definitions import CenterDefinitions
from cti_engine.core.ticket_changes import told_to
from cti_engine.definitions.library import FOLDERS
from cti_engine.definitions.problems import Problem
from cti_engine.definitions.prompt_inventory import center_prompts
from cti_engine.definitions.report import as_text
from cti_engine.ports import Store, StoreTaken, StoreUnavailable
from cti_engine.runtime.agent_accounts import agents_have_accounts
from cti_engine.runtime.bus_side import BusSide
from cti_engine.runtime.engine import Engine
from cti_engine.runtime.engine_config import EngineConfig
from cti_engine.runtime.erasing import Erasing
from cti_engine.runtime.ledger import Gathered
from cti_engine.runtime.places import Places
from cti_engine.runtime.reload import read_apart
from cti_engine.runtime.stores import open_store
from cti_engine.runtime.ticket_news import tell_tickets
from cti_engine.runtime.webhooks import Webhooks
from cti_engine.wire.private_files import write_private
from cti_engine.wire.tasks import spawn
from speech.prompt_cache import BuildReport, PromptCache

LOOK_EVERY = 1.0
SWITCH_EVERY = 0.0002
"""Seconds that a thread may keep the interpreter while another wants it. The store's thread has little to do at a time
and gives it up at each statement; by Python's 5 ms it could wait longer for its turn than it works."""

_log = logging.getLogger("cti.engine")


def serve(config: EngineConfig) -> None:
    """Run until SIGTERM; calls go on without us."""
    sys.setswitchinterval(SWITCH_EVERY)
    uvloop.run(_serve(config))


async def _serve(config: EngineConfig) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    files = DefinitionFiles(config.home, Places(config.var).last_good)
    definitions = await files.first()
    prompts = PromptCache(
        config.prompts, base=config.home, engines=config.voices, recordings=definitions.recordings
    )
    customers = CustomerStore(config.customers_url, cache=config.customers_cache, read_only=True)
    try:
        store = open_store(config.store_url, folder=config.var)
        engine = _engine(config, store, definitions, customers, prompts)
    except (StoreUnavailable, StoreTaken) as error:
        _log.critical("the engine cannot start: %s", error)
        raise SystemExit(3) from None
    log = open_store(config.store_url, read_only=True, folder=config.var)
    bus = BusSide(config.broker_url, config.broker_user, config.broker_password, engine, log)
    webhooks = Webhooks(config.home, engine, bus.events_since)

    def publish(gathered: Gathered) -> None:
        bus.publish(gathered)
        webhooks.publish(gathered.events)

    await engine.start(config.address, publish, bus.store_health)
    bus.start()
    webhooks.start()
    accounts = AccountStore(config.accounts_db, config.realm, config.digest)
    watch = spawn(files.watch(engine, prompts, accounts), "definitions")
    spawn(tell_tickets(customers.database, lambda: told_to(engine.acd.center), engine.take), "tickets")
    erasing = Erasing(
        customers,
        engine,
        lambda: open_store(config.store_url, read_only=True, folder=config.var),
        Places(config.var).recordings,
        webhooks.read_again,
    )
    spawn(erasing.run(), "erasures")
    spawn(engine.keep_house(config.keep_events), "house")
    write_private(config.ready_file, json.dumps({"epoch": engine.epoch, "pid": os.getpid()}).encode())
    _log.info("engine epoch %d is up", engine.epoch)
    gc.freeze()  # what lives as long as we do need not be looked through again and again: 59 ms each time
    await stop.wait()
    watch.cancel()
    await webhooks.close()
    await engine.close()
    await bus.close()
    customers.close()
    accounts.close()
    store.close()


def _engine(
    config: EngineConfig,
    store: Store,
    definitions: CenterDefinitions,
    customers: CustomerStore,
    prompts: PromptCache,
) -> Engine:
    return Engine(
        store,
        definitions,
        customers,
        prompts,
        home=config.home,
        secret=config.secret,
        utc_offset=config.utc_offset,
    )


class DefinitionFiles:
    """The admin's YAML, watched; `last_good` holds a copy of the files that are in force."""

    def __init__(self, home: Path, last_good: Path) -> None:
        self._home = home
        self._last_good = last_good
        self._stamp = self._stamps()

    async def first(self) -> CenterDefinitions:
        """What to start with. Raises SystemExit when neither the files nor the copy are good."""
        definitions, problems = await read_apart(self._home)
        if definitions is not None:
            self._keep()
            return definitions
        _tell(problems)
        definitions, _ = await read_apart(self._last_good, sounds=self._home)
        if definitions is None:
            raise SystemExit(3)
        _log.error("the files have errors: running on the last good ones, version %s", definitions.version)
        return definitions

    async def watch(self, engine: Engine, prompts: PromptCache, accounts: AccountStore) -> None:
        """Swap a changed set in when it is good, its prompts and accounts are made; else tell and keep the old."""
        unready: dict[str, tuple[int, int]] = {}
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                stamp = self._stamps()
            except OSError as error:  # an editor replaces a file at this moment: look again
                _log.debug("%s", error)
                continue
            if stamp == self._stamp:
                continue
            try:
                definitions = await self._made_ready(prompts, accounts)
            except (OSError, sqlite3.Error) as error:  # no memory, no disk: the change is not lost, only late
                if unready != stamp:
                    _log.error("the changed files cannot be taken now, trying on: %s", error)
                unready = stamp
                continue
            self._stamp = stamp
            if definitions is None:
                _log.error("the running set stays as it is")
                continue
            await engine.reload(definitions)
            await asyncio.to_thread(self._keep)
            _log.warning("definitions %s are in force", definitions.version)

    async def _made_ready(self, prompts: PromptCache, accounts: AccountStore) -> CenterDefinitions | None:
        """The files as they are now, with their prompts and accounts made; None when they have errors."""
        definitions, problems = await read_apart(self._home)
        _tell(problems)
        if definitions is None:
            return None
        report = await asyncio.to_thread(_make_prompts, prompts, definitions)
        for fault in report.faults:
            _log.error("prompt %r cannot be made: %s", fault.prompt.value, fault.reason)
        made = await asyncio.to_thread(agents_have_accounts, accounts, definitions)
        for user, _ in made:
            _log.warning("new account %s: its password stands in %s", user, accounts.accounts_file)
        return definitions

    def _stamps(self) -> dict[str, tuple[int, int]]:
        return {
            str(path): (status.st_mtime_ns, status.st_size)
            for folder in FOLDERS
            for path in sorted((self._home / folder).glob("*.yaml"))
            for status in (path.stat(),)
        }

    def _keep(self) -> None:
        fresh = self._last_good.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        for folder in FOLDERS:
            (fresh / folder).mkdir(parents=True)
            for path in (self._home / folder).glob("*.yaml"):
                shutil.copy2(path, fresh / folder)
        shutil.rmtree(self._last_good, ignore_errors=True)
        fresh.rename(self._last_good)


def _make_prompts(prompts: PromptCache, definitions: CenterDefinitions) -> BuildReport:
    prompts.use(definitions.recordings)
    return prompts.build(sorted(center_prompts(definitions), key=repr))


def _tell(problems: list[Problem]) -> None:
    if problems:
        _log.warning("definitions:\n%s", as_text(problems))
