"""Wall time that never steps: anchored once at process start, then monotonic (architecture decision 7)."""

from __future__ import annotations

import time


class Clock:
    """`now()` is seconds since the epoch; `drift()` says how far the machine's clock has moved from it."""

    def __init__(self) -> None:
        self._anchor = time.time() - time.monotonic()

    def now(self) -> float:
        return self._anchor + time.monotonic()

    def drift(self) -> float:
        """Seconds that the machine's wall clock is ahead of `now()`; not 0 after a step."""
        return time.time() - self.now()
