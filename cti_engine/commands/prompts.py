"""`cti-engine prompts`: make what callers hear, say what is made by whom and what is missing, and try a voice."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from cti_engine.core.definitions import CenterDefinitions
from cti_engine.definitions.settings import Settings
from cti_engine.runtime.prompt_files import engines_of, prompt_cache, prompts_of
from speech.engines import NotSpoken, Speaker
from speech.prompt_cache import BuildReport, PromptState

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Inventory:
    """`built` None: nothing was to be made."""

    states: tuple[PromptState, ...]
    built: BuildReport | None = None

    @property
    def missing(self) -> list[PromptState]:
        """Those that callers would not hear now."""
        return [state for state in self.states if state.missing or state.fault]

    @property
    def complete(self) -> bool:
        return not self.missing


def progress_bar(console: Console) -> Progress:
    return Progress(
        TextColumn("Making prompts"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )


def inventory(settings: Settings, definitions: CenterDefinitions) -> Inventory:
    """What there is. Makes nothing and disturbs no running center."""
    return Inventory(tuple(prompt_cache(settings, definitions).inventory(prompts_of(definitions))))


def build(settings: Settings, definitions: CenterDefinitions, console: Console) -> Inventory:
    """Makes what is missing, beside a running center too. Raises OSError when the folder cannot be written."""
    with progress_bar(console) as bar:
        row = bar.add_task("prompts", total=None)
        report = prompt_cache(settings, definitions).build(
            prompts_of(definitions), lambda done, of: bar.update(row, completed=done, total=of)
        )
    reasons = {fault.prompt: fault.reason for fault in report.faults}
    states = [
        PromptState(
            state.prompt, state.missing, state.by, state.seconds, reasons.get(state.prompt, state.fault)
        )
        for state in inventory(settings, definitions).states
    ]
    return Inventory(tuple(states), report)


def say(text: str, language: str, out: Path, settings: Settings, console: Console) -> int:
    """One text as callers would hear it, if nobody has recorded it. Exit code 3 when no engine can speak it."""
    # scipy must not live in the supervisor, which takes the progress bar from here
    from speech.prompt_audio import BadAudio, prompt_of, write_prompt

    try:
        engine, utterances = Speaker(engines_of(settings)).speak(text, language)
        samples = prompt_of([(utterance.wav, utterance.pause) for utterance in utterances])
    except (NotSpoken, BadAudio) as fault:
        console.print(str(fault), markup=False, soft_wrap=True)
        return 3
    write_prompt(out, samples)
    console.print(
        f"{out}: {samples.size / 8000:.1f} s by {engine}", markup=False, highlight=False, soft_wrap=True
    )
    return 0


def write_json(found: Inventory, to: TextIO) -> None:
    built = found.built
    rows = [{**asdict(state), **asdict(state.prompt)} for state in found.states]
    for row in rows:
        del row["prompt"]
    whole = {
        "complete": found.complete,
        "made": built.made if built is not None else 0,
        "took_s": round(built.seconds, 3) if built is not None else 0.0,
        "prompts": rows,
    }
    json.dump(whole, to, ensure_ascii=False, indent=1)
    to.write("\n")


def show(found: Inventory, console: Console) -> None:
    """A table by language and maker, and each prompt that is missing with its reason."""
    counts: dict[tuple[str, str], list[float]] = defaultdict(list)
    for state in found.states:
        counts[state.prompt.language, state.by or "missing"].append(state.seconds)
    table = Table(header_style="bold", box=SIMPLE_HEAD)
    table.add_column("language")
    table.add_column("made by")
    table.add_column("prompts", justify="right")
    table.add_column("sound", justify="right")
    for (language, maker), lengths in sorted(counts.items()):
        table.add_row(language, maker, str(len(lengths)), f"{sum(lengths):.0f} s")
    console.print(table)
    if found.built is not None:
        console.print(f"{found.built.made} files made in {found.built.seconds:.1f} s.", highlight=False)
    for state in found.missing[:_SHOWN]:
        reason = state.fault or "not made yet: cti-engine prompts build"
        prompt = state.prompt
        console.print(
            f"{prompt.kind} {prompt.value!r} ({prompt.language}): {reason}", markup=False, soft_wrap=True
        )
    if len(found.missing) > _SHOWN:
        console.print(f"... and {len(found.missing) - _SHOWN} more")
