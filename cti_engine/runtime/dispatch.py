"""Commands on their way: each waits, stored, until its peer has done it; a peer that comes back gets the rest."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from cti_engine.core.commands import Command, DialLeg, EdgeCommand, PlayPrompts, Prompt
from cti_engine.ports import PromptFiles, StoredCommand
from cti_engine.wire.link import Hello, Peer
from cti_engine.wire.tokens import TOKEN_HEADER, issue_token
from cti_engine.wire.vocabulary import command_from, to_plain

EDGE = "edge"
"""Commands for the edge are addressed to this name, whichever edge process is connected."""
TOKEN_LIFE = 30.0

_log = logging.getLogger("cti.dispatch")

NothingToPlay = Callable[[PlayPrompts], None]


def address_of(peer: Peer | Hello) -> str:
    """The name under which commands for this peer wait."""
    if peer.kind == EDGE:
        return EDGE
    return peer.name if isinstance(peer, Peer) else peer.peer


class Dispatch:
    """`on_nothing_to_play` is told of a prompt list of which no file exists, so that its flow goes on."""

    def __init__(
        self,
        pending: list[StoredCommand],
        last: int,
        *,
        prompts: PromptFiles,
        secret: bytes,
        on_nothing_to_play: NothingToPlay,
    ) -> None:
        self._prompts = prompts
        self._secret = secret
        self._on_nothing_to_play = on_nothing_to_play
        self._last = last
        self._peers: dict[str, Peer] = {}
        self._pending: dict[str, dict[int, StoredCommand]] = {}
        for command in pending:
            self._pending.setdefault(command.peer, {})[command.seq] = command

    def stored_form(self, command: Command) -> StoredCommand:
        """Number a command; it may be sent once it is stored."""
        self._last += 1
        type_, body = to_plain(command)
        return StoredCommand(
            self._last, EDGE if isinstance(command, EdgeCommand) else body["worker"], type_, body
        )

    def send(self, command: StoredCommand) -> None:
        self._pending.setdefault(command.peer, {})[command.seq] = command
        peer = self._peers.get(command.peer)
        if peer is not None:
            self._transmit(peer, command)

    def connected(self, peer: Peer, hello: Hello) -> list[int]:
        """Send what waits for this peer. Returns the numbers that it had done already."""
        name = address_of(peer)
        self._peers[name] = peer
        done = self.acknowledged(peer, hello.received)
        for command in list(self._pending.get(name, {}).values()):
            self._transmit(peer, command)
        return done

    def acknowledged(self, peer: Peer, seq: int) -> list[int]:
        """The peer has done everything up to `seq`; returns what need not be stored any longer."""
        waiting = self._pending.get(address_of(peer), {})
        done = [number for number in waiting if number <= seq]
        for number in done:
            del waiting[number]
        return done

    def gone(self, peer: Peer) -> None:
        if self._peers.get(address_of(peer)) is peer:
            del self._peers[address_of(peer)]

    def forget(self, name: str) -> list[int]:
        """A peer that will never come back; returns its commands' numbers."""
        return list(self._pending.pop(name, {}))

    def _transmit(self, peer: Peer, stored: StoredCommand) -> None:
        try:
            frame = self._wire_form(command_from(stored.type, stored.body))
        except (KeyError, ValueError) as error:  # stored by another version of this program
            _log.error("command %d %s cannot be sent: %s", stored.seq, stored.type, error)
            return
        if frame is not None:
            peer.send(stored.seq, *frame)

    def _wire_form(self, command: Command) -> tuple[str, dict[str, Any]] | None:
        type_, body = to_plain(command)
        if isinstance(command, DialLeg):
            token = issue_token(self._secret, command.leg, command.target, time.time() + TOKEN_LIFE)
            body["headers"] = {**command.headers, TOKEN_HEADER: token}
        elif isinstance(command, PlayPrompts):
            files = [str(file) for prompt in command.prompts for file in self._files(prompt)]
            if not files:
                self._on_nothing_to_play(command)
                return None
            play = {"leg": command.leg, "playback": command.playback, "files": files}
            return "PlayFiles", {**play, "stop_on_digit": command.stop_on_digit, "repeat": command.repeat}
        return type_, body

    def _files(self, prompt: Prompt) -> list[Any]:
        try:
            return list(self._prompts.files(prompt))
        except KeyError as error:
            _log.error("prompt was never made, left out: %s", error)
            return []
