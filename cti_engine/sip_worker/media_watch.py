"""Which phones have vanished in mid-call: no packet of theirs has come for the time that RTP may be away. Pure.

Looks are counted, not seconds, so that a process that was stopped for a while does not take its own pause for silence.
"""

from __future__ import annotations

from collections.abc import Mapping

LOOKS = 6


class MediaWatch:
    """Ask every `interval` seconds; a leg is told after `timeout` to `timeout + interval` seconds of silence."""

    def __init__(self, timeout: float) -> None:
        self.interval = timeout / LOOKS
        self._heard: dict[str, tuple[int, int]] = {}  # leg: (packets, looks in a row that found no more)

    def silent(self, packets: Mapping[str, int | None]) -> list[str]:
        """`packets`: received so far on each leg that lives; None where nothing is expected (hold)."""
        before, self._heard = self._heard, {}
        for leg, count in packets.items():
            if count is not None:
                known, looks = before.get(leg, (count, -1))
                self._heard[leg] = (count, looks + 1 if count == known else 0)
        return [leg for leg, (_, looks) in self._heard.items() if looks >= LOOKS]
