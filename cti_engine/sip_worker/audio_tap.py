"""What a leg says, in frames of 20 ms, in the loop's thread: one native port per leg, only while somebody listens.

A port calls Python for each frame also while nothing is connected to it, so none is kept idle. Its native half is
destroyed while the Python half is still whole, because the media thread may be inside a callback at that moment.
"""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Callable
from typing import Any

import pjsua2.pjsua2 as pj

from cti_engine.sip_worker.conference import Conference
from cti_engine.sip_worker.guard import survives

RATE = 8000
FRAME_BYTES = 320
"""20 ms of mono 16-bit samples, low byte first."""
BURIAL = 0.15
"""Seconds that a port's Python half outlives the native one: the media thread may still be leaving it."""
_BEGIN_AND_END = ctypes.POINTER(ctypes.c_void_p)

OnFrame = Callable[[bytes], None]


class _Port(pj.AudioMediaPort):  # type: ignore[misc]  # the wheel has no types
    """`onFrameReceived` runs in a native thread and must not touch pjsua2: it copies the frame and wakes the loop."""

    def __init__(self, on_frame: OnFrame) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._on_frame = on_frame
        form = pj.MediaFormatAudio()
        form.init(pj.PJMEDIA_FORMAT_PCM, RATE, 1, 20_000, 16)
        self.createPort("tap", form)

    @survives
    def onFrameReceived(self, frame: Any) -> None:
        if frame.size != FRAME_BYTES:
            return  # the heart-beat of a port that nothing is connected to
        # The vector's own memory, read through its begin and end: `bytes(frame.buf)` costs five times more.
        vector = ctypes.cast(int(frame.buf.this), _BEGIN_AND_END)
        self._loop.call_soon_threadsafe(self._on_frame, ctypes.string_at(vector[0], FRAME_BYTES))

    def destroy(self) -> None:
        """Take the native half away. Nothing of the port may be called afterwards."""
        self.__swig_destroy__(self)


class _Tap:
    def __init__(self) -> None:
        self.listeners: dict[str, OnFrame] = {}
        self.port = _Port(self._frame)

    def _frame(self, pcm: bytes) -> None:
        for on_frame in list(self.listeners.values()):
            on_frame(pcm)


class AudioTaps:
    """The taps of this worker's legs; several listeners of one leg, told apart by name, share its port.

    A frame is `FRAME_BYTES` of 8 kHz mono s16le; between start and stop there is one for each 20 ms, silence (or
    what the jitter buffer makes up) while the phone sends nothing; none while the leg has no audio at all.
    """

    def __init__(self, conference: Conference) -> None:
        self._conference = conference
        self._taps: dict[str, _Tap] = {}
        self._dying: list[_Tap] = []

    @property
    def clean(self) -> bool:
        return not self._taps and not self._dying

    def start(self, leg: str, listener: str, on_frame: OnFrame) -> None:
        """Tell `on_frame` each frame of the leg from now on, in the place of what this listener had before.

        Raises pj.Error when no port can be made.
        """
        tap = self._taps.get(leg)
        if tap is None:
            tap = self._taps[leg] = _Tap()
            port = f"tap of {leg}"
            self._conference.add(port, lambda: tap.port)
            self._conference.want(port, [(leg, port)])
        tap.listeners[listener] = on_frame

    def stop(self, leg: str, listener: str) -> None:
        """Not a frame comes after this returns. Nothing to stop is no fault."""
        tap = self._taps.get(leg)
        if tap is not None:
            tap.listeners.pop(listener, None)
            if not tap.listeners:
                self._drop(leg)

    def stop_all(self, leg: str) -> None:
        """The leg is over."""
        if leg in self._taps:
            self._drop(leg)

    def _drop(self, leg: str) -> None:
        tap = self._taps.pop(leg)
        tap.listeners.clear()  # frames that are on their way into the loop find nobody
        self._conference.remove(f"tap of {leg}")
        tap.port.destroy()
        self._dying.append(tap)
        asyncio.get_running_loop().call_later(BURIAL, self._dying.pop, 0)
