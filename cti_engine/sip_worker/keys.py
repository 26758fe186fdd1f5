"""The keys of this worker's legs in all three ways: RFC 4733, SIP INFO and, where it is wanted, tones in the audio.

Keys are never logged: they may be a PIN or a card's number.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

import pjsua2.pjsua2 as pj

from cti_engine.sip_worker.audio_tap import AudioTaps
from cti_engine.sip_worker.dtmf_detector import DtmfDetector
from cti_engine.sip_worker.key_merger import KeyMerger

INBAND = "inband"
_log = logging.getLogger("cti.worker")


@dataclass(slots=True)
class _Leg:
    merger: KeyMerger = field(default_factory=KeyMerger)
    detector: DtmfDetector | None = None


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
        if on and known.detector is None:
            known.detector = DtmfDetector()
            try:
                self._taps.start(leg, INBAND, lambda pcm: self._frame(leg, known, pcm))
            except pj.Error as error:
                known.detector = None
                _log.error("tones of %s are not listened to: %s", leg, error.reason)
        elif not on and known.detector is not None:
            self._taps.stop(leg, INBAND)
            known.detector = None
            known.merger.released(INBAND, self._loop.time())

    def _frame(self, name: str, leg: _Leg, pcm: bytes) -> None:
        if leg.detector is None:
            return
        for tone in leg.detector.feed(pcm):
            begun = self._loop.time() - (leg.detector.fed - tone.start)
            if tone.seconds:
                leg.merger.released(INBAND, begun + tone.seconds)
            elif leg.merger.pressed(tone.key, INBAND, begun, held=True):
                self._on_key(name, tone.key, INBAND)

    def forget(self, leg: str) -> None:
        """The leg is over."""
        self._taps.stop(leg, INBAND)
        self._legs.pop(leg, None)
