"""Plays sound files to legs without gaps: one native player for a file, one native playlist for a list.

pjmedia tells the end of a playlist when it has *read* it, up to one buffer (250 ms) before it should be heard, and
then loses or repeats that buffer. So a list ends with a buffer of silence, and it is silence that is lost or
repeated until we stop it. A single file is told exactly, and loops without a pause.
"""

from __future__ import annotations

import asyncio
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pjsua2.pjsua2 as pj

from cti_engine.sip_worker.conference import Conference
from cti_engine.sip_worker.guard import survives
from cti_engine.wire.worker_frames import PlayFiles

SILENCE_SAMPLES = 2200
"""PJMEDIA_FILE_PORT_BUFSIZE (4000 bytes) in 16-bit samples, and more than one frame: that is dropped at the end."""
FILES_MAX = 62
"""pjsua2 silently cuts a playlist at 64 files."""
BURIAL = 0.15
"""Seconds between disconnecting a player and destroying it: the media thread may still be telling its end."""


class Player(pj.AudioMediaPlayer):  # type: ignore[misc]  # the wheel has no types
    """`onEof2` runs in a native thread and must not touch pjsua2: it only wakes the loop."""

    def __init__(self, on_end: Callable[[], None]) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._on_end: Callable[[], None] | None = on_end

    @survives
    def onEof2(self) -> None:
        if self._on_end is not None:
            self._loop.call_soon_threadsafe(self._on_end)

    def forget(self) -> None:
        """Break the circle, so that the player dies when its last reference goes."""
        self._on_end = None


@dataclass(frozen=True, slots=True)
class _Playback:
    order: PlayFiles
    player: Player


class Prompts:
    """One playback per leg. `on_ended(leg, playback, completed)` is told once for each."""

    def __init__(
        self, conference: Conference, folder: Path, on_ended: Callable[[str, str, bool], None]
    ) -> None:
        self._conference = conference
        self._on_ended = on_ended
        self._playing: dict[str, _Playback] = {}
        self._dying: list[Player] = []
        self._silence = folder / "silence.wav"
        with wave.open(str(self._silence), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes(bytes(2 * SILENCE_SAMPLES))

    @property
    def clean(self) -> bool:
        return not self._playing and not self._dying

    def playing(self, leg: str) -> str:
        """The playback that `leg` hears, or an empty text."""
        return self._playing[leg].order.playback if leg in self._playing else ""

    def play(self, order: PlayFiles) -> None:
        """Replace what plays to the leg. Raises ValueError when the files cannot be played."""
        if not 0 < len(order.files) <= FILES_MAX:
            raise ValueError(f"{len(order.files)} files; 1 to {FILES_MAX} can be played")
        player = Player(lambda: self._ended(order))
        how = 0 if order.repeat else pj.PJMEDIA_FILE_NO_LOOP
        try:
            if len(order.files) == 1:
                player.createPlayer(order.files[0], how)
            else:
                player.createPlaylist(pj.StringVector([*order.files, str(self._silence)]), "", how)
        except pj.Error as error:
            player.forget()
            raise ValueError(f"{', '.join(order.files)}: {error.reason}") from None
        self.stop(order.leg)
        self._playing[order.leg] = _Playback(order, player)
        port = f"playback of {order.leg}"
        self._conference.add(port, lambda: self._media(order))
        self._conference.want(port, [(port, order.leg)])

    def _media(self, order: PlayFiles) -> Any | None:
        playback = self._playing.get(order.leg)
        return playback.player if playback is not None and playback.order is order else None

    def _ended(self, order: PlayFiles) -> None:
        playback = self._playing.get(order.leg)
        if playback is not None and playback.order is order and not order.repeat:
            self._finish(order.leg, completed=True)

    def stop(self, leg: str, playback: str = "") -> None:
        """Stop what plays to `leg` (only `playback`, if given). Nothing to stop is no fault: a legal race."""
        if leg in self._playing and playback in ("", self.playing(leg)):
            self._finish(leg, completed=False)

    def digit(self, leg: str) -> None:
        if leg in self._playing and self._playing[leg].order.stop_on_digit:
            self._finish(leg, completed=False)

    def _finish(self, leg: str, *, completed: bool) -> None:
        self._conference.remove(f"playback of {leg}")
        playback = self._playing.pop(leg)
        playback.player.forget()
        self._dying.append(playback.player)
        asyncio.get_running_loop().call_later(BURIAL, self._dying.pop, 0)
        self._on_ended(leg, playback.order.playback, completed)
