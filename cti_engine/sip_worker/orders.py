"""Carries out the engine's commands, one after another, on the legs of a worker; what cannot be done is refused.

Nothing here happens unless the engine says so: what a worker does by itself stands in `worker`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from urllib.parse import quote

import msgspec
import pjsua2.pjsua2 as pj

from cti_engine.core import commands, signals
from cti_engine.sip_worker import sip_text
from cti_engine.sip_worker.config import WorkerConfig
from cti_engine.sip_worker.pj_leg import LegState, PjLeg
from cti_engine.sip_worker.worker import Worker
from cti_engine.wire import vocabulary
from cti_engine.wire.worker_frames import PlayFiles

_log = logging.getLogger("cti.worker")


class Refused(Exception):
    """A command cannot be done; `code` is one of no_such_leg, no_leg_left, wrong_state, bad_file, failed."""

    def __init__(self, code: str, text: str = "") -> None:
        super().__init__(text)
        self.code = code


class Orders:
    """`send(signal)` tells the engine what is refused."""

    def __init__(self, config: WorkerConfig, worker: Worker, send: Callable[[signals.Signal], None]) -> None:
        self._config = config
        self._worker = worker
        self._media = worker.media
        self._send = send

    def take(self, type_: str, body: dict[str, object]) -> None:
        """Do one command of the engine, or refuse it. Never raises."""
        try:
            if type_ == PlayFiles.__name__:
                order: object = msgspec.convert(body, PlayFiles)
            else:
                order = vocabulary.command_from(type_, body)
            self._do(order)
        except (KeyError, msgspec.ValidationError) as error:
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
                # The engine knows who stays: it may go away before the BYE is answered.
                self._worker.partners.over(leg)
            case PlayFiles(leg=leg):
                self._leg(leg)
                self._play(order)
            case commands.StopPlayback(leg=leg, playback=playback):
                self._leg(leg)
                self._media.prompts.stop(leg, playback)
            case commands.Listen(leg=leg):
                self._leg(leg)
                self._media.hearing.listen(order)
            case commands.StopListening(leg=leg, listening=listening):
                self._leg(leg)
                self._media.hearing.stop(leg, listening)
            case commands.SetAudioPaths(paths=paths):
                here = [pair for pair in paths if self._worker.legs.keys() >= set(pair)]
                self._media.bridge(here)
                self._worker.partners.bridged(here)
            case commands.StartRecording():
                self._record(order)
            case commands.StopRecording(recording=recording):
                if not self._media.recordings.stop(recording):
                    raise Refused("wrong_state", f"recording {recording} does not run")
            case commands.PauseRecording(recording=recording, paused=paused):
                if not self._media.recordings.pause(recording, paused):
                    raise Refused("wrong_state", f"recording {recording} does not run")
            case commands.RecordLegs(recording=recording, legs=legs):
                if not self._media.recordings.record(recording, legs):
                    raise Refused("wrong_state", f"recording {recording} does not run")
            case commands.TellTransfer(leg=leg, sip_code=code):
                self._leg(leg)
                self._worker.referrals.report(leg, code)
            case commands.SendDigits(leg=leg, digits=digits):
                self._leg(leg, LegState.CONNECTED).press(digits)
            case _:
                raise Refused("failed", "not a worker's command")

    def _leg(self, name: str, state: LegState | None = None) -> PjLeg:
        leg = self._worker.legs.get(name)
        if leg is None:
            raise Refused("no_such_leg", name)
        if state is not None and leg.state is not state:
            raise Refused("wrong_state", f"{name} is {leg.state}")
        return leg

    def _dial(self, order: commands.DialLeg) -> None:
        worker = self._worker
        if order.leg in worker.legs:
            raise Refused("wrong_state", f"{order.leg} lives already")
        if order.fresh and not worker.serves(order.contact):
            raise Refused("wrong_state", "another contact is served here")
        if len(worker.legs) >= self._config.calls_max:
            raise Refused("no_leg_left", f"{len(worker.legs)} legs are in use")
        realm = self._config.realm
        caller = sip_text.address(order.caller_name, order.caller_number, realm)
        try:
            worker.dial(
                order.leg,
                order.contact if order.fresh else "",
                f"sip:{quote(order.target, safe='+*#-_.!~')}@{realm}",
                caller,
                {"P-Asserted-Identity": caller, **order.headers},
                order.target if order.transfers else "",
            )
        except pj.Error as error:
            raise Refused("failed", error.reason) from None

    def _play(self, order: PlayFiles) -> None:
        try:
            self._media.prompts.play(order)
        except ValueError as error:
            raise Refused("bad_file", str(error)) from None

    def _record(self, order: commands.StartRecording) -> None:
        self._leg(order.caller_leg)
        if order.agent_leg:
            self._leg(order.agent_leg)
        try:
            self._media.record(order)
        except ValueError as error:
            _log.error("%s; the call goes on", error)
            raise Refused("failed", str(error)) from None
