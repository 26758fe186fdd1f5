"""What is wrong with a condition is told with its column and with what to write instead."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti_engine.core.expressions.check import read_condition
from cti_engine.core.expressions.parser import MAX_DEPTH, MAX_LENGTH, parse
from cti_engine.core.expressions.syntax import ExpressionError
from cti_engine.core.expressions.values import TEXT, parse_duration, print_duration, text_of
from tests.expressions.strategies import SCOPE

FAULTS = [
    # text, column, part of the text, part of the hint
    ("", 1, "empty", ""),
    ("agent.spanish >=", 17, "ends too early", ""),
    ("agent.spanish = 7", 15, "'='", "write =="),
    ("agent.spanish >= 7 agent.english", 20, "not expected", "join"),
    ("(agent.spanish >= 7", 20, "expected )", "column 1"),
    ("agent.spanish >= 7)", 19, "')'", ""),
    ('call.segment == "gold', 17, "not understood", "not closed"),
    ("1 < agent.spanish < 5", 19, "do not chain", "and"),
    ("agent.spanish >= 7 && tried", 20, "'&&'", "write and"),
    ("call.segment in [gold]", 18, "gold is a name", '"gold"'),
    ("call.segment in [1 2]", 20, "expected ,", "column 17"),
    ("queue.ewt > 90x", 13, "'90x'", "ms, s, m, h or d"),
    ('call.segment == "\\q"', 17, "escape", ""),
    ("not", 4, "ends too early", ""),
    # types
    ("agent.spansh >= 7", 1, "unknown name agent.spansh", 'did you mean "agent.spanish"?'),
    ("call.segment == gold", 17, "unknown name gold", 'write "gold"'),
    ("weather.rain == 1", 1, "unknown name weather.rain", "agent.*, call.*, queue.*"),
    ("agent.spanish", 1, "is a number, not a condition", "agent.spanish >= 1"),
    ("tried and queue.ewt", 11, "is a duration", "queue.ewt > 30s"),
    ("not call.segment", 5, "is a text", '== "..."'),
    ("queue.ewt > 90", 1, "queue.ewt is a duration, 90 is a number", "90s, 90m"),
    ('agent.spanish >= "7"', 1, "number", "without quotes"),
    ("call.segment == 7", 1, "text", 'write "7"'),
    ("tried < true", 1, "does not compare booleans", "=="),
    ('call.segment in "gold"', 17, "not a list", "[a, b]"),
    ("call.preferred_agents == []", 1, "does not compare lists", "in or has"),
    ("call.preferred_agents has 7", 1, "7 is a number", ""),
    ("call.preferred_agents in [1]", 1, "is a list", ""),
    ('call.segment in ["gold", 7]', 26, "7 is a number in a list of text", ""),
]


@pytest.mark.parametrize(("text", "column", "says", "hints"), FAULTS)
def test_a_fault_has_its_column_and_a_hint(text: str, column: int, says: str, hints: str) -> None:
    """One clear fault where it stands; the hint says what to write."""
    condition, faults = read_condition(text, SCOPE)
    assert condition is None
    assert len(faults) == 1
    assert faults[0].column == column
    assert says in faults[0].text
    assert hints in faults[0].hint


def test_all_type_faults_are_told_at_once_in_order() -> None:
    """Three mistakes in one condition are three faults."""
    _, faults = read_condition("agent.spansh > 1 or not (tried > 2 and queue.ewt == 5)", SCOPE)
    assert [fault.column for fault in faults] == [1, 26, 40]


def test_a_text_outside_of_a_declared_set_is_told() -> None:
    """`site: [bogota, madrid]` makes a comparison with any other text a mistake."""
    scope = {"agent.site": text_of("bogota", "madrid"), "call.site": TEXT}
    _, faults = read_condition('agent.site == "bogotá"', scope)
    assert [(f.column, f.text, f.hint) for f in faults] == [
        (15, 'agent.site is never "bogotá"', 'did you mean "bogota"?')
    ]
    _, faults = read_condition('agent.site in ["madrid", "rome"]', scope)
    assert [(f.column, f.hint) for f in faults] == [(26, "it is one of bogota, madrid")]
    assert read_condition("agent.site == call.site", scope)[1] == []


@given(st.text(alphabet=st.sampled_from(list("ab.10 \"'\\()[],<>=!andornotinhas\ns🙂")), max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    """Whatever an admin types gives a tree or an ExpressionError inside the text, never another error."""
    try:
        tree = parse(text)
    except ExpressionError as error:
        assert 1 <= error.column <= len(text) + 1
    else:
        assert parse(str(tree)) == tree


def test_depth_and_length_are_bounded() -> None:
    """A hostile condition is refused before it can exhaust the stack or the memory."""
    for text in ("(" * 5000 + "true" + ")" * 5000, "not " * (MAX_DEPTH + 1) + "true", "a" * (MAX_LENGTH + 1)):
        with pytest.raises(ExpressionError, match=r"deeper|longer"):
            parse(text)
    assert str(parse("(" * MAX_DEPTH + "true" + ")" * MAX_DEPTH)) == "true"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("20s", 20.0), ("10m", 600.0), ("150ms", 0.15), ("1.5h", 5400.0), ("2d", 172800.0), ("0s", 0.0)],
)
def test_durations_are_seconds(text: str, seconds: float) -> None:
    """Durations are read exactly, and print to what reads back the same."""
    assert parse_duration(text) == seconds
    assert parse_duration(print_duration(seconds)) == seconds


@pytest.mark.parametrize("text", ["", "20", "s", "-5s", "5 s", "5S", "1e3s", "5sm"])
def test_what_is_no_duration(text: str) -> None:
    """A number without a unit, or a unit nobody knows, is not a duration."""
    assert parse_duration(text) is None
