"""A small center for scenarios, built directly: three agents, a few queues, and flows of every shape a call takes.

1000 direct to sales, 1001 the same for VIPs, 2000 a menu, 3000 support with music, 4000 a queue that times out
into a flow, 5000 one that times out into nothing.
"""

from __future__ import annotations

from dataclasses import replace

from cti_engine.core.definitions import (
    AgentDefinition,
    CallLimits,
    CenterDefinitions,
    DialledNumber,
    Disposition,
    QueueDefinition,
)
from cti_engine.core.ivr.flow import Choice, EndCall, EnterQueue, Fixed, Flow, Menu, Say, Step, Wait

AGENTS = ("maria", "john", "ana")


def spoken(text: str) -> dict[str, tuple[tuple[Fixed, ...], ...]]:
    return {"en": ((Fixed("text", text),),)}


def flow(name: str, version: str = "1", /, **steps: Step) -> Flow:
    """The first step is where it starts."""
    return Flow(name, version, ("en",), next(iter(steps)), steps)


MENU = Menu(
    prompt=spoken("For sales press one, for support two."),
    choices={"1": Choice("to_sales", {"en": "sales"}), "2": Choice("to_support", {"en": "support"})},
    no_input="bye",
    no_match="bye",
    retries=1,
)
FLOWS = (
    flow("direct", enter=EnterQueue("sales")),
    flow("menu", ask=MENU, to_sales=EnterQueue("sales"), to_support=EnterQueue("support"), bye=EndCall()),
    flow("to_support", enter=EnterQueue("support")),
    flow("to_slow", enter=EnterQueue("slow")),
    flow("to_strict", enter=EnterQueue("strict")),
    flow("music", play=Wait({"en": ((Fixed("music", "default"),),)}, 30.0, "play")),
    flow("sorry", say=Say(spoken("Nobody is free. Goodbye."), "end"), end=EndCall()),
)
QUEUES = (
    QueueDefinition("sales", "Sales", AGENTS),
    QueueDefinition("support", "Support", ("ana",), treatment="music", wrap_up=0.0),
    QueueDefinition("slow", "Slow", ("john",), max_wait=60.0, on_time_out="sorry"),
    QueueDefinition("strict", "Strict", ("john",), max_wait=60.0),
)
NUMBERS = (
    DialledNumber("1000", "direct", "en"),
    DialledNumber("1001", "direct", "en", priority=10),
    DialledNumber("2000", "menu", "en"),
    DialledNumber("3000", "to_support", "en"),
    DialledNumber("4000", "to_slow", "en"),
    DialledNumber("5000", "to_strict", "en"),
)
DEFINITIONS = CenterDefinitions(
    version="1",
    agents={a: AgentDefinition(a, a.capitalize()) for a in AGENTS},
    queues={q.id: q for q in QUEUES},
    dialled_numbers={n.number: n for n in NUMBERS},
    flows={f.id: f for f in FLOWS},
    not_ready_reasons={"lunch": {"en": "Lunch"}},
    dispositions={"sold": Disposition("sold", {"en": "Sold"})},
    limits=CallLimits(maximum_length=1800.0),
)


def with_queues(*queues: QueueDefinition, base: CenterDefinitions = DEFINITIONS) -> CenterDefinitions:
    """The same center with these queues added or in the place of those of the same name."""
    return replace(base, queues={**base.queues, **{q.id: q for q in queues}})


def with_flows(*flows: Flow, base: CenterDefinitions = DEFINITIONS) -> CenterDefinitions:
    return replace(base, flows={**base.flows, **{f.id: f for f in flows}})


def with_number(number: str, flow_id: str, base: CenterDefinitions = DEFINITIONS) -> CenterDefinitions:
    numbers = {**base.dialled_numbers, number: DialledNumber(number, flow_id, "en")}
    return replace(base, dialled_numbers=numbers)


def with_limits(base: CenterDefinitions = DEFINITIONS, /, **limits: float) -> CenterDefinitions:
    return replace(base, limits=replace(base.limits, **limits))  # type: ignore[arg-type]  # one of them is an int
