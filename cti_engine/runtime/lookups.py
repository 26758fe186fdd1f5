"""Customer look-ups with a deadline, in threads: a slow customer store never delays a call."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from cti_engine.core.commands import LookUp
from cti_engine.core.signals import LookupReturned
from cti_engine.ports import CustomerLookup
from cti_engine.wire.tasks import spawn

_log = logging.getLogger("cti.lookups")


class LookUps:
    """`deliver` gets the LookupReturned of every look-up, found or not, within its deadline."""

    def __init__(self, customers: CustomerLookup, deliver: Callable[[LookupReturned], None]) -> None:
        self._customers = customers
        self._deliver = deliver
        self._threads = ThreadPoolExecutor(4, "look-up")

    def start(self, look_up: LookUp) -> None:
        spawn(self._run(look_up), "look-up")

    async def _run(self, look_up: LookUp) -> None:
        loop = asyncio.get_running_loop()
        asked = loop.run_in_executor(self._threads, self._customers.profile, look_up.number)
        try:
            profile = await asyncio.wait_for(asked, look_up.deadline)
        except TimeoutError:
            self._deliver(LookupReturned(look_up.contact, error="deadline"))
        except Exception as error:  # whatever the store is: the call goes on without a profile
            _log.warning("look-up for %s failed: %s", look_up.contact, error)
            self._deliver(LookupReturned(look_up.contact, error=type(error).__name__))
        else:
            self._deliver(LookupReturned(look_up.contact, profile or {}))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
