"""The last line of a benchmark is for machines; a missed goal is an exit code."""

from __future__ import annotations

import io
import json

import pytest

from benchmarks.report import Goal, Report, percentile


def test_the_last_line_is_the_json_object_of_the_interfaces() -> None:
    """Goals by name with value, unit and verdict; figures beside them; everything met gives exit code 0."""
    report = Report("bench-x")
    report.goal("rtp_loss", "= 0", 0)
    report.goal("p95_ms", "<= 15", 4.20001, "ms")
    report.figure("calls", 20)
    out = io.StringIO()
    assert report.finish(out) == 0
    told = json.loads(out.getvalue().splitlines()[-1])
    assert list(told) == ["benchmark", "commit", "cpu", "at", "goals", "figures"]
    assert told["goals"][1] == {"name": "p95_ms", "goal": "<= 15", "value": 4.2, "unit": "ms", "met": True}
    assert told["figures"] == {"calls": 20}


@pytest.mark.parametrize(
    ("goal", "value", "met"),
    [
        ("<= 1.6", 1.6, True),
        ("<= 1.6", 1.61, False),
        (">= 600", 599, False),
        ("= 0", 0, True),
        ("= 20", 19, False),
    ],
)
def test_goals_are_judged_as_written(goal: str, value: float, met: bool) -> None:
    """A goal is met at its limit and missed beyond it."""
    assert Goal("g", goal, value).met is met


def test_a_missed_goal_is_exit_code_1_and_stands_in_the_table() -> None:
    """People and machines both see which goal was missed."""
    report = Report("bench-x")
    report.goal("edge_failed", "= 0", 3)
    out = io.StringIO()
    assert report.finish(out) == 1
    assert "MISSED" in out.getvalue()
    assert json.loads(out.getvalue().splitlines()[-1])["goals"][0]["met"] is False


def test_a_goal_that_cannot_be_judged_is_refused() -> None:
    """A comparison that nobody knows would be met by nobody or by everybody."""
    with pytest.raises(ValueError, match="is not"):
        Goal("g", "about 3", 3)


def test_percentiles_are_values_that_were_measured() -> None:
    """Nearest rank: the 95th percentile of 1..100 is 95, of one value that value, of none an error."""
    assert percentile([float(n) for n in range(100, 0, -1)], 0.95) == 95
    assert percentile([7.0], 0.5) == 7
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.95)
