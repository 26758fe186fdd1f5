"""Webhooks: the events that somebody outside asked for, in order, at least once, from the event log.

Each webhook has its own task and its own stored number; one that is away holds up nobody, and gets the rest later.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import os
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cti_engine.core.definitions import CenterDefinitions
from cti_engine.core.services import Webhook
from cti_engine.ports import StoredEvent, StoreUnavailable
from cti_engine.runtime.outside_http import OutsideHttp
from cti_engine.runtime.service_calls import read_secret
from cti_engine.wire import envelope
from cti_engine.wire.catalogue import EVENTS, envelope_of
from cti_engine.wire.clock import Clock
from cti_engine.wire.tasks import spawn

ANSWER = 10.0
"""Seconds that an answer may take."""
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 60.0
WAITING = 1000
"""Events of one webhook in memory; what comes after them is read from the log."""
PAGE = 500
NOTED_EVERY = 1000
"""Events that it did not ask for until its number is stored all the same."""
REFUSED = (400, 413, 422)
"""It has the event and will never take it: passed over, for the next ones wait behind it."""
SIGNATURE = "X-CTI-Signature"
IDEMPOTENCY = "Idempotency-Key"

_log = logging.getLogger("cti.webhooks")


class Center(Protocol):
    """What webhooks need of the engine. `delivered(webhook, None)`: forget its number."""

    clock: Clock
    webhooks_to: dict[str, int]

    @property
    def last_seq(self) -> int: ...

    @property
    def definitions(self) -> CenterDefinitions: ...

    def delivered(self, webhook: str, seq: int | None) -> None: ...


def sign(secret: str, at: int, body: bytes) -> str:
    """`t=SECONDS,v1=HEX`: HMAC-SHA256 of `SECONDS.BODY`, so that what is heard cannot be sent again much later."""
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={mac.hexdigest()}"


def key_of(event: StoredEvent) -> str:
    """The same whenever this event is sent, and no other's: a store that begins anew has other moments."""
    return f"{event.seq}-{round(event.at * 1000)}"


@dataclass(slots=True)
class _Hook:
    """noted <= delivered <= read, each a number of the log; between the latter two only `waiting` is for it."""

    settings: Webhook
    delivered: int
    read: int
    noted: int
    something: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: deque[StoredEvent] = field(default_factory=deque)
    task: asyncio.Task[None] | None = None
    failures: int = 0


