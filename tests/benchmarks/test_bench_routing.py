"""The routing benchmark in small: it runs, its baselines agree with the matcher, its goals have their names."""

from __future__ import annotations

from benchmarks import bench_routing

GOALS = (
    "decisions_per_s", "decision_p50_us", "decision_p99_us", "decision_p999_us", "vs_naive_skewed", "vs_sql_pass",
    "exponent_agents", "exponent_queue", "exponent_expressions", "bytes_per_agent", "bytes_per_call", "compile_s",
    "reskill_ms", "acd_signals_per_s", "asyncio_event_p99_ms",
)  # fmt: skip


def test_it_runs_in_small() -> None:
    """A small part of the reference state: every section runs, and the engines decide identically (or it raises)."""
    report = bench_routing.measured(0.004, 30, 0.01)
    assert set(GOALS) <= {goal.name for goal in report.goals}
    assert report.figures["storm_step_changes_per_s"]
