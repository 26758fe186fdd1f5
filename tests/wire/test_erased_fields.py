"""Of every text in an event or a call record it is decided whether it outlives the erasure of a customer."""

from __future__ import annotations

from dataclasses import fields
from typing import get_args

from cti_engine.adapters.traces import EMPTIED, KEPT, PSEUDONYM
from cti_engine.core.events import Event
from cti_engine.core.reporting.cdr import Cdr, Segment

FIGURES = ("int", "float", "bool", "int | None", "tuple[float, float, float] | None")


def test_of_every_field_it_is_decided_whether_it_stays() -> None:
    """A field that is new says in adapters/traces.py, by its name, whether it is ours (KEPT) or tells of the person
    (EMPTIED)."""
    types = (*get_args(Event), Cdr, Segment)
    texts = {field.name for type_ in types for field in fields(type_) if field.type not in FIGURES}
    assert texts - KEPT - EMPTIED - PSEUDONYM == set()
    assert not KEPT & EMPTIED
