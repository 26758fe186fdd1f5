"""All that plays to, records and listens to the legs of one worker: begun for a leg, and gone when it is over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from cti_engine.core import signals
from cti_engine.core.commands import StartRecording
from cti_engine.sip_worker.audio_tap import AudioTaps
from cti_engine.sip_worker.conference import Conference, Pair
from cti_engine.sip_worker.config import WorkerConfig
from cti_engine.sip_worker.endpoint import SipEndpoint
from cti_engine.sip_worker.hearing import Hearing
from cti_engine.sip_worker.keys import Keys
from cti_engine.sip_worker.message_voice import MessageEnd
from cti_engine.sip_worker.pj_leg import LegState, PjLeg
from cti_engine.sip_worker.prompts import Prompts
from cti_engine.sip_worker.recorder import PartsFolder, Recordings

HEARING = "hearing"
MESSAGE = "message"
PATHS = "paths"


class Media:
    """`legs` are the worker's, as they come and go; `send(signal)` goes to the engine.

    `playback_ended(leg, playback, completed)`: what was played is heard or stopped.
    """

    def __init__(
        self,
        config: WorkerConfig,
        endpoint: SipEndpoint,
        parts: PartsFolder,
        legs: Mapping[str, PjLeg],
        *,
        send: Callable[[signals.Signal], None],
        playback_ended: Callable[[str, str, bool], None],
    ) -> None:
        self._worker = config.name
        self._endpoint = endpoint
        self._legs = legs
        self._send = send
        self._message_ends: dict[str, MessageEnd] = {}
        self._conference = Conference()
        self._taps = AudioTaps(self._conference)
        self.prompts = Prompts(self._conference, parts.path, playback_ended)
        self.recordings = Recordings(self._conference, parts, endpoint.silence, self._recording_ended)
        self.hearing = Hearing(
            config.name,
            config.recognisers,
            send=send,
            want=self._want_audio,
            stop_prompt=lambda leg: self.prompts.stop(leg),
            plays=lambda leg: bool(self.prompts.playing(leg)),
        )
        self._keys = Keys(self._taps, config.inband_dtmf, self._key)

    # --- legs ------------------------------------------------------------------------------------

    def begin(self, leg: PjLeg) -> None:
        self._conference.add(leg.name, leg.audio)

    def renewed(self, leg: str) -> None:
        """Its audio is another one than before."""
        self._conference.renewed(leg)
        self.listen_for_keys()

    def forget(self, leg: str) -> None:
        """The leg is over, and may be the last one."""
        self.hearing.stop(leg)
        self._keys.forget(leg)
        self._forget_message(leg)
        self.recordings.stop_messages(leg)
        self._taps.stop_all(leg)
        self._conference.remove(leg)
        if not self._legs:
            self._conference.want(PATHS, ())
            self.recordings.stop_all()

    def left_behind(self) -> list[str]:
        """What there still is, and must not be after the last leg."""
        clean = {
            "players": self.prompts.clean,
            "recorders": self.recordings.clean,
            "taps": self._taps.clean,
            "audio paths": self._conference.empty,
            "conference ports": self._endpoint.media_clean,
        }
        return [name for name, gone in clean.items() if not gone]

    # --- who hears whom --------------------------------------------------------------------------

    @property
    def talking(self) -> set[str]:
        """The legs of which one hears another."""
        return {leg for pair in self._conference.layer(PATHS) for leg in pair}

    def bridge(self, paths: Iterable[Pair]) -> None:
        """(source, sink) pairs, whole: in the place of those before."""
        self._conference.want(PATHS, paths)
        self.listen_for_keys()

    # --- recordings ------------------------------------------------------------------------------

    def record(self, order: StartRecording) -> None:
        """Without an agent's leg it is a message, which ends by itself. Raises ValueError when it cannot start."""
        self.recordings.start(order)
        if not order.agent_leg:
            self._forget_message(order.caller_leg)
            end = MessageEnd(order.longest, order.silence, lambda: self._end_message(order))
            self._message_ends[order.caller_leg] = end
            self._taps.start(order.caller_leg, MESSAGE, end.audio)

    def _end_message(self, order: StartRecording) -> None:
        self._forget_message(order.caller_leg)
        self.recordings.stop(order.recording)

    def _forget_message(self, leg: str) -> None:
        self._taps.stop(leg, MESSAGE)
        if leg in self._message_ends:
            self._message_ends.pop(leg).cancel()

    def _recording_ended(self, recording: str, path: str, seconds: float) -> None:
        self._send(signals.RecordingEnded(self._worker, recording, path, seconds))

    # --- speech and keys -------------------------------------------------------------------------

    def _want_audio(self, leg: str, wanted: bool) -> None:
        if wanted:
            self._taps.start(leg, HEARING, lambda pcm: self.hearing.audio(leg, pcm))
        else:
            self._taps.stop(leg, HEARING)

    def pressed(self, leg: str, digit: str, method: str) -> None:
        """A key, as SIP or RTP told it."""
        self._keys.pressed(leg, digit, method)

    def _key(self, leg: str, key: str, method: str) -> None:
        self._send(signals.DigitPressed(self._worker, leg, key, method))
        self.prompts.digit(leg)
        self.hearing.digit(leg)

    def listen_for_keys(self) -> None:
        """Tones mean something from callers who talk to nobody: in a flow or in a queue."""
        talking = self.talking
        for leg in self._legs.values():
            if leg.incoming and leg.state is LegState.CONNECTED:
                self._keys.listen(leg.name, leg.name not in talking, leg.telephone_event())
