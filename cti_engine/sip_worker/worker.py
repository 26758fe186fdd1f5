"""One interaction at a time: carries out commands on its legs, and tells as signals what happened to them.

Decides nothing while the engine is connected; what it may do alone stands in `away`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from urllib.parse import quote

import msgspec
import pjsua2.pjsua2 as pj

from cti_engine.core import commands, signals
from cti_engine.core.signals import Dialog
from cti_engine.sip_worker import away, sip_text
from cti_engine.sip_worker.account import Account
from cti_engine.sip_worker.audio_tap import AudioTaps
from cti_engine.sip_worker.conference import Conference
from cti_engine.sip_worker.config import WorkerConfig
from cti_engine.sip_worker.endpoint import SipEndpoint, account_settings
from cti_engine.sip_worker.flood import FloodBrake
from cti_engine.sip_worker.guard import Faults
from cti_engine.sip_worker.hearing import Hearing
from cti_engine.sip_worker.keys import Keys
from cti_engine.sip_worker.media_watch import MediaWatch
from cti_engine.sip_worker.message_voice import MessageEnd
from cti_engine.sip_worker.pj_leg import LegState, PjLeg
from cti_engine.sip_worker.prompts import Prompts
from cti_engine.sip_worker.recorder import PartsFolder, Recordings
from cti_engine.wire import vocabulary
from cti_engine.wire.worker_frames import PlayFiles

APOLOGY = "apology"
HEARING = "hearing"
MESSAGE = "message"
SETTLE_TIME = 3.0
"""Seconds after the last leg within which everything native must be gone, else the worker is dirty."""

_log = logging.getLogger("cti.worker")


class Refused(Exception):
    """A command cannot be done; `code` is one of no_such_leg, no_leg_left, wrong_state, bad_file, failed."""

    def __init__(self, code: str, text: str = "") -> None:
        super().__init__(text)
        self.code = code


class Worker:
    """`send(signal)` goes to the engine; `on_change()` is told when `state` or `legs` changed.

    `away_since()` gives `time.monotonic()` of the moment when the engine went away, None while it is there.
    """

    def __init__(
        self,
        config: WorkerConfig,
        endpoint: SipEndpoint,
        brake: FloodBrake,
        parts: PartsFolder,
        *,
        send: Callable[[signals.Signal], None],
        away_since: Callable[[], float | None],
        on_change: Callable[[], None],
    ) -> None:
        self._config = config
        self._endpoint = endpoint
        self._send = send
        self._away_since = away_since
        self._on_change = on_change
        self._loop = asyncio.get_running_loop()
        self.legs: dict[str, PjLeg] = {}
        self.interactions = 0
        self.draining = False
        self._closing = False
        self._dirty = False
        self._begun_for = ""  # the contact for whose phones a worker without a call is used
        self._idle = asyncio.Event()
        self._idle.set()
        self._releasing: set[str] = set()
        self._vanished: set[str] = set()
        self._media_watch = MediaWatch(config.media_timeout)
        self._media_timer: asyncio.TimerHandle | None = None
        self._number = 0
        self.malformed = 0
        self._message_ends: dict[str, MessageEnd] = {}
        self._conference = Conference()
        self._partners = away.Partners()
        self._prompts = Prompts(self._conference, parts.path, self._playback_ended)
        self._recordings = Recordings(self._conference, parts, endpoint.silence, self._recording_ended)
        self._taps = AudioTaps(self._conference)
        self._hearing = Hearing(
            config.name,
            config.recognisers,
            send=send,
            want=self._want_audio,
            stop_prompt=lambda leg: self._prompts.stop(leg),
            plays=lambda leg: bool(self._prompts.playing(leg)),
        )
        self._keys = Keys(self._taps, config.inband_dtmf, self._key)
        self._account = Account(config.secret, lambda: self.free, self._invited, brake.rejected)
        self._account.create(account_settings(config), True)

    # --- what others see -------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """`draining`, `dirty` (to be replaced), `busy` or `ready`."""
        if self.draining:
            return "draining"
        if not self.idle:
            return "busy"
        return "dirty" if self._dirty else "ready"

    @property
    def free(self) -> bool:
        """Whether an INVITE may be placed here."""
        return self.state == "ready"

    @property
    def idle(self) -> bool:
        """No interaction; what it left behind is gone, or given up."""
        return self._idle.is_set()

    @property
    def calm(self) -> bool:
        """Nothing but SIP is awaited: no interaction, or everybody talks. Who hears a menu may press a key."""
        talking = {leg for pair in self._conference.layer("paths") for leg in pair}
        return self.idle or (bool(talking) and self.legs.keys() <= talking)

    def drain(self) -> None:
        self.draining = True
        self._on_change()

    # --- commands --------------------------------------------------------------------------------

    def command(self, type_: str, body: dict[str, object]) -> None:
        """Do one command of the engine, or refuse it. Never raises."""
        try:
            if type_ == PlayFiles.__name__:
                order: object = msgspec.convert(body, PlayFiles)
            else:
                order = vocabulary.command_from(type_, body)
            self._do(order)
        except (KeyError, msgspec.ValidationError) as error:
            self.malformed += 1
            _log.error("the engine sent a %s that cannot be read: %s", type_, error)
            self._refuse(type_, body, "failed", str(error))
        except Refused as refused:
            self._refuse(type_, body, refused.code, str(refused))
        except pj.Error as error:
            self._refuse(type_, body, "failed", error.reason)

    def _refuse(self, type_: str, body: dict[str, object], code: str, text: str) -> None:
        leg, recording = str(body.get("leg", "")), str(body.get("recording", ""))
        self._send(signals.CommandRefused(self._config.name, type_, leg, code, text, recording))

    def _do(self, order: object) -> None:
        match order:
            case commands.AnswerLeg(leg=leg):
                self._leg(leg, LegState.RINGING).accept()
            case commands.RejectLeg(leg=leg, sip_code=code, reason=reason):
                self._leg(leg, LegState.RINGING).end(code, reason)
            case commands.DialLeg():
                self._dial(order)
            case commands.EndLeg(leg=leg, sip_code=code, reason=reason):
                self._leg(leg).end(code, reason)
                self._partners.over(
                    leg
                )  # the engine knows who stays: it may go away before the BYE is answered
            case PlayFiles(leg=leg):
                self._leg(leg)
                self._play(order)
            case commands.StopPlayback(leg=leg, playback=playback):
                self._leg(leg)
                self._prompts.stop(leg, playback)
            case commands.Listen(leg=leg):
                self._leg(leg)
                self._hearing.listen(order)
            case commands.StopListening(leg=leg, listening=listening):
                self._leg(leg)
                self._hearing.stop(leg, listening)
            case commands.SetAudioPaths(paths=paths):
                here = [pair for pair in paths if self.legs.keys() >= set(pair)]
                self._conference.want("paths", here)
                self._partners.bridged(here)
                self._listen_for_keys()
            case commands.StartRecording():
                self._record(order)
            case commands.StopRecording(recording=recording):
                if not self._recordings.stop(recording):
                    raise Refused("wrong_state", f"recording {recording} does not run")
            case commands.PauseRecording(recording=recording, paused=paused):
                if not self._recordings.pause(recording, paused):
                    raise Refused("wrong_state", f"recording {recording} does not run")
            case commands.SendDigits(leg=leg, digits=digits):
                self._leg(leg, LegState.CONNECTED).press(digits)
            case _:
                raise Refused("failed", "not a worker's command")

    def _leg(self, name: str, state: LegState | None = None) -> PjLeg:
        leg = self.legs.get(name)
        if leg is None:
            raise Refused("no_such_leg", name)
        if state is not None and leg.state is not state:
            raise Refused("wrong_state", f"{name} is {leg.state}")
        return leg

    def _dial(self, order: commands.DialLeg) -> None:
        if order.leg in self.legs:
            raise Refused("wrong_state", f"{order.leg} lives already")
        if order.fresh and not self.free and not (self.legs and self._begun_for == order.contact):
            raise Refused("wrong_state", "another contact is served here")
        if len(self.legs) >= self._config.calls_max:
            raise Refused("no_leg_left", f"{len(self.legs)} legs are in use")
        realm = self._config.realm
        caller = sip_text.address(order.caller_name, order.caller_number, realm)
        self._begun_for = order.contact if order.fresh else self._begun_for
        leg = PjLeg(self._account, order.leg, self, time.monotonic())
        self._begin(leg)
        try:
            leg.dial(
                f"sip:{quote(order.target, safe='+*#-_.!~')}@{realm}",
                caller,
                {"P-Asserted-Identity": caller, **order.headers},
            )
        except pj.Error as error:
            self._forget(leg)
            raise Refused("failed", error.reason) from None

    def _play(self, order: PlayFiles) -> None:
        try:
            self._prompts.play(order)
        except ValueError as error:
            raise Refused("bad_file", str(error)) from None

    def _record(self, order: commands.StartRecording) -> None:
        self._leg(order.caller_leg)
        if order.agent_leg:
            self._leg(order.agent_leg)
        try:
            self._recordings.start(order)
        except ValueError as error:
            _log.error("%s; the call goes on", error)
            raise Refused("failed", str(error)) from None
        if not order.agent_leg:
            self._forget_message(order.caller_leg)
            end = MessageEnd(order.longest, order.silence, lambda: self._end_message(order))
            self._message_ends[order.caller_leg] = end
            self._taps.start(order.caller_leg, MESSAGE, end.audio)

    def _end_message(self, order: commands.StartRecording) -> None:
        self._forget_message(order.caller_leg)
        self._recordings.stop(order.recording)

    def _forget_message(self, leg: str) -> None:
        self._taps.stop(leg, MESSAGE)
        if leg in self._message_ends:
            self._message_ends.pop(leg).cancel()

    def _want_audio(self, leg: str, wanted: bool) -> None:
        if wanted:
            self._taps.start(leg, HEARING, lambda pcm: self._hearing.audio(leg, pcm))
        else:
            self._taps.stop(leg, HEARING)

    # --- legs come and go ------------------------------------------------------------------------

    def _invited(self, number: int, headers: sip_text.Headers, source: str) -> None:
        """A placed INVITE: answer 180, then tell the engine (or keep it for the engine)."""
        self._number += 1
        self._begun_for = ""
        leg = PjLeg(
            self._account, f"{self._config.name}/{self._number}", self, time.monotonic(), number, headers
        )
        self._begin(leg)
        leg.ring()
        told = sip_text.headers_for_core(headers, trusted=source.startswith("trunk:"))
        name, uri, _ = sip_text.split_address(told.get("P-Asserted-Identity") or headers.get("from"))
        self._send(
            signals.InviteReceived(
                worker=self._config.name,
                leg=leg.name,
                ani=sip_text.user_of(uri),
                dnis=sip_text.user_of(headers.request_uri),
                name=name,
                source=source,
                call_id=headers.get("call-id"),
                headers=told,
            )
        )

    def _begin(self, leg: PjLeg) -> None:
        self._idle.clear()
        self.legs[leg.name] = leg
        self._conference.add(leg.name, leg.audio)
        if self._media_timer is None and self._config.media_timeout:
            self._media_timer = self._loop.call_later(self._media_watch.interval, self._check_media)
        self._on_change()

    def _forget(self, leg: PjLeg) -> None:
        """Drop the leg, but its native object only after the callback that we may be in."""
        del self.legs[leg.name]
        self._releasing.discard(leg.name)
        self._vanished.discard(leg.name)
        self._partners.over(leg.name)
        self._hearing.stop(leg.name)
        self._keys.forget(leg.name)
        self._forget_message(leg.name)
        self._recordings.stop_messages(leg.name)
        self._taps.stop_all(leg.name)
        self._conference.remove(leg.name)
        self._loop.call_soon(lambda kept: None, leg)
        if not self.legs:
            self._conference.want("paths", ())
            self._recordings.stop_all()
            self.interactions += 1
            self._settle(self._loop.time() + SETTLE_TIME)
        self._on_change()

    def _settle(self, deadline: float) -> None:
        """After the last leg: is everything gone? Ask until it is, or call the worker dirty."""
        if self.legs:
            return  # the next command came first; its last leg asks again
        left = self._left_behind()
        if left:
            if self._loop.time() < deadline:
                self._loop.call_later(0.05, self._settle, deadline)
                return
            _log.error("the interaction left %s behind; this worker is to be replaced", " and ".join(left))
            self._dirty = True
        if Faults.count or self.interactions >= self._config.reuse_limit:
            self._dirty = True
        self._idle.set()
        self._on_change()

    def _left_behind(self) -> list[str]:
        clean = {
            "players": self._prompts.clean,
            "recorders": self._recordings.clean,
            "taps": self._taps.clean,
            "audio paths": self._conference.empty,
            "conference ports": self._endpoint.media_clean,
        }
        return [name for name, gone in clean.items() if not gone]

    # --- what legs tell (LegOwner) ---------------------------------------------------------------

    def on_ringing(self, leg: PjLeg, sip_code: int, dialog: Dialog) -> None:
        self._send(signals.LegRinging(self._config.name, leg.name, sip_code, dialog))

    def on_connected(self, leg: PjLeg, dialog: Dialog) -> None:
        self._send(signals.LegAnswered(self._config.name, leg.name, dialog))
        self._listen_for_keys()

    def on_over(self, leg: PjLeg, was: LegState, sip_code: int, reason: str) -> None:
        if leg.name not in self.legs:
            return  # makeCall itself failed: the command was refused
        legs = self._legs_now()
        self._prompts.stop(leg.name)
        if was is LegState.DIALLING:
            self._send(signals.LegFailed(self._config.name, leg.name, sip_code, reason))
        elif leg.name not in self._vanished:  # of which the engine knows
            by = ("shut_down" if self._closing else "local") if leg.ended_by_us else "remote"
            self._send(signals.LegEnded(self._config.name, leg.name, by, sip_code, reason))
        self._forget(leg)
        self._leave_behind(leg.name, legs)

    def _leave_behind(self, over: str, legs: dict[str, away.LegNow]) -> None:
        """`over` of these legs is over: while the engine is away we end whom that leaves alone."""
        if self._away_since() is not None:
            del legs[over]
            for name in away.left_behind(over, legs):
                if not self.legs[name].ended_by_us:
                    self._end(self.legs[name], 0, "engine away")

    def on_audio(self, leg: PjLeg) -> None:
        self._conference.renewed(leg.name)
        self._listen_for_keys()

    def on_held(self, leg: PjLeg, held: bool) -> None:
        self._send(signals.LegHeld(self._config.name, leg.name, held))

    def on_digit(self, leg: PjLeg, digit: str, method: str) -> None:
        self._keys.pressed(leg.name, digit, method)

    def _key(self, leg: str, key: str, method: str) -> None:
        self._send(signals.DigitPressed(self._config.name, leg, key, method))
        self._prompts.digit(leg)
        self._hearing.digit(leg)

    def _listen_for_keys(self) -> None:
        """Tones mean something from callers who talk to nobody: in a flow or in a queue."""
        talking = {leg for pair in self._conference.layer("paths") for leg in pair}
        for leg in self.legs.values():
            if leg.incoming and leg.state is LegState.CONNECTED:
                self._keys.listen(leg.name, leg.name not in talking, leg.telephone_event())

    def on_transfer(self, leg: PjLeg, target: str, replaces: str) -> None:
        self._send(signals.TransferAsked(self._config.name, leg.name, target, replaces))

    # --- what media tell -------------------------------------------------------------------------

    def _playback_ended(self, leg: str, playback: str, completed: bool) -> None:
        if playback != APOLOGY:
            self._send(signals.PlaybackEnded(self._config.name, leg, playback, completed))
        elif completed and self._away_since() is not None:
            self._end(self.legs[leg], 0, "engine away")

    def _recording_ended(self, recording: str, path: str, seconds: float) -> None:
        self._send(signals.RecordingEnded(self._config.name, recording, path, seconds))

    def _check_media(self) -> None:
        """A phone that sends nothing any more has vanished: told at once, for its BYE waits 32 s for an answer."""
        self._media_timer = None
        for name in self._media_watch.silent({name: leg.packets() for name, leg in self.legs.items()}):
            _log.warning("%s is ended: no RTP for %g s", name, self._config.media_timeout)
            self._vanished.add(name)
            self._prompts.stop(name)
            self._send(signals.LegEnded(self._config.name, name, "media_timeout"))
            self._end(self.legs[name], 0, "media timeout")
            self._leave_behind(name, self._legs_now())
        if self.legs:
            self._media_timer = self._loop.call_later(self._media_watch.interval, self._check_media)

    # --- alone -----------------------------------------------------------------------------------

    def _legs_now(self) -> dict[str, away.LegNow]:
        return {
            name: away.LegNow(
                incoming=leg.incoming,
                answered=leg.state is LegState.CONNECTED,
                since=leg.started,
                partners=self._partners.of(name),
            )
            for name, leg in self.legs.items()
        }

    def check_away(self) -> None:
        """Once a second: release whom the engine has left alone for too long."""
        since = self._away_since()
        if since is None:
            return
        wait, longest = self._config.engine_away_release, self._config.max_length
        for release in away.due(self._legs_now(), since, time.monotonic(), wait, longest):
            if release.leg not in self._releasing:
                self._releasing.add(release.leg)
                self._release(release)

    def _release(self, release: away.Release) -> None:
        _log.warning("%s is released: %s", release.leg, release.reason)
        if release.apology and self._config.apology:
            try:
                self._prompts.play(PlayFiles(release.leg, APOLOGY, self._config.apology))
                return
            except ValueError as error:
                _log.error("the apology cannot be played: %s", error)
        self._end(self.legs[release.leg], 503, release.reason)

    def _end(self, leg: PjLeg, sip_code: int, reason: str) -> None:
        """End a leg by our own decision: there is nobody to refuse to."""
        try:
            leg.end(sip_code, reason)
        except pj.Error as error:
            _log.error("%s cannot be ended: %s", leg.name, error.reason)

    def engine_back(self) -> None:
        """The engine decides again; an apology that has begun is cut off."""
        for leg in self._releasing:
            self._prompts.stop(leg, APOLOGY)
        self._releasing.clear()

    # --- the end ---------------------------------------------------------------------------------

    async def close(self, timeout: float) -> None:
        """End every leg, wait until they are gone (at most `timeout` seconds), let go of the account."""
        self.draining = self._closing = True
        for leg in list(self.legs.values()):
            self._end(leg, 503, "shut down")
        try:
            await asyncio.wait_for(self._idle.wait(), timeout)
        except TimeoutError:
            _log.warning("%d legs did not answer the BYE in time", len(self.legs))
        await self._recordings.joined()
        self._account.shutdown()
