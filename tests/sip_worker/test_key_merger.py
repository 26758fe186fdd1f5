"""Keys that come in several ways: each press counts once, whatever order and delay the ways have."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cti_engine.sip_worker.key_merger import LATE, KeyMerger

WAYS = ("rfc4733", "info", "inband")


def counted(reports: list[tuple[float, str, str]]) -> str:
    """The keys that count, of (time, key, way)."""
    merger = KeyMerger()
    return "".join(key for at, key, way in sorted(reports) if merger.pressed(key, way, at))


def test_one_way_alone_counts_every_press() -> None:
    """The same key twice in 60 ms by one way is two presses."""
    assert counted([(0.0, "5", "info"), (0.06, "5", "info")]) == "55"


def test_a_second_way_in_time_is_the_same_press() -> None:
    """A second way within the window is no new press, one after it is."""
    assert counted([(0.0, "5", "info"), (LATE - 0.01, "5", "inband")]) == "5"
    assert counted([(0.0, "5", "info"), (LATE + 0.01, "5", "inband")]) == "55"


def test_a_key_held_long_is_one_press() -> None:
    """INFO that comes when a key is let go after 3 s is the press that the tones have told at its beginning."""
    merger = KeyMerger()
    assert merger.pressed("5", "inband", 0.0, held=True)
    assert not merger.pressed("5", "info", 3.0)
    merger.released("inband", 3.0)
    assert merger.pressed("5", "inband", 3.1, held=True)


def test_different_keys_never_merge() -> None:
    """At the same moment by two ways, they are two keys."""
    assert sorted(counted([(0.0, "5", "info"), (0.0, "6", "inband")])) == ["5", "6"]


@given(
    presses=st.lists(st.tuples(st.sampled_from("159*#"), st.floats(0.09, 0.8)), max_size=12),
    ways=st.sets(st.sampled_from(WAYS), min_size=1),
    delays=st.lists(st.floats(0.0, LATE - 0.01), min_size=3, max_size=3),
)
def test_every_way_of_every_press_is_one_count(
    presses: list[tuple[str, float]], ways: set[str], delays: list[float]
) -> None:
    """With each way late by a delay of its own, within the window, the keys counted are the keys pressed: as many
    of each, and in the order of the way that is fastest."""
    at, reports = 0.0, []
    for key, gap in presses:
        at += gap
        reports += [(at + delays[WAYS.index(way)], key, way) for way in ways]
    assert counted(reports) == "".join(key for key, _ in presses)


@given(
    presses=st.lists(st.tuples(st.sampled_from("15"), st.floats(0.6, 2.0)), max_size=10),
    lost=st.sets(st.integers(0, 9)),
)
def test_a_way_that_loses_presses_loses_none_of_the_others(
    presses: list[tuple[str, float]], lost: set[int]
) -> None:
    """A press that only one of two ways reports counts too."""
    at, reports = 0.0, []
    for number, (key, gap) in enumerate(presses):
        at += gap
        reports.append((at, key, "info"))
        if number not in lost:
            reports.append((at + 0.08, key, "inband"))
    assert counted(reports) == "".join(key for key, _ in presses)
