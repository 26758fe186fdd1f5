"""Runs in the environment of `benchmarks.peers`: what other packages say, and in how many milliseconds.

Stdin: [[package, quantity, {load, servers, patience, threshold, places}]], the handle time is 1.
Stdout: [[value, ms] or null].
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

Case = dict[str, Any]


def _pyworkforce(case: Case, threshold: float = 1.0) -> Any:
    module = import_module("pyworkforce.queuing")
    # it counts in minutes: calls in an interval of 60 of them, a handle time of one
    return module.ErlangC(transactions=case["load"] * 60, aht=1, asa=threshold, interval=60, shrinkage=0.0)


def _pyqueueing_a(case: Case) -> Any:
    return import_module("pyqueueing").ErlangA(case["load"], 1.0, case["servers"], 1.0 / case["patience"])


def _pyqueueing_c(case: Case) -> Any:
    return import_module("pyqueueing").ErlangC(case["load"], 1.0, case["servers"])


def _pyqueueing_k(case: Case) -> Any:
    room = case["servers"] + case["places"]
    return import_module("pyqueueing").MMcK(case["load"], 1.0, case["servers"], room)


def _turbotab_a(case: Case) -> Any:
    module = import_module("mod_turbotab.calculations.erlang")
    return module.erlang_a(case["servers"], case["load"], case["patience"], 1.0)


ANSWERS: dict[tuple[str, str], Callable[[Case], Any]] = {
    ("pyworkforce", "C"): lambda case: _pyworkforce(case).waiting_probability(case["servers"]),
    ("pyqueueing", "B"): lambda case: (
        import_module("pyqueueing").ErlangB(case["load"], 1.0, case["servers"]).prob_block()
    ),
    ("pyqueueing", "C"): lambda case: _pyqueueing_c(case).prob_wait(),
    ("pyqueueing", "C asa"): lambda case: _pyqueueing_c(case).mean_wait(),
    ("pyqueueing", "C level"): lambda case: _pyqueueing_c(case).service_level(case["threshold"]),
    ("pyqueueing", "K blocking"): lambda case: _pyqueueing_k(case).prob_block(),
    ("pyqueueing", "K mean_wait"): lambda case: _pyqueueing_k(case).mean_wait(),
    ("pyqueueing", "wait"): lambda case: _pyqueueing_a(case).prob_wait(),
    ("pyqueueing", "asa"): lambda case: _pyqueueing_a(case).mean_wait_answered(),
    ("turbotab", "wait"): lambda case: _turbotab_a(case)["pw"],
    ("pyqueueing", "abandonment"): lambda case: _pyqueueing_a(case).prob_abandon(),
    ("pyqueueing", "level"): lambda case: _pyqueueing_a(case).service_level(case["threshold"]),
    ("call-center-tools", "B"): lambda case: import_module("call_center_tools.erlang").erlang_b(
        case["load"], case["servers"]
    ),
    ("call-center-tools", "C"): lambda case: import_module("call_center_tools.erlang").erlang_c(
        case["load"], case["servers"]
    ),
    ("callcenterdim", "C"): lambda case: import_module("callcenterdim.Dimensionamento").ProbCallWaits(
        case["load"], 1.0, 60.0, case["servers"]
    ),
    ("turbotab", "B"): lambda case: import_module("mod_turbotab.calculations.erlang").erlang_b(
        case["servers"], case["load"]
    ),
    ("turbotab", "C"): lambda case: import_module("mod_turbotab.calculations.erlang").erlang_c(
        case["servers"], case["load"]
    ),
    ("turbotab", "abandonment"): lambda case: _turbotab_a(case)["abandon_rate"],
    ("turbotab", "level"): lambda case: _turbotab_a(case)["sla"](case["threshold"]),
}


def answer(package: str, quantity: str, case: Case) -> tuple[float, float] | None:
    ask = ANSWERS.get((package, quantity))
    if ask is None:
        return None
    try:
        ask(case)
        begin = time.perf_counter()
        value = float(ask(case))
    except (ArithmeticError, ValueError, RecursionError) as error:
        sys.stderr.write(f"{package} {quantity} {case}: {error}\n")
        return math.nan, 0.0
    return value, (time.perf_counter() - begin) * 1e3


if __name__ == "__main__":
    json.dump([answer(*question) for question in json.load(sys.stdin)], sys.stdout)
