"""The outside CRM: asked beside the store, kept for a while, left in peace when it fails (service_calls' rules).

Whoever asks for a number that is being asked for already waits for the same answer.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

from cti_engine.core.commands import CallService
from cti_engine.core.customers.crm import Crm
from cti_engine.core.signals import ServiceAnswered
from cti_engine.definitions.phone_numbers import e164
from cti_engine.runtime.service_calls import ServiceCalls

MOST_KEPT = 10_000

_log = logging.getLogger("cti.crm")


class CrmQuestions:
    """Secrets' files are relative to `home`. `region`: see phone_numbers.e164."""

    def __init__(self, home: Path, region: str = "US") -> None:
        self._region = region
        self._calls = ServiceCalls(home, self._answered)
        self._numbers = itertools.count(1)
        self._open: dict[str, tuple[str, Crm, asyncio.Future[dict[str, object] | None]]] = {}
        self._asked: dict[str, asyncio.Future[dict[str, object] | None]] = {}
        self._kept: OrderedDict[str, tuple[float, Crm, dict[str, object]]] = OrderedDict()

    def ask(self, crm: Crm, number: str) -> asyncio.Future[dict[str, object] | None]:
        """A part of a profile within the CRM's deadline; empty when it knows nobody, None when it does not answer."""
        until, asked, found = self._kept.get(number, (0.0, crm, {}))
        if time.monotonic() < until and asked == crm:
            done: asyncio.Future[dict[str, object] | None] = asyncio.get_running_loop().create_future()
            done.set_result(found)
            return done
        waiting = self._asked.get(number)
        if waiting is None:
            waiting = self._asked[number] = asyncio.get_running_loop().create_future()
            request = str(next(self._numbers))
            self._open[request] = number, crm, waiting
            waiting.add_done_callback(lambda _: self._asked.pop(number, None))
            call = CallService("", request, crm.id, {"number": number}, crm.deadline)
            self._calls.start(call, {crm.id: crm})
        return waiting

    def _answered(self, answer: ServiceAnswered) -> None:
        number, crm, waiting = self._open.pop(answer.request)
        if (said := str(answer.values.get("number", ""))) and not self._same(said, number):
            _log.warning("the CRM has answered for another number: nothing of it is taken")
            answer = replace(answer, values={}, error="bad_answer")
        there = answer.error in ("", "not_found")
        if there and crm.keeps:
            self._kept[number] = time.monotonic() + crm.keeps, crm, answer.values
            self._kept.move_to_end(number)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        if not waiting.done():
            waiting.set_result(answer.values if there else None)

    def _same(self, one: str, other: str) -> bool:
        """However they are written."""
        return e164(one, self._region) == e164(other, self._region) or one == other

    async def close(self) -> None:
        await self._calls.close()
