"""The heap of deadlines against the plainest model there is: a dict, searched."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from cti_engine.core.deadlines import Deadlines, Key

KEYS = st.tuples(
    st.sampled_from(("contact", "agent")), st.sampled_from("abc"), st.sampled_from(("wait", "flow"))
)
MOMENTS = st.integers(0, 20).map(float)
DEEDS = st.one_of(
    st.tuples(st.just("set"), KEYS, MOMENTS),
    st.tuples(st.just("cancel"), KEYS, MOMENTS),
    st.tuples(st.just("take"), KEYS, MOMENTS),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(DEEDS, max_size=200))
def test_it_behaves_like_a_dict_of_moments(deeds: list[tuple[str, Key, float]]) -> None:
    """Set, moved, cancelled and taken in any order, the first due one is always the earliest, ties in key order."""
    deadlines, model = Deadlines(), dict[Key, float]()
    for deed, key, at in deeds:
        if deed == "set":
            deadlines.set(key, at)
            model[key] = at
        elif deed == "cancel":
            deadlines.cancel(key)
            model.pop(key, None)
        else:
            due = min(((at_, key_) for key_, at_ in model.items() if at_ <= at), default=None)
            assert deadlines.take_due(at) == (None if due is None else due[1])
            if due is not None:
                del model[due[1]]
        assert deadlines.next() == min(model.values(), default=None)
        assert len(deadlines) == len(model)


def test_moving_one_deadline_for_ever_does_not_grow_the_heap() -> None:
    """Lazy deletion is cleaned up: a deadline moved ten thousand times leaves a small heap."""
    deadlines = Deadlines()
    for moment in range(10_000):
        deadlines.set(("contact", "c1", "flow"), float(moment))
    assert len(deadlines._heap) <= 65
    assert deadlines.next() == 9_999.0
