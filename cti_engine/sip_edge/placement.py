"""Which worker gets the next call: the free one that has been free longest, and who waits when none is.

Workers report their slot themselves, and which agents' phones are in a call there. A worker that was given a call is
free again only when it says so; one that stays silent about it loses its link, and introduces itself again when it
reconnects.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cti_engine.sip_edge.config import Limits
from cti_engine.sip_edge.counters import Counters
from cti_engine.sip_edge.hop import Hop
from cti_engine.wire.link import Frame, Hello, LinkServer, Peer

_SESSIONS_REMEMBERED = 10_000
_ACKNOWLEDGE_AFTER = 0.1  # seconds: one frame for what a worker has said meanwhile
_log = logging.getLogger("cti.edge.placement")


@dataclass(slots=True)
class _Worker:
    peer: Peer
    hop: Hop | None = None
    free: bool = False
    agents: frozenset[str] = frozenset()
    next_at: float = 0.0
    watch: asyncio.TimerHandle | None = None


@dataclass(slots=True, eq=False)
class Waiting:
    """An INVITE that waits for a worker. `placed` gets the worker's hop, `refused` is called when time is up."""

    placed: Callable[[Hop], None]
    refused: Callable[[], None]
    timer: asyncio.TimerHandle | None = None


class Placement:
    """The pool as the edge sees it, and the queue of INVITEs that wait for it, first come first served."""

    def __init__(self, limits: Limits, counters: Counters) -> None:
        self._limits = limits
        self._counters = counters
        self._workers: dict[str, _Worker] = {}
        self._free: OrderedDict[str, _Worker] = OrderedDict()
        self._waiting: deque[Waiting] = deque()
        self._sessions: OrderedDict[str, int] = OrderedDict()
        self._unacknowledged: dict[Peer, int] = {}
        self._server = LinkServer(
            0,
            on_connected=self._connected,
            on_frame=self._frame,
            on_gone=self._gone,
            received=lambda hello: self._sessions.get(hello.session, 0),
        )

    async def start(self, address: str) -> None:
        await self._server.start(address)

    async def close(self) -> None:
        for waiting in list(self._waiting):
            self._refuse(waiting)
        await self._server.close()

    @property
    def free(self) -> int:
        return len(self._free)

    def worker_of(self, user: str) -> Hop | None:
        """Where this agent's phone is in a call now; None when it is in none."""
        return next((worker.hop for worker in self._workers.values() if user in worker.agents), None)

    # --- who asks ---------------------------------------------------------------------------------

    def place(self, waiting: Waiting) -> None:
        """Give a worker at once, or as soon as one is free; refuse after `limits.hold` seconds."""
        if self._free and not self._waiting:
            self._give(waiting)
            return
        if len(self._waiting) >= self._limits.max_waiting:
            self._counters.add("placement.too_many_waiting")
            waiting.refused()
            return
        self._counters.add("placement.held")
        self._waiting.append(waiting)
        waiting.timer = asyncio.get_running_loop().call_later(self._limits.hold, self._refuse, waiting)

    def withdraw(self, waiting: Waiting) -> None:
        """The caller hung up before a worker was found. Harmless when it has been placed."""
        if waiting in self._waiting:
            self._waiting.remove(waiting)
        if waiting.timer is not None:
            waiting.timer.cancel()

    def _refuse(self, waiting: Waiting) -> None:
        self.withdraw(waiting)
        self._counters.add("placement.none_free")
        waiting.refused()

    def _give(self, waiting: Waiting) -> None:
        name, worker = self._free.popitem(last=False)
        loop = asyncio.get_running_loop()
        worker.free = False
        worker.next_at = loop.time() + 1.0 / self._limits.worker_rate
        if worker.watch is not None:
            worker.watch.cancel()
        worker.watch = loop.call_later(self._limits.worker_report, self._silent, name, worker)
        if waiting.timer is not None:
            waiting.timer.cancel()
        self._counters.add("placement.placed")
        assert worker.hop is not None
        waiting.placed(worker.hop)

    # --- who serves -------------------------------------------------------------------------------

    def _connected(self, peer: Peer, hello: Hello) -> None:
        self._forget(peer.name)
        self._workers[peer.name] = _Worker(peer)
        if "free" in hello.body:
            self._report(peer, hello.body)

    def _frame(self, peer: Peer, frame: Frame) -> None:
        self._sessions[peer.session] = frame.seq
        self._sessions.move_to_end(peer.session)
        if len(self._sessions) > _SESSIONS_REMEMBERED:
            self._sessions.popitem(last=False)
        if not self._unacknowledged:
            asyncio.get_running_loop().call_later(_ACKNOWLEDGE_AFTER, self._acknowledge)
        self._unacknowledged[peer] = frame.seq
        if frame.type == "Slots":
            self._report(peer, frame.body)

    def _acknowledge(self) -> None:
        for peer, seq in self._unacknowledged.items():
            peer.acknowledge(seq)
        self._unacknowledged.clear()

    def _report(self, peer: Peer, body: dict[str, Any]) -> None:
        worker = self._workers.get(peer.name)
        if worker is None or worker.peer is not peer:
            return  # the last words of a connection that another has replaced
        try:
            hop = Hop.parse(f"udp:{body['sip']}")
            free = bool(body["free"])
            agents = frozenset(map(str, body.get("agents", ())))
        except (KeyError, TypeError, ValueError):
            self._counters.add("placement.bad_report")
            _log.warning("worker %s reported %r", peer.name, body)
            return
        if worker.watch is not None:
            worker.watch.cancel()
            worker.watch = None
        worker.hop = hop
        worker.free, worker.agents = free, agents
        if not free:
            self._free.pop(peer.name, None)
            return
        loop = asyncio.get_running_loop()
        if worker.next_at > loop.time():
            worker.watch = loop.call_at(worker.next_at, self._usable, peer.name, worker)
        else:
            self._usable(peer.name, worker)

    def _usable(self, name: str, worker: _Worker) -> None:
        worker.watch = None
        self._free.setdefault(name, worker)
        while self._waiting and self._free:
            self._give(self._waiting.popleft())

    def _silent(self, name: str, worker: _Worker) -> None:
        """No report since it was given a call: the INVITE was lost, or the worker hangs. Have it say hello."""
        worker.watch = None
        self._counters.add("placement.silent_worker")
        _log.warning("worker %s has not reported since it was given a call", name)
        worker.peer.close()

    def _gone(self, peer: Peer) -> None:
        worker = self._workers.get(peer.name)
        if worker is not None and worker.peer is peer:
            self._forget(peer.name)

    def _forget(self, name: str) -> None:
        self._free.pop(name, None)
        worker = self._workers.pop(name, None)
        if worker is not None and worker.watch is not None:
            worker.watch.cancel()
