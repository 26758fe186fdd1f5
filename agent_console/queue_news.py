"""The queues' views for the pages: of each queue the newest, at most five times a second, written once for all pages.

In a busy center every queue changes all the time. Pages are told in turns, so that an event, which may be somebody's
pop, never waits in the loop for two hundred pages' worth of numbers.
"""

from __future__ import annotations

from collections.abc import Callable

from agent_console import page_messages
from cti_engine.wire.envelope import Envelope, StateMessage

EVERY = 0.2  # seconds between two looks of a page at the queues
TURNS = 10

Push = Callable[[str], None]


class _Turn:
    """Pages that are told together, and the queues that they do not know the newest of."""

    __slots__ = ("changed", "pages")

    def __init__(self) -> None:
        self.pages: dict[str, Push] = {}
        self.changed: dict[str, None] = {}


class QueueNews:
    """Listens to the feed. `later(seconds, call)` calls back once, as the loop's `call_later` does."""

    def __init__(self, later: Callable[[float, Callable[[], None]], object]) -> None:
        self._later = later
        self._newest: dict[str, StateMessage | None] = {}
        self._written: dict[str, str] = {}  # of the newest, once somebody is told
        self._turns = [_Turn() for _ in range(TURNS)]
        self._next = 0
        self._running = False

    def listen(self, page: str, push: Push) -> None:
        """`push` gets what changes from now on; what is now is in the page's snapshot."""
        min(self._turns, key=lambda turn: len(turn.pages)).pages[page] = push

    def leave(self, page: str) -> None:
        for turn in self._turns:
            turn.pages.pop(page, None)

    # --- the feed ------------------------------------------------------------------------------

    def on_state(self, kind: str, id_: str, message: StateMessage | None) -> None:
        if kind != "queue":
            return
        self._newest[id_] = message
        self._written.pop(id_, None)
        for turn in self._turns:
            turn.changed[id_] = None
        if not self._running:
            self._running = True
            self._later(EVERY / TURNS, self._tell)

    def on_event(self, message: Envelope) -> None:
        """Facts are of no interest here: the states have all of them."""

    def on_engine(self, up: bool) -> None:
        """Whatever the queues were, they are until the engine says otherwise."""

    # --- the pages -----------------------------------------------------------------------------

    def _tell(self) -> None:
        turn = self._turns[self._next]
        self._next = (self._next + 1) % TURNS
        texts = [self._text(id_) for id_ in turn.changed] if turn.pages else []
        turn.changed.clear()
        for push in turn.pages.values():
            for text in texts:
                push(text)
        self._running = any(turn.changed for turn in self._turns)
        if self._running:
            self._later(EVERY / TURNS, self._tell)

    def _text(self, id_: str) -> str:
        if id_ not in self._written:
            message = self._newest[id_]
            data = None if message is None else message.data
            self._written[id_] = page_messages.state("queue", id_, data)
        return self._written[id_]
