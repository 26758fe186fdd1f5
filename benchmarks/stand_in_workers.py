"""Workers as far as placement sees them: a link each, saying `busy` and `free` in turn at a steady pace.

One sipp answers the calls at their common SIP address, so a link cannot know when its call came; at a pace
above the calls' it reports at least as often as a real worker would.
"""

from __future__ import annotations

import asyncio
import itertools

from cti_engine.wire.link import LinkClient
from cti_engine.wire.tasks import spawn
from tests.phones.waiting import until

_BEAT_S = 0.02


class StandInWorkers:
    """`count` links to `placement`; `capacity` is how many calls a second they offer to take together."""

    def __init__(self, placement: str, sip: str, count: int) -> None:
        self.capacity = 0.0
        self._sip = sip
        self._links = [
            LinkClient(
                placement,
                f"worker-{number}",
                "worker",
                hello_body=lambda: self._slot(True),
                on_frame=lambda type_, body: None,
            )
            for number in range(count)
        ]

    def _slot(self, free: bool) -> dict[str, object]:
        return {"free": free, "sip": self._sip}

    async def start(self) -> None:
        for link in self._links:
            spawn(link.run(), "stand-in worker")
        await until(lambda: all(link.connected for link in self._links), "all workers linked", within=15)
        self._reporting = spawn(self._report(), "reports")

    async def _report(self) -> None:
        loop, due, last = asyncio.get_running_loop(), 0.0, asyncio.get_running_loop().time()
        for link in itertools.cycle(self._links):
            while due < 1.0:
                await asyncio.sleep(_BEAT_S)
                now = loop.time()
                due, last = due + self.capacity * (now - last), now
            due -= 1.0
            link.send("Slots", self._slot(False))
            link.send("Slots", self._slot(True))

    def close(self) -> None:
        self._reporting.cancel()
        for link in self._links:
            link.close()
