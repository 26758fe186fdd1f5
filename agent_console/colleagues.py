"""Who of an agent's colleagues is here: those who share a queue, by name and in one word, and nothing else of them.

Told together, at most once a second, and written once for all pages whose agents have the same queues: in a room of
two hundred somebody changes all the time. Who is logged out is not here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from agent_console import page_messages
from cti_engine.wire.envelope import Envelope, StateMessage

EVERY = 1.0  # seconds

Push = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Colleague:
    """`is_`: `free` could be given a call at once; `away` is not ready or has no phone."""

    name: str
    is_: Literal["free", "busy", "away"]
    queues: frozenset[str]

    def shown(self) -> dict[str, str]:
        return {"name": self.name, "is": self.is_}


@dataclass(slots=True)
class _Listener:
    agent: str
    push: Push
    queues: frozenset[str]


class Colleagues:
    """Listens to the feed. `later(seconds, call)` calls back once, as the loop's `call_later` does."""

    def __init__(self, later: Callable[[float, Callable[[], None]], object]) -> None:
        self._later = later
        self._known: dict[str, Colleague] = {}
        self._in_queue: dict[str, set[str]] = {}
        self._queues_of: dict[str, frozenset[str]] = {}  # also of who is logged out: their page may be open
        self._pages: dict[str, _Listener] = {}
        self._changed: dict[str, Colleague | None] = {}  # what is not told yet, as it was before

    def of(self, agent: str) -> dict[str, dict[str, str]]:
        """The colleagues of `agent` as they are now, by id."""
        queues = self._queues_of.get(agent, frozenset())
        return {id_: one.shown() for id_, one in self._here(queues) if id_ != agent}

    def listen(self, page: str, agent: str, push: Push) -> None:
        """`push` gets all of the agent's colleagues now, and from then on what changes."""
        queues = self._queues_of.get(agent, frozenset())
        self._pages[page] = _Listener(agent, push, queues)
        push(self._all(queues))

    def leave(self, page: str) -> None:
        self._pages.pop(page, None)

    # --- the feed ------------------------------------------------------------------------------

    def on_state(self, kind: str, id_: str, message: StateMessage | None) -> None:
        if kind != "agent":
            return
        view = {} if message is None else message.data
        had, queues = self._queues_of.get(id_), frozenset(view.get("queues", ()))
        self._queues_of[id_] = queues
        before, now = self._known.get(id_), _colleague(id_, view, queues)
        if before == now and had == queues:
            return
        if not self._changed:
            self._later(EVERY, self._tell)
        self._changed.setdefault(id_, before)
        self._set(id_, before, now)

    def on_event(self, message: Envelope) -> None:
        """Facts are of no interest here: the states have all of them."""

    def on_engine(self, up: bool) -> None:
        """Whoever was here is here until the engine says otherwise."""

    def _set(self, id_: str, before: Colleague | None, now: Colleague | None) -> None:
        for queue in before.queues if before else ():
            self._in_queue[queue].discard(id_)
        for queue in now.queues if now else ():
            self._in_queue.setdefault(queue, set()).add(id_)
        if now is None:
            self._known.pop(id_, None)
        else:
            self._known[id_] = now

    # --- the pages -----------------------------------------------------------------------------

    def _tell(self) -> None:
        changed, self._changed = self._changed, {}
        touched: dict[str, set[str]] = {}
        for id_, before in changed.items():
            for one in (before, self._known.get(id_)):
                for queue in one.queues if one else ():
                    touched.setdefault(queue, set()).add(id_)
        written: dict[frozenset[str], str] = {}
        for page in tuple(self._pages.values()):
            queues = self._queues_of.get(page.agent, frozenset())
            if queues != page.queues:
                page.queues = queues
                page.push(self._all(queues))
                continue
            ids = {id_ for queue in queues for id_ in touched.get(queue, ())}
            if ids:
                if queues not in written:
                    written[queues] = self._what_changed(ids, queues)
                page.push(written[queues])

    def _all(self, queues: frozenset[str]) -> str:
        return page_messages.colleagues(dict(_shown(self._here(queues))), [], all_=True)

    def _what_changed(self, ids: Iterable[str], queues: frozenset[str]) -> str:
        here = {id_: one for id_ in ids if (one := self._known.get(id_)) and one.queues & queues}
        gone = [id_ for id_ in ids if id_ not in here]
        return page_messages.colleagues(dict(_shown(here.items())), gone, all_=False)

    def _here(self, queues: frozenset[str]) -> list[tuple[str, Colleague]]:
        ids = {id_ for queue in queues for id_ in self._in_queue.get(queue, ())}
        return [(id_, self._known[id_]) for id_ in sorted(ids)]


def _shown(colleagues: Iterable[tuple[str, Colleague]]) -> Iterable[tuple[str, dict[str, str]]]:
    return ((id_, one.shown()) for id_, one in colleagues)


def _colleague(id_: str, view: dict[str, Any], queues: frozenset[str]) -> Colleague | None:
    status = view.get("status", "logged_out")
    if status == "logged_out":
        return None
    if view.get("state") != "idle":
        return Colleague(str(view.get("name", id_)), "busy", queues)
    free = status == "ready" and view.get("phone") is True
    return Colleague(str(view.get("name", id_)), "free" if free else "away", queues)