class Webhooks:
    """`events_since(seq, limit)` reads the log. Secrets' files are relative to `home`."""

    def __init__(
        self,
        home: Path,
        center: Center,
        events_since: Callable[[int, int], Awaitable[Sequence[StoredEvent]]],
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._home = home
        self._center = center
        self._events_since = events_since
        self._environment = environment
        self._newest = center.last_seq
        self._hooks: dict[str, _Hook] = {}
        self._settings: Mapping[str, Webhook] = {}
        self._http = OutsideHttp()

    def start(self) -> None:
        """Whoever was known before gets what it missed; a new one begins with what happens from now on."""
        self._take_settings()
        for gone in self._center.webhooks_to.keys() - self._hooks.keys():
            self._center.delivered(gone, None)

    def publish(self, events: Sequence[StoredEvent]) -> None:
        """These have been stored. Never blocks."""
        self._take_settings()
        for event in events:
            self._newest = max(self._newest, event.seq)
            for hook in self._hooks.values():
                if event.seq == hook.read + 1 and len(hook.waiting) < WAITING:
                    self._look_at(hook, event)
        for hook in self._hooks.values():
            hook.something.set()

    def _take_settings(self) -> None:
        settings = self._center.definitions.webhooks
        if settings is self._settings:
            return
        self._settings = settings
        for name in self._hooks.keys() - settings.keys():
            task = self._hooks.pop(name).task
            if task is not None:
                task.cancel()
            self._center.delivered(name, None)
        for name, webhook in settings.items():
            if name in self._hooks:
                self._hooks[name].settings = webhook
                continue
            begin = self._center.webhooks_to.get(name)
            if begin is None:
                begin = self._newest
                self._center.delivered(name, begin)
            hook = self._hooks[name] = _Hook(webhook, begin, begin, begin)
            hook.something.set()
            hook.task = spawn(self._run(hook), f"webhook {name}")

    def read_again(self) -> None:
        """Events that wait in memory are not as they stand in the log any more. Whatever is being sent is sent anew."""
        for hook in self._hooks.values():
            if hook.task is not None:
                hook.task.cancel()
            hook.waiting.clear()
            hook.read = hook.delivered
            hook.something.set()
            hook.task = spawn(self._run(hook), f"webhook {hook.settings.id}")

    @staticmethod
    def _look_at(hook: _Hook, event: StoredEvent) -> None:
        hook.read = event.seq
        if event.event in hook.settings.events and event.event in EVENTS:
            hook.waiting.append(event)

    async def _run(self, hook: _Hook) -> None:
        while True:
            await hook.something.wait()
            hook.something.clear()
            while hook.waiting or hook.read < self._newest:
                if not hook.waiting:
                    await self._read_log(hook)
                while hook.waiting:
                    await self._deliver(hook, hook.waiting[0])
                    self._delivered(hook, hook.waiting.popleft().seq)
            hook.delivered = hook.read
            if hook.delivered - hook.noted >= NOTED_EVERY:
                self._delivered(hook, hook.delivered)

    def _delivered(self, hook: _Hook, seq: int) -> None:
        hook.delivered = hook.noted = seq
        self._center.delivered(hook.settings.id, seq)

    async def _read_log(self, hook: _Hook) -> None:
        try:
            page = await self._events_since(hook.read, PAGE)
        except StoreUnavailable as error:
            _log.warning("webhook %s: events after %d wait: %s", hook.settings.id, hook.read, error)
            page = ()
        for event in page:
            if event.seq > hook.read + 1:
                _log.error(
                    "webhook %s misses %d to %d: pruned", hook.settings.id, hook.read + 1, event.seq - 1
                )
            if event.seq > hook.read:
                self._look_at(hook, event)
        if not page:
            await asyncio.sleep(FIRST_PAUSE)

    async def _deliver(self, hook: _Hook, event: StoredEvent) -> None:
        """Until it has been taken, however long that is."""
        body = envelope.encode(envelope_of(event))
        pause = FIRST_PAUSE
        while True:
            problem = await self._post(hook.settings, event, body)
            if not problem:
                if hook.failures:
                    _log.warning("webhook %s takes events again", hook.settings.id)
                hook.failures = 0
                return
            hook.failures += 1
            if hook.failures.bit_count() == 1:
                _log.warning("webhook %s, event %d waits: %s", hook.settings.id, event.seq, problem)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _post(self, webhook: Webhook, event: StoredEvent, body: bytes) -> str:
        """What is wrong; empty when it is done."""
        try:
            signed = sign(self._secret(webhook), int(self._center.clock.now()), body)
            headers = {
                name: value if isinstance(value, str) else read_secret(value, self._home, self._environment)
                for name, value in webhook.headers.items()
            }
        except ValueError as error:
            return str(error)
        headers |= {"Content-Type": "application/json", SIGNATURE: signed}
        headers |= {"X-CTI-Event": event.event, "X-CTI-Seq": str(event.seq), IDEMPOTENCY: key_of(event)}
        session = await self._http.session()
        import aiohttp  # which is there by now

        try:
            async with (
                asyncio.timeout(ANSWER),
                session.post(webhook.url, data=body, headers=headers, allow_redirects=False) as response,
            ):
                status = response.status
                response.close()  # what it says beyond its status is of no interest
        except (aiohttp.ClientError, OSError, ValueError) as error:  # its text may hold the address
            return type(error).__name__
        if status in REFUSED:
            _log.error("webhook %s refuses event %d with %d: passed over", webhook.id, event.seq, status)
            return ""
        return "" if 200 <= status < 300 else f"answered {status}"

    def _secret(self, webhook: Webhook) -> str:
        return read_secret(webhook.secret, self._home, self._environment)

    async def close(self) -> None:
        """What is open is delivered by the next life."""
        for hook in self._hooks.values():
            if hook.task is not None:
                hook.task.cancel()
        await self._http.close()
