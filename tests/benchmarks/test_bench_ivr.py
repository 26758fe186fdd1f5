"""The interpreter's benchmark in small: its callers go through the shipped flows, and do the same when replayed."""

from __future__ import annotations

import random

from benchmarks.flow_calls import Center, drawn
from cti_engine.definitions.library import load_definitions
from tests.definitions.homes import ROOT


def test_a_drawn_call_is_the_same_again() -> None:
    """Every flow is entered, and a replayed call ends where the drawn one did, with the same variables each time."""
    definitions, _ = load_definitions(ROOT)
    assert definitions is not None
    center, chance = Center(definitions.flows), random.Random(1)
    calls = [drawn(center, flow, chance) for flow in definitions.flows.values() for _ in range(5)]
    assert all(call.entered[0] == (call.flow.id, call.flow.start) for call in calls)
    assert [center.play(call) for call in calls] == [center.play(call) for call in calls]
    ends = [center.play(call) for call in calls]
    assert [(state.flow, state.step) for state in ends if not state.stack] == [
        call.entered[-1] for call, state in zip(calls, ends, strict=True) if not state.stack
    ]
