"""Customer look-ups with a deadline: the store in threads, the outside CRM beside it. Neither ever delays a call.

What the store knows is used at once. A caller whom it does not know waits for the CRM, within the same deadline; what
comes later fills in.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from cti_engine.core.commands import LookUp
from cti_engine.core.customers.crm import ANSWERED, ASKED, AWAY, CRM_STATE, Crm, gaps
from cti_engine.core.signals import LookupReturned, ProfileFilledIn
from cti_engine.ports import CustomerLookup
from cti_engine.runtime.crm import CrmQuestions
from cti_engine.wire.tasks import spawn

THREADS = 4

_log = logging.getLogger("cti.lookups")


class LookUps:
    """`deliver` gets the LookupReturned of every look-up, found or not, within its deadline."""

    def __init__(
        self,
        customers: CustomerLookup,
        deliver: Callable[[LookupReturned | ProfileFilledIn], None],
        crm: CrmQuestions,
    ) -> None:
        self._customers = customers
        self._deliver = deliver
        self._crm = crm
        self._threads = ThreadPoolExecutor(THREADS, "look-up")

    def start(self, look_up: LookUp, crm: Crm | None = None) -> None:
        """`crm`: the one in force now."""
        spawn(self._run(look_up, crm), "look-up")

    async def _run(self, look_up: LookUp, crm: Crm | None) -> None:
        loop = asyncio.get_running_loop()
        over = loop.time() + look_up.deadline
        store = loop.run_in_executor(self._threads, self._profile, look_up)
        outside = self._crm.ask(crm, look_up.number) if crm is not None else None
        await asyncio.wait((store,), timeout=look_up.deadline)
        profile, error = store.result() if store.done() else ({}, "deadline")
        if outside is not None and not profile.get("customer"):
            await asyncio.wait((outside,), timeout=max(0.0, over - loop.time()))
        if outside is not None:
            said = _told(outside.result()) if outside.done() else {CRM_STATE: ASKED}
            profile = {**profile, **gaps(profile, said), CRM_STATE: said[CRM_STATE]}
        self._deliver(LookupReturned(look_up.contact, profile, error))
        if error == "deadline":
            self._fill_in(look_up, (await store)[0])
        if outside is not None:
            self._fill_in(look_up, _told(await outside))

    def _profile(self, look_up: LookUp) -> tuple[dict[str, object], str]:
        try:
            return self._customers.profile(look_up.number) or {}, ""
        except Exception as fault:  # whatever the store is: the call goes on without a profile
            _log.warning("look-up for %s failed: %s", look_up.contact, fault)
            return {}, type(fault).__name__

    def _fill_in(self, look_up: LookUp, profile: dict[str, object]) -> None:
        """Late, or once more: the core takes what it does not know."""
        if profile:
            self._deliver(ProfileFilledIn(look_up.contact, profile))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _told(answer: dict[str, object] | None) -> dict[str, object]:
    """A part of a profile that says how the CRM stands."""
    return {CRM_STATE: AWAY} if answer is None else {**answer, CRM_STATE: ANSWERED}
