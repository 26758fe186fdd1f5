"""How often a password may be wrong: counted per user and address, per user, and per address.

Only failures count, so an office behind one address can log in together at eight in the morning.
"""

from __future__ import annotations

from collections.abc import Iterable

from agent_console.sliding_windows import SlidingWindow

WINDOW = 60.0  # seconds
PER_USER_AND_ADDRESS = 5
PER_USER = 20  # a botnet on one account slows down; its owner is not locked out by one stranger
PER_ADDRESS = 30


class LoginLimits:
    """`now` is any clock that only grows, in seconds."""

    def __init__(self) -> None:
        self._failures = SlidingWindow(WINDOW, PER_ADDRESS)

    def wait(self, user: str, address: str, now: float) -> float:
        """Seconds until this user may try again from this address; 0.0 when at once."""
        return max(self._failures.wait(key, limit, now) for key, limit in _keys(user, address))

    def failed(self, user: str, address: str, now: float) -> None:
        for key, _ in _keys(user, address):
            self._failures.count(key, now)


def _keys(user: str, address: str) -> Iterable[tuple[tuple[str, str], int]]:
    return (
        ((user, address), PER_USER_AND_ADDRESS),
        ((user, ""), PER_USER),
        (("", address), PER_ADDRESS),
    )
