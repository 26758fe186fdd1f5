"""`make bench-ivr`: steps that the interpreter runs a second, and how soon 200 changed flows are in force.

The interpreter: drawn callers of every shipped flow, all steps that they enter counted, with nothing around it. The
reload: a real engine with its store, a call that hears a prompt, and the files' own watch; refused or applied whole.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import msgspec
import uvloop
import yaml
from rich.console import Console
from rich.progress import Progress

from benchmarks.flow_calls import Call, Center, drawn
from benchmarks.report import Report, percentile
from cti_engine.adapters.account_store import AccountStore
from cti_engine.core.definitions import CenterDefinitions
from cti_engine.core.ivr.state import IvrState
from cti_engine.definitions.library import FOLDERS, load_definitions
from cti_engine.definitions.prompt_inventory import center_prompts
from cti_engine.runtime import engine_process
from cti_engine.runtime.agent_accounts import agents_have_accounts
from cti_engine.runtime.engine import Engine
from cti_engine.runtime.engine_process import SWITCH_EVERY, DefinitionFiles
from cti_engine.runtime.stores import open_store
from cti_engine.wire.tasks import spawn
from speech.prompt_cache import PromptCache
from tests.phones.waiting import until
from tests.runtime.center import Nobody
from tests.runtime.crowd import Ticker
from tests.runtime.stand_in import StandInWorker

HOME = Path(__file__).parent.parent
CALLS = 200
"""Of each flow."""
ROUNDS = 9
SEED = 20261128
FLOWS = 200
RELOADS = 6
DIALLED = "2000"


# --- the interpreter ---------------------------------------------------------------------------------


def measure_steps(report: Report) -> None:
    definitions, _ = load_definitions(HOME)
    assert definitions is not None, "the shipped files have errors: cti-engine check"
    center, chance = Center(definitions.flows), random.Random(SEED)
    calls = [drawn(center, flow, chance) for flow in definitions.flows.values() for _ in range(CALLS)]
    entered = Counter(step for call in calls for step in call.entered)
    steps = entered.total()
    rates = [steps / _seconds_of(center, calls) for _ in range(ROUNDS)]
    report.goal("interpreter_steps_per_s", ">= 50000", percentile(rates, 0.5))
    report.figure("interpreter_steps_per_s of each round", [round(rate) for rate in rates])
    report.figure("calls, inputs, steps of a round", [len(calls), sum(len(c.inputs) for c in calls), steps])
    there = {(flow.id, step) for flow in definitions.flows.values() for step in flow.steps}
    report.figure("different steps entered, of", [len(entered.keys() & there), len(there)])
    report.figure("an input's time, of what storing its state takes", _against_storing(center, calls))


def _seconds_of(center: Center, calls: list[Call]) -> float:
    begun = time.perf_counter()
    for call in calls:
        center.play(call)
    return time.perf_counter() - begun


def _against_storing(center: Center, calls: list[Call]) -> float:
    """Interpreting an input, against encoding the state that has to be stored after each, by msgspec, a C library."""
    states: list[IvrState] = [center.play(call) for call in calls]
    inputs = sum(len(call.inputs) + 1 for call in calls)
    encoder = msgspec.json.Encoder()
    begun = time.perf_counter()
    for state in states:
        encoder.encode(state)
    encoding = (time.perf_counter() - begun) / len(states)
    return _seconds_of(center, calls) / inputs / encoding


# --- the reload --------------------------------------------------------------------------------------


class Files:
    """A home with FLOWS flows: the shipped ones and copies of them that run each other as those do."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._flows = home / "ivr_flows"
        ignored = shutil.ignore_patterns("*.csv", "*.md", "*.json", "*.test.yaml")
        for folder in FOLDERS:
            shutil.copytree(HOME / folder, home / folder, ignore=ignored)
        shipped = {path.stem: path.read_text() for path in sorted(self._flows.glob("*.yaml"))}
        names = re.compile(rf"\b(flow: |run: )({'|'.join(shipped)})\b")
        copies = (FLOWS - len(shipped)) // len(shipped)
        for number in range(copies):
            for name, text in shipped.items():
                self._write(f"{name}_{number}", names.sub(rf"\g<1>\g<2>_{number}", text))
        for number in range(FLOWS - len(shipped) * (copies + 1)):  # which run the shipped ones
            self._write(
                f"main_en_x{number}", shipped["main_en"].replace("flow: main_en", f"flow: main_en_x{number}")
            )

    def _write(self, name: str, text: str) -> None:
        (self._flows / f"{name}.yaml").write_text(text)

    @property
    def paths(self) -> list[Path]:
        return sorted(self._flows.glob("*.yaml"))

    def change(self, revision: int) -> None:
        """Every file: each flow is another version of itself."""
        for path in self.paths:
            text = re.sub(
                r"^description: (\(\d+\) )?", f"description: ({revision}) ", path.read_text(), flags=re.M
            )
            path.write_text(text)

    def spoil(self) -> str:
        """One of them leads nowhere; what it was before."""
        path = self.paths[FLOWS // 2]
        before = path.read_text()
        path.write_text(re.sub(r"^start: .*", "start: nowhere", before, flags=re.M))
        return before

    def repair(self, before: str) -> None:
        self.paths[FLOWS // 2].write_text(before)


class Refusals(logging.Handler):
    """How often the loader has said that the running set stays."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += "the running set stays" in record.getMessage()


async def measure_reload(folder: Path, report: Report, progress: Progress) -> None:
    files = Files(folder / "home")
    assert len(files.paths) == FLOWS
    definitions, problems = load_definitions(files.home)
    assert definitions is not None, problems
    prompts = PromptCache(folder / "prompts", base=files.home)
    making = progress.add_task("making prompts", total=None)
    prompts.build(
        center_prompts(definitions),
        lambda done, of: progress.update(making, completed=done, total=of),
    )
    progress.update(making, visible=False)
    loader = DefinitionFiles(files.home, folder / "last_good")
    engine = Engine(
        open_store("sqlite:", folder=folder), await loader.first(), Nobody(), prompts,
        home=files.home, secret=b"s" * 32, utc_offset=0.0,
    )  # fmt: skip
    address = str(folder / "engine.sock")
    await engine.start(address, lambda gathered: None, lambda problem: None)
    look_every = engine_process.LOOK_EVERY
    engine_process.LOOK_EVERY = 0.01  # how soon a change is looked for is told apart
    accounts = AccountStore(folder / "accounts.db", "cti", "md5")
    agents_have_accounts(accounts, definitions)  # as `run` does before it starts anything
    watch = spawn(loader.watch(engine, prompts, accounts), "watch")
    refusals = Refusals()
    logging.getLogger("cti.engine").addHandler(refusals)
    worker = StandInWorker(address, "w0@bench")
    worker.call(dnis=DIALLED)
    await worker.until("PlayFiles")

    taken, stalls = [], []
    row = progress.add_task("reloads", total=RELOADS)
    for revision in range(RELOADS):
        await asyncio.sleep(look_every)  # live, no change is taken sooner after the last one
        files.change(revision)
        seconds, stall, before, now = await _in_force(engine)
        taken.append(seconds)
        stalls.append(1000 * stall)
        changed = sum(now.flows[name].version != before.flows[name].version for name in before.flows)
        assert changed == len(now.written_flows) == FLOWS, "applied in part"
        progress.advance(row)

    running, good = engine.definitions, files.spoil()
    begun = time.perf_counter()
    await until(lambda: refusals.count, "the bad set refused", within=30)
    refused_after = time.perf_counter() - begun
    same = engine.definitions is running
    files.repair(good)
    files.change(RELOADS)
    await _in_force(engine)
    contact = next(iter(engine.acd.center.contacts.values()))
    keeps = (
        contact.flow is not None
        and contact.flow.version != engine.definitions.flows[contact.flow.flow].version
    )

    report.goal("reload_200_flows_s", "<= 1", max(taken), "s")
    report.figure("reload_200_flows_s of each", [round(each, 3) for each in taken])
    report.goal("unchanged_by_one_bad_file_of_200", "= 1", float(same))
    report.goal("call_keeps_its_version", "= 1", float(keeps))
    report.figure("refused_after_s", refused_after)
    report.figure("worst_stall_of_the_loop_ms of each", [round(each, 1) for each in stalls])
    report.figure(
        "reload, in times of reading the same YAML alone (libyaml, in this process)",
        max(taken) / _yaml_alone(files),
    )
    report.figure("a changed file is looked for every s", 1.0)
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)
    await worker.close()
    await engine.close()
    accounts.close()


async def _in_force(engine: Engine) -> tuple[float, float, CenterDefinitions, CenterDefinitions]:
    """(seconds until the changed set is in force, worst stall meanwhile, the set before, the set now)."""
    before, begun, ticker = engine.definitions, time.perf_counter(), Ticker()
    await until(lambda: engine.definitions is not before, "the changed set in force", within=30)
    seconds = time.perf_counter() - begun
    ticker.stop()
    return seconds, ticker.worst, before, engine.definitions


def _yaml_alone(files: Files) -> float:
    texts = [path.read_text() for path in files.paths]
    begun = time.perf_counter()
    for text in texts:
        yaml.load(text, Loader=yaml.CSafeLoader)
    return time.perf_counter() - begun


def main() -> int:
    argparse.ArgumentParser(prog="bench-ivr", description=__doc__).parse_args()
    console = Console(stderr=True, highlight=False)
    report = Report("bench-ivr")
    sys.setswitchinterval(SWITCH_EVERY)
    measure_steps(report)
    with tempfile.TemporaryDirectory() as folder, Progress(console=console, transient=True) as progress:
        uvloop.run(measure_reload(Path(folder), report, progress))
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
