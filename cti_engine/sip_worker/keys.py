"""The keys of this worker's legs in all three ways: RFC 4733, SIP INFO and, where it is wanted, tones in the audio.

Keys are never logged: they may be a PIN or a card's number. The detector is imported only when a call needs it: numpy
is 15 MB and a tenth of a second, which most workers never spend.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pjsua2.pjsua2 as pj

from cti_engine.sip_worker.audio_tap import AudioTaps
from cti_engine.sip_worker.key_merger import KeyMerger
from cti_engine.wire.tasks import spawn

if TYPE_CHECKING:
    from cti_engine.sip_worker.dtmf_detector import DtmfDetector

INBAND = "inband"
_log = logging.getLogger("cti.worker")


@dataclass(slots=True)
class _Leg:
    merger: KeyMerger = field(default_factory=KeyMerger)
    listening: bool = False
    detector: DtmfDetector | None = None
    early: list[bytes] = field(default_factory=list)  # frames that came before the detector was there


class Keys:
    """`on_key(leg, key, way)` is told each press once, by the way that was first.

    `inband`: `auto` (only where the phone takes no telephone-event, RFC 4733), `always` or `never`.
    """

    def __init__(self, taps: AudioTaps, inband: str, on_key: Callable[[str, str, str], None]) -> None:
        self._taps = taps
        self._inband = inband
        self._on_key = on_key
        self._loop = asyncio.get_running_loop()
        self._legs: dict[str, _Leg] = {}

    def pressed(self, leg: str, key: str, way: str) -> None:
        """A report by SIP or RTP."""
        if self._legs.setdefault(leg, _Leg()).merger.pressed(key, way, self._loop.time()):
            self._on_key(leg, key, way)

    def listen(self, leg: str, wanted: bool, telephone_event: bool) -> None:
        """Whether keys of this leg mean something now, and whether it takes telephone-event."""
        known = self._legs.setdefault(leg, _Leg())
        on = wanted and (self._inband == "always" or (self._inband == "auto" and not telephone_event))
        if on and not known.listening:
            try:
                self._taps.start(leg, INBAND, lambda pcm: self._frame(leg, known, pcm))
            except pj.Error as error:
                _log.error("tones of %s are not listened to: %s", leg, error.reason)
                return
            known.listening = True
            spawn(self._start(known), f"listen for keys on {leg}")
        elif not on and known.listening:
            known.listening = False
            known.detector = None
            known.early.clear()
            self._taps.stop(leg, INBAND)
            known.merger.released(INBAND, self._loop.time())

    async def _start(self, leg: _Leg) -> None:
        detector = await asyncio.to_thread(_new_detector)
        if leg.listening and leg.detector is None:
            leg.detector = detector

    def _frame(self, name: str, leg: _Leg, pcm: bytes) -> None:
        leg.early.append(pcm)
        if leg.detector is None:
            return
        audio = b"".join(leg.early)
        leg.early.clear()
        for tone in leg.detector.feed(audio):
            begun = self._loop.time() - (leg.detector.fed - tone.start)
            if tone.seconds:
                leg.merger.released(INBAND, begun + tone.seconds)
            elif leg.merger.pressed(tone.key, INBAND, begun, held=True):
                self._on_key(name, tone.key, INBAND)

    def forget(self, leg: str) -> None:
        """The leg is over."""
        known = self._legs.pop(leg, None)
        if known is not None:
            known.listening = False
        self._taps.stop(leg, INBAND)


def _new_detector() -> DtmfDetector:
    """In a thread: the first one of a process imports numpy, whose matrices are too small for threads of its own."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from cti_engine.sip_worker.dtmf_detector import DtmfDetector

    return DtmfDetector()
