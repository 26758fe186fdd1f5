"""How often a password may be wrong: counted per user and address, per user, and per address.

Only failures count, so an office behind one address can log in together at eight in the morning.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable

WINDOW = 60.0  # seconds
PER_USER_AND_ADDRESS = 5
PER_USER = 20  # a botnet on one account slows down; its owner is not locked out by one stranger
PER_ADDRESS = 30
MAX_KEYS = 10_000  # the oldest are forgotten first, so that a flood of names cannot fill the memory


class LoginLimits:
    """Sliding windows of failed log-ins. `now` is any clock that only grows, in seconds."""

    def __init__(self) -> None:
        self._failures: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()

    def wait(self, user: str, address: str, now: float) -> float:
        """Seconds until this user may try again from this address; 0.0 when at once."""
        return max(self._wait(key, limit, now) for key, limit in _keys(user, address))

    def _wait(self, key: tuple[str, str], limit: int, now: float) -> float:
        failures = self._failures.get(key)
        if failures is None:
            return 0.0
        while failures and failures[0] <= now - WINDOW:
            failures.popleft()
        if len(failures) < limit:
            return 0.0
        return failures[-limit] + WINDOW - now

    def failed(self, user: str, address: str, now: float) -> None:
        for key, _ in _keys(user, address):
            self._failures.setdefault(key, deque(maxlen=PER_ADDRESS)).append(now)
            self._failures.move_to_end(key)
        while len(self._failures) > MAX_KEYS:
            self._failures.popitem(last=False)


def _keys(user: str, address: str) -> Iterable[tuple[tuple[str, str], int]]:
    return (
        ((user, address), PER_USER_AND_ADDRESS),
        ((user, ""), PER_USER),
        (("", address), PER_ADDRESS),
    )
