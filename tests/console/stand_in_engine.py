"""A scripted engine for the console's tests: real store, real broker; says what it is told, answers requests."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import aiomqtt

from cti_engine.adapters.sqlite_store import SqliteStore
from cti_engine.core import events as ev
from cti_engine.core.views import AgentView, QueueView
from cti_engine.ports import Batch, StoredEvent
from cti_engine.wire import envelope
from cti_engine.wire.catalogue import envelope_of
from cti_engine.wire.envelope import ReplyMessage, Request, StateMessage
from cti_engine.wire.tasks import spawn
from cti_engine.wire.vocabulary import to_plain
from tests.phones.waiting import until

Answer = Callable[[Request], ReplyMessage | None]


def agrees(request: Request) -> ReplyMessage:
    return ReplyMessage(request.id, True)


class StandInEngine:
    """`async with StandInEngine(...) as engine`. `answer` decides on replies; None: the engine stays silent.

    `requests` keeps what came, with the moment (perf_counter) of each.
    """

    def __init__(self, broker_port: int, store: Path, answer: Answer = agrees) -> None:
        self._port = broker_port
        self._store = SqliteStore(store)
        self._seq = itertools.count(self._store.load().last_seq + 1)
        self.answer = answer
        self.requests: list[tuple[float, Request]] = []
        self.last_words: list[dict[str, Any]] = []
        self.agents: dict[str, AgentView] = {}
        self.epoch = self._store.open_epoch()

    async def __aenter__(self) -> StandInEngine:
        gone = StateMessage(envelope.rfc3339(time.time()), {"epoch": self.epoch, "up": False})
        topic = envelope.state_topic("engine", "main")
        self._client = aiomqtt.Client(
            "127.0.0.1", self._port, will=aiomqtt.Will(topic, envelope.encode(gone), qos=1, retain=True)
        )
        await self._client.__aenter__()
        await self._client.subscribe(
            [(envelope.REQUEST_TOPICS, 1), (envelope.state_topic("console", "+"), 1)]
        )
        self._listening = spawn(self._listen(), "stand-in engine")
        await self.up(True)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listening.cancel()
        await asyncio.wait([self._listening])
        await self._client.__aexit__(None, None, None)
        self._store.close()

    async def _listen(self) -> None:
        async for message in self._client.messages:
            assert isinstance(message.payload, bytes)
            if message.topic.matches(envelope.REQUEST_TOPICS):
                request = envelope.decode_request(message.topic.value, message.payload)
                self.requests.append((time.perf_counter(), request))
                reply = self.answer(request)
                if reply is not None:
                    await self._client.publish(request.reply_to, envelope.encode(reply), qos=1)
            else:
                self.last_words.append(envelope.decode_state(message.payload).data)

    # --- what it says ------------------------------------------------------------------------------

    async def up(self, up: bool) -> None:
        """Say that the engine is there, or gone (as its last will does)."""
        await self._state("engine", "main", {"epoch": self.epoch, "up": up})

    async def says(self, event: ev.Event, *, at: float | None = None, silently: bool = False) -> int:
        """Store a fact, then publish it (unless `silently`); returns its number."""
        name, data = to_plain(event)
        stored = StoredEvent(
            next(self._seq), time.time() if at is None else at, name, data.pop("contact", ""), data
        )
        self._store.write(Batch(events=[stored]))
        if not silently:
            await self.publish(stored)
        return stored.seq

    async def publish(self, stored: StoredEvent) -> None:
        await self._client.publish(
            envelope.event_topic(stored.event), envelope.encode(envelope_of(stored)), qos=1
        )

    async def publish_raw(self, topic: str, payload: bytes) -> None:
        await self._client.publish(topic, payload, qos=1)

    def keep_cdr(self, **fields: Any) -> None:
        """Store a closed contact."""
        self._store.write(Batch(rows={("cdr", str(fields["contact"])): fields}))

    async def shows(self, view: AgentView | QueueView) -> None:
        """Publish a retained view."""
        if isinstance(view, AgentView):
            self.agents[view.agent] = view
            await self._state("agent", view.agent, asdict(view))
        else:
            await self._state("queue", view.queue, asdict(view))

    async def takes_over(self, view: AgentView | None, supervisor: str = "supervisor") -> None:
        """Publish the call that a supervisor has taken over; None: it is done with."""
        if view is not None:
            await self._state("supervisor", supervisor, asdict(view))
        else:
            await self._client.publish(
                envelope.state_topic("supervisor", supervisor), b"", qos=1, retain=True
            )

    async def changes(self, agent: str, **fields: Any) -> AgentView:
        """Publish an agent's view with some fields changed, a new version, and `since_at` now."""
        old = self.agents[agent]
        view = replace(old, **{"state_version": old.state_version + 1, "since_at": time.time(), **fields})
        await self.shows(view)
        return view

    async def _state(self, kind: str, id_: str, data: dict[str, Any]) -> None:
        message = StateMessage(envelope.rfc3339(time.time()), data)
        await self._client.publish(
            envelope.state_topic(kind, id_), envelope.encode(message), qos=1, retain=True
        )

    # --- what it hears -----------------------------------------------------------------------------

    def heard(self, name: str) -> list[Request]:
        return [request for _, request in self.requests if request.name == name]

    def answered_at(self, name: str) -> list[float]:
        """The moments (perf_counter) at which requests of this name came."""
        return [moment for moment, request in self.requests if request.name == name]

    async def until_heard(self, name: str, count: int = 1, *, within: float = 5.0) -> Request:
        """The `count`-th request of this name."""
        await until(lambda: len(self.heard(name)) >= count, f"{count} x {name}", within=within)
        return self.heard(name)[count - 1]
