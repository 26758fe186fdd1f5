"""Who hears whom, as one matrix: what is wanted is stated whole, and the difference to what is, is done.

Ports are fetched when they are connected and never kept: a stale AudioMedia connects silently.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

import pjsua2.pjsua2 as pj

Pair = tuple[str, str]
_log = logging.getLogger("cti.worker")


def difference(present: set[Pair], wanted: set[Pair]) -> tuple[set[Pair], set[Pair]]:
    """(what to connect, what to disconnect) to get from `present` to `wanted`."""
    return wanted - present, present - wanted


class Conference:
    """Named ports, and layers of (source, sink) pairs whose union is the matrix."""

    def __init__(self) -> None:
        self._ports: dict[str, Callable[[], Any | None]] = {}
        self._layers: dict[str, set[Pair]] = {}
        self._present: set[Pair] = set()

    def add(self, port: str, fetch: Callable[[], Any | None]) -> None:
        """`fetch` gives the AudioMedia of now, or None while there is no audio."""
        self._ports[port] = fetch

    def remove(self, port: str) -> None:
        """Disconnect a port that still exists and forget it; also from every layer."""
        for name, pairs in list(self._layers.items()):
            self.want(name, {pair for pair in pairs if port not in pair})
        self._ports.pop(port, None)

    def want(self, layer: str, pairs: Iterable[Pair]) -> None:
        """Replace one layer; empty removes it. Pairs of ports without audio wait until they have it."""
        wanted = set(pairs)
        if wanted:
            self._layers[layer] = wanted
        else:
            self._layers.pop(layer, None)
        self._apply()

    def layer(self, name: str) -> set[Pair]:
        return set(self._layers.get(name, ()))

    def renewed(self, port: str) -> None:
        """pjsua2 has made a new port for this leg: the old connections went with the old one."""
        self._present = {pair for pair in self._present if port not in pair}
        self._apply()

    @property
    def empty(self) -> bool:
        return not self._present and not self._layers

    def _apply(self) -> None:
        wanted = set().union(*self._layers.values())
        connect, disconnect = difference(self._present, wanted)
        for pair in disconnect:
            self._present.discard(pair)
            self._change(pair, connect=False)
        for pair in connect:
            if self._change(pair, connect=True):
                self._present.add(pair)

    def _change(self, pair: Pair, *, connect: bool) -> bool:
        source, sink = (self._audio(port) for port in pair)
        if source is None or sink is None:
            return False
        try:
            if connect:
                source.startTransmit(sink)
            else:
                source.stopTransmit(sink)
        except pj.Error as error:
            _log.warning("audio path %s -> %s: %s", *pair, error.info())
            return False
        return True

    def _audio(self, port: str) -> Any | None:
        fetch = self._ports.get(port)
        return fetch() if fetch is not None else None
