"""The engine: signals in, the ACD decides, the ledger stores, and only then commands go out and events are published.

One loop, one writer. Everything that can wait (look-ups, the broker, the store) waits elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
import signal as unix_signals
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from cti_engine.core.acd import Acd
from cti_engine.core.commands import CallService, LookUp, PlayPrompts, Reply, SetDialledNumbers
from cti_engine.core.definitions import CenterDefinitions
from cti_engine.core.routing.build import make_index
from cti_engine.core.signals import (
    EdgeSeen,
    PlaybackEnded,
    Restarted,
    Signal,
    TimePassed,
    WorkerLost,
    WorkerSeen,
)
from cti_engine.ports import CustomerLookup, PromptFiles, Store, StoredEvent, StoreUnavailable
from cti_engine.runtime.crm import CrmQuestions
from cti_engine.runtime.dispatch import Dispatch
from cti_engine.runtime.garbage import without_collections
from cti_engine.runtime.ledger import Gathered, Ledger
from cti_engine.runtime.lookups import LookUps
from cti_engine.runtime.service_calls import ServiceCalls
from cti_engine.runtime.stored_rows import read_rows
from cti_engine.runtime.views import Views
from cti_engine.wire.clock import Clock
from cti_engine.wire.link import Frame, Hello, LinkServer, Peer
from cti_engine.wire.tasks import spawn
from cti_engine.wire.vocabulary import signal_from, to_plain

CLOCK_CHECK = 10.0
HOUSE_EVERY = 3600.0

_T = TypeVar("_T")
_log = logging.getLogger("cti.engine")


class Engine:
    """Everything below is called in one loop; secrets' files are relative to `home`. Raises StoreUnavailable when the
    store cannot be loaded, or was written by another version.
    """

    def __init__(
        self,
        store: Store,
        definitions: CenterDefinitions,
        customers: CustomerLookup,
        prompts: PromptFiles,
        *,
        home: Path,
        secret: bytes,
        utc_offset: float,
    ) -> None:
        self.clock = Clock()
        self.epoch = store.open_epoch()
        loaded = store.load()
        stored = read_rows(store, loaded)
        self.acd = Acd(definitions, utc_offset=utc_offset, seed=secret.hex())
        self.acd.load(stored.rows)
        self.published_to = loaded.published_to
        self._seq = loaded.last_seq
        # The last signal of each peer: (session, seq) that is stored, and that has been decided on.
        self._stored = {
            id_: (str(doc.get("session", "")), int(doc.get("seq", 0)))
            for (kind, id_), doc in loaded.rows.items()
            if kind == "link"
        }
        self._decided = dict(self._stored)
        self.webhooks_to = {
            id_: int(doc.get("seq", 0)) for (kind, id_), doc in loaded.rows.items() if kind == "webhook"
        }
        self._publish: Callable[[Gathered], None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for: float | None = None
        self._views_timer = False
        self._views = Views(self.acd)
        self._ledger = Ledger(store, self._close_batch, self._act)
        self._ledger.open.rows.update(stored.written)
        self._dispatch = Dispatch(
            loaded.commands,
            loaded.last_command,
            prompts=prompts,
            secret=secret,
            on_nothing_to_play=self._nothing_to_play,
        )
        self._crm = CrmQuestions(home)
        self._look_ups = LookUps(customers, self.take, self._crm)
        self._service_calls = ServiceCalls(home, self.take)
        self._server = LinkServer(
            self.epoch,
            on_connected=self._connected,
            on_frame=self._frame,
            on_gone=self._dispatch.gone,
            on_acknowledged=self._acknowledged,
            received=self._held_of,
        )

    @property
    def last_seq(self) -> int:
        """The number of the last event."""
        return self._seq

    @property
    def definitions(self) -> CenterDefinitions:
        """The set in force."""
        return self.acd.center.definitions

    async def start(
        self,
        address: str,
        publish: Callable[[Gathered], None],
        on_store_health: Callable[[str], None],
    ) -> None:
        """Listen at `address` and reconcile with what lives: deadlines get their grace, then peers say hello.

        `publish(gathered)` hands stored facts to the bus and never blocks; `on_store_health(problem)` is told
        when the store goes away, and with an empty text when it is back.
        """
        self._publish = publish
        self._ledger.on_health = on_store_health
        self._ledger_task = spawn(self._ledger.run(), "ledger", on_crash=_die)
        self.take(Restarted())
        spawn(self._watch_clock(), "clock")
        await self._server.start(address)

    # --- signals in ----------------------------------------------------------------------------

    def take(self, signal: Signal, *, age: float = 0.0) -> None:
        """One signal, `age` seconds old. Decides at once; acts when it is stored."""
        now = self.clock.now()
        outcome = self.acd.handle(signal, now, now - age)
        for text in outcome.anomalies:
            _log.warning("anomaly after %s: %s", type(signal).__name__, text)
        gathered = self._ledger.open
        gathered.rows.update(outcome.rows)
        for at, event in outcome.events:
            self._seq += 1
            name, data = to_plain(event)
            contact = data.pop("contact", "")
            gathered.events.append(StoredEvent(self._seq, at, name, contact, data))
        for command in outcome.commands:
            match command:
                case Reply():
                    gathered.replies.append(command)
                case LookUp():
                    gathered.look_ups.append(command)
                case CallService():
                    gathered.service_calls.append(command)
                case _:
                    gathered.commands.append(self._dispatch.stored_form(command))
        gathered.seen.update(("agent", id_) for id_ in outcome.agents)
        gathered.seen.update(("queue", id_) for id_ in outcome.queues)
        gathered.seen.update(("supervisor", id_) for id_ in outcome.supervisors)
        self._ledger.wake()
        self._arm()

    def install(self, definitions: CenterDefinitions) -> None:
        """Take a new validated set; running calls keep the flow version they began with."""
        self.acd.install(definitions)
        self._tell_dialled_numbers()
        self.take(TimePassed())

    async def reload(self, definitions: CenterDefinitions) -> None:
        """The same, without a halt: what follows from rules and agents is made in a thread."""
        with without_collections():
            in_use = self.acd.center.matcher.pools_in_use()
            index = await asyncio.to_thread(make_index, definitions, in_use)
            self.acd.install(definitions, index)
            for _ in range(2):  # the loop finds what is due, and does it; any signal gives the new set effect
                await asyncio.sleep(0)
            self._tell_dialled_numbers()
            self.take(TimePassed())

    def _tell_dialled_numbers(self) -> None:
        """The edge refuses what nobody may dial, before it costs a worker."""
        numbers = tuple(sorted(self.acd.center.definitions.all_numbers))
        self._ledger.open.commands.append(self._dispatch.stored_form(SetDialledNumbers(numbers)))

    def _arm(self) -> None:
        deadline = self.acd.next_deadline()
        if deadline == self._armed_for:
            return
        self._armed_for = deadline
        if self._timer is not None:
            self._timer.cancel()
        delay = max(0.0, deadline - self.clock.now())
        self._timer = asyncio.get_running_loop().call_later(delay, self._due)

    def _due(self) -> None:
        self._armed_for = None
        self.take(TimePassed())

    # --- links ---------------------------------------------------------------------------------

    def _held_of(self, hello: Hello) -> int:
        session, seq = self._stored.get(hello.peer, ("", 0))
        return seq if session == hello.session else 0

    def _connected(self, peer: Peer, hello: Hello) -> None:
        self._ledger.open.done += self._dispatch.connected(peer, hello)
        match hello.kind:
            case "worker":
                self.take(WorkerSeen(hello.peer, tuple(hello.body.get("legs", ()))))
            case "edge":
                self._tell_dialled_numbers()
                self.take(EdgeSeen(tuple(hello.body.get("users", ()))))
            case _:
                _log.info("connected: %s", hello.peer)

    def _frame(self, peer: Peer, frame: Frame) -> None:
        session, seq = self._decided.get(peer.name, ("", 0))
        if session == peer.session and frame.seq <= seq:
            return  # sent again on a new connection before the batch that holds it was stored
        self._decided[peer.name] = (peer.session, frame.seq)
        self._ledger.open.acks[peer.name] = (peer.session, frame.seq)
        try:
            signal = signal_from(frame.type, frame.body)
        except (KeyError, msgspec.ValidationError) as error:
            _log.warning("%s sent a frame %s that is no signal: %s", peer.name, frame.type, error)
            self._ledger.wake()
            return
        self.take(signal, age=frame.age)
        if isinstance(signal, WorkerLost):
            self._forget_worker(signal.worker)

    def _forget_worker(self, worker: str) -> None:
        self._decided.pop(worker, None)
        self._stored.pop(worker, None)
        gathered = self._ledger.open
        gathered.acks.pop(worker, None)
        gathered.rows[("link", worker)] = None
        gathered.done += self._dispatch.forget(worker)

    def _acknowledged(self, peer: Peer, seq: int) -> None:
        done = self._dispatch.acknowledged(peer, seq)
        if done:
            self._ledger.open.done += done
            self._ledger.wake()

    # --- after storing -------------------------------------------------------------------------

    def _act(self, gathered: Gathered) -> None:
        for command in gathered.commands:
            self._dispatch.send(command)
        self._stored.update(gathered.acks)
        for name, (session, seq) in gathered.acks.items():
            peer = self._server.peers.get(name)
            if peer is not None and peer.session == session:
                peer.acknowledge(seq)
        for look_up in gathered.look_ups:
            self._look_ups.start(look_up, self.definitions.crm)
        for call in gathered.service_calls:
            self._service_calls.start(call, self.definitions.services)
        if self._publish is not None:
            self._publish(gathered)

    def published(self, seq: int) -> None:
        """The broker has everything up to `seq`."""
        if seq > self.published_to:
            self.published_to = seq
            self._ledger.open.published_to = seq  # goes along with the next batch: no write of its own

    def delivered(self, webhook: str, seq: int | None) -> None:
        """This webhook has everything up to `seq`; None: there is no such webhook any more."""
        self._ledger.open.rows[("webhook", webhook)] = None if seq is None else {"seq": seq}

    def _close_batch(self, gathered: Gathered) -> None:
        gathered.views, later = self._views.due(gathered.seen, self.clock.now())
        if later is not None and not self._views_timer:
            self._views_timer = True
            asyncio.get_running_loop().call_later(later, self._publish_late_views)

    def _publish_late_views(self) -> None:
        self._views_timer = False
        self._ledger.wake()

    def views(self) -> dict[tuple[str, str], Any]:
        """The retained state of all agents and queues, to publish again on every connect."""
        return self._views.all()

    def _nothing_to_play(self, command: PlayPrompts) -> None:
        self.take(PlaybackEnded(command.worker, command.leg, command.playback, False))

    async def in_store(self, work: Callable[[Store], _T]) -> _T:
        """See Ledger."""
        return await self._ledger.in_store(work)

    async def settle(self, within: float) -> None:
        """Until all that was decided is stored, so many seconds at most."""
        self._ledger.wake()
        await self._ledger.settle(within)

    async def keep_house(self, keep_events: float) -> None:
        """Once an hour: forget events older than `keep_events` seconds. CDRs stay."""
        while True:
            try:
                pruned = await self._ledger.prune(self.clock.now() - keep_events)
            except StoreUnavailable as error:
                _log.warning("old events stay for now: %s", error)
            else:
                if pruned:
                    _log.info("%d old events forgotten", pruned)
            await asyncio.sleep(HOUSE_EVERY)

    async def _watch_clock(self) -> None:
        """A step of the machine's clock is logged and moves only printed times (decision 7)."""
        drift = self.clock.drift()
        while True:
            await asyncio.sleep(CLOCK_CHECK)
            if abs(self.clock.drift() - drift) > 0.5:
                drift = self.clock.drift()
                _log.warning("the machine's clock now differs by %+.1f s from the engine's", drift)

    async def close(self) -> None:
        """Store what has been gathered, then let go of the links; calls go on without us."""
        if self._timer is not None:
            self._timer.cancel()
        self._ledger.wake()
        await self._ledger.settle(5.0)
        self._ledger.close()
        await self._server.close()
        self._look_ups.close()
        await self._crm.close()
        await self._service_calls.close()


def _die(error: BaseException) -> None:
    """A crash of the writer must not leave an engine that decides but never acts: the supervisor restarts it."""
    _log.critical("the ledger crashed, the engine stops: %s", error)
    unix_signals.raise_signal(unix_signals.SIGKILL)
