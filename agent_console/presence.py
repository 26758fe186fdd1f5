"""Which agents have a desk in front of them, told to the engine: it holds the ring for a pop only then.

A desk in a hidden tab paints nothing, so it does not count. The engine forgets pages when it restarts,
so all of them are told again whenever it comes back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cti_engine.adapters.lean_mqtt import aiomqtt
from cti_engine.wire import envelope

Tell = Callable[[str, str, dict[str, Any]], None]  # agent, request, arguments


def last_words(client: str) -> aiomqtt.Will:
    """What the broker says for a console that died: the engine closes all pages named `CLIENT/...`.

    Not retained: an engine that starts later knows of no pages anyway.
    """
    message = envelope.StateMessage(envelope.rfc3339(0.0), {"console": client, "up": False})
    return aiomqtt.Will(envelope.state_topic("console", client), envelope.encode(message), qos=1)


class Presence:
    """Pages by id. `tell` publishes; while the engine is away nothing is told, for it would expire."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._visible: dict[str, str] = {}  # page to agent
        self._engine_up = False

    def show(self, page: str, agent: str) -> None:
        """The desk of `agent` came in front on `page`."""
        if page not in self._visible:
            self._visible[page] = agent
            self._say("PageOpened", page, agent)

    def hide(self, page: str) -> None:
        """The desk on `page` is closed or hidden."""
        agent = self._visible.pop(page, None)
        if agent is not None:
            self._say("PageClosed", page, agent)

    def on_engine(self, up: bool) -> None:
        self._engine_up = up
        for page, agent in self._visible.items():
            self._say("PageOpened", page, agent)

    def _say(self, name: str, page: str, agent: str) -> None:
        if self._engine_up:
            self._tell(agent, name, {"page": page})
