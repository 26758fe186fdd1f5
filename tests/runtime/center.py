"""A small center for runtime tests: two queues' worth of definitions in Python, no YAML, no prompts made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cti_engine.core.commands import Prompt
from cti_engine.core.definitions import (
    AgentDefinition,
    CallLimits,
    CenterDefinitions,
    DialledNumber,
    Disposition,
    QueueDefinition,
)
from cti_engine.core.ivr.flow import EnterQueue, Fixed, Flow, Wait


def definitions(agents: tuple[str, ...] = ("maria", "john"), wrap_up: float = 30.0) -> CenterDefinitions:
    """1000 goes straight to `sales`, whose treatment is music for ever."""
    music = {"en": ((Fixed("music", "default"),),)}
    return CenterDefinitions(
        version="1",
        agents={a: AgentDefinition(a, a.title()) for a in agents},
        queues={
            "sales": QueueDefinition("sales", "Sales", agents, treatment="hold", wrap_up=wrap_up),
        },
        dialled_numbers={"1000": DialledNumber("1000", "direct", "en")},
        flows={
            "direct": Flow("direct", "1", ("en",), "go", {"go": EnterQueue("sales")}),
            "hold": Flow("hold", "1", ("en",), "music", {"music": Wait(music, 20.0, "music")}),
        },
        not_ready_reasons={"break": {"en": "Break"}},
        dispositions={"done": Disposition("done", {"en": "Done"})},
        limits=CallLimits(),
    )


class NamedFiles:
    """Stands for the prompt cache: every prompt has one file, named after it."""

    def files(self, prompt: Prompt) -> tuple[Path, ...]:
        return (Path("/prompts") / f"{prompt.kind}-{prompt.value}.wav",)


class Nobody:
    """Customers: nobody is known."""

    def profile(self, number: str) -> dict[str, Any] | None:
        return None
