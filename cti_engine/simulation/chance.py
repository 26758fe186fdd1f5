"""Chance by key: each draw is a function of seed, replication, call and purpose, never of the order of asking.

So two sets of rules play the same day with the same callers, patience and handle times (common random numbers).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

_MASK = (1 << 64) - 1
_CALL, _PURPOSE = 0x9E3779B97F4A7C15, 0xD1B54A32D192ED03


class Purpose(IntEnum):
    """What a draw is for; the n-th offer of a call draws with n."""

    IVR = 1
    PATIENCE = 2
    TALK = 3
    WRAP_UP = 4
    REDIAL = 5
    REDIAL_AFTER = 6
    AWAY = 7
    RING = 16
    RONA = 17


def _mixed(value: int) -> int:
    """splitmix64's finalizer (Steele, Lea, Flood, OOPSLA 2014)."""
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


@dataclass(frozen=True, slots=True)
class Chance:
    """The chance of one replication."""

    seed: int
    replication: int

    def uniform(self, call: int, purpose: Purpose, number: int = 0) -> float:
        """In [0, 1), for the `number`-th time that this call draws for this purpose."""
        key = _mixed((self.seed * _PURPOSE + self.replication) & _MASK) + call * _CALL
        drawn = _mixed((_mixed(key & _MASK) + (purpose + 64 * number) * _PURPOSE) & _MASK)
        return (drawn >> 11) * 2.0**-53
