"""A stand-in worker on a real link: carries out commands as a worker would, without SIP."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

from cti_engine.core import signals as sig
from cti_engine.core.signals import Dialog
from cti_engine.wire.link import LinkClient
from cti_engine.wire.tasks import spawn
from cti_engine.wire.vocabulary import to_plain

DIALOG = Dialog("call", "sip:a", "1", "sip:b", "2", 1, "sip:b@127.0.0.1")


class StandInWorker:
    """Answers what the engine asks at once. `agent_answers` False lets dialled phones ring for ever."""

    def __init__(self, address: str, name: str = "w1@test") -> None:
        self.name = name
        self.legs: set[str] = set()
        self.seen: list[tuple[str, dict[str, Any]]] = []
        self.agent_answers = True
        self.waiting: list[Callable[[], None]] = []
        self.dialled_at: dict[str, float] = {}
        self.link = LinkClient(
            address, name, "worker", hello_body=lambda: {"legs": sorted(self.legs)}, on_frame=self._do
        )
        self._task = spawn(self.link.run(), name)
        self._calls = 0

    def tell(self, signal: sig.Signal) -> None:
        self.link.send(*to_plain(signal))

    def call(self, ani: str = "+34600000001", dnis: str = "1000") -> str:
        """A caller's INVITE; returns the leg."""
        self._calls += 1
        leg = f"{self.name}/{self._calls}"
        self.legs.add(leg)
        self.tell(sig.InviteReceived(self.name, leg, ani, dnis))
        return leg

    def hang_up(self, leg: str) -> None:
        self.legs.discard(leg)
        self.tell(sig.LegEnded(self.name, leg, "remote"))

    def _do(self, type_: str, body: dict[str, Any]) -> None:
        self.seen.append((type_, body))
        match type_:
            case "AnswerLeg":
                self.tell(sig.LegAnswered(self.name, body["leg"], DIALOG))
            case "DialLeg":
                self.dialled_at[body["leg"]] = time.monotonic()
                self.legs.add(body["leg"])
                self.tell(sig.LegRinging(self.name, body["leg"]))
                if self.agent_answers:
                    self.tell(sig.LegAnswered(self.name, body["leg"], DIALOG))
            case "EndLeg" | "RejectLeg":
                if body["leg"] in self.legs:
                    self.hang_up_locally(body["leg"])
            case "StopRecording":
                self.tell(sig.RecordingEnded(self.name, body["recording"], "/rec.wav", 1.0))
        for check in list(self.waiting):
            check()

    def hang_up_locally(self, leg: str) -> None:
        self.legs.discard(leg)
        self.tell(sig.LegEnded(self.name, leg, "local"))

    async def until(self, type_: str, count: int = 1, timeout: float = 5.0) -> list[dict[str, Any]]:
        """Wait until the engine has asked `count` commands of this type."""
        came = asyncio.Event()

        def check() -> None:
            if sum(t == type_ for t, _ in self.seen) >= count:
                came.set()

        self.waiting.append(check)
        check()
        try:
            await asyncio.wait_for(came.wait(), timeout)
        except TimeoutError:
            raise AssertionError(f"no {count} x {type_}; saw {[t for t, _ in self.seen]}") from None
        finally:
            self.waiting.remove(check)
        return [body for t, body in self.seen if t == type_]

    async def close(self) -> None:
        self.link.close()
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
