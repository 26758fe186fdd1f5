"""A store in memory that believes only what `Outcome.rows` says: what an engine killed now would load again."""

from __future__ import annotations

import msgspec

from cti_engine.core.acd import Acd, Outcome
from cti_engine.core.center import Center
from cti_engine.core.rows import ROW_TYPES, Row

Key = tuple[str, str]


def rows_of(center: Center) -> dict[Key, bytes]:
    """Every row that lives in memory, encoded."""
    kinds: dict[str, dict[str, Row]] = {
        "contact": dict(center.contacts),
        "leg": dict(center.legs),
        "agent": dict(center.agents),
        "reservation": dict(center.reservations),
        "queue": dict(center.queues),
        "waits": dict(center.waits),
        "worker": dict(center.workers),
        "recaller": dict(center.recallers),
        "surveyed": dict(center.surveyed),
        "offer_stock": dict(center.offer_stock),
        "phone": dict(center.other_phones),
        "handle_times": dict(center.handle_times),
    }
    found = {
        (kind, id_): msgspec.json.encode(row) for kind, rows in kinds.items() for id_, row in rows.items()
    }
    if center.counters.next:
        found[("counter", "ids")] = msgspec.json.encode(center.counters)
    return found


class ShadowStore:
    def __init__(self) -> None:
        self.rows: dict[Key, bytes] = {}
        self.cdrs: dict[str, dict[str, object]] = {}

    def take(self, outcome: Outcome) -> None:
        for (kind, id_), row in outcome.rows.items():
            if kind == "cdr":
                assert isinstance(row, dict) and id_ not in self.cdrs, f"second record of {id_}"
                self.cdrs[id_] = row
            elif row is None:
                self.rows.pop((kind, id_), None)
            else:
                self.rows[(kind, id_)] = msgspec.json.encode(row)

    def differences(self, center: Center) -> list[str]:
        """Rows that a restart would get wrong."""
        live = rows_of(center)
        return [
            f"{key}: stored {self.rows.get(key)!r}, in memory {live.get(key)!r}"
            for key in sorted(live.keys() | self.rows.keys())
            if live.get(key) != self.rows.get(key)
        ]

    def reload(self, acd: Acd) -> None:
        """Load what is stored into a fresh `acd`, in the order of a table's primary key."""
        acd.load(
            {
                (kind, id_): msgspec.json.decode(self.rows[(kind, id_)], type=ROW_TYPES[kind])
                for kind, id_ in sorted(self.rows)
            }
        )
