"""What every formula refuses, in the same words."""

from __future__ import annotations

import math


def positive(**values: float) -> None:
    """Raises ValueError for the first value that is not a finite number above 0."""
    for name, value in values.items():
        if not 0.0 < value < math.inf:
            raise ValueError(f"{name} must be a finite number above 0, not {value}")


def share(**values: float) -> None:
    """Raises ValueError for the first value that is not strictly between 0 and 1."""
    for name, value in values.items():
        if not 0.0 < value < 1.0:
            raise ValueError(f"{name} must lie between 0 and 1, not {value}")


def count(least: int, **values: int) -> None:
    """Raises ValueError for the first value that is not an integer of at least `least`."""
    for name, value in values.items():
        if value != int(value) or value < least:
            raise ValueError(f"{name} must be an integer of at least {least}, not {value}")


def time(value: float) -> None:
    """Raises ValueError for a negative or undefined time."""
    if not value >= 0.0:
        raise ValueError(f"a time must not be negative, not {value}")


def steady(load: float, servers: int) -> None:
    """Raises ValueError when the queue would grow without end."""
    if load >= servers:
        raise ValueError(
            f"{load:g} Erlang on {servers} servers have no steady state: the load must be smaller"
        )
