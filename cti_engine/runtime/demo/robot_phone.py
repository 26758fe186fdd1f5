"""A phone process: real SIP and RTP on one pjsua2 endpoint, for callers or for agents' lines, never for both.

Everything happens in its one thread between two turns of `libHandleEvents`. A reference to each Call is kept
until it is over, `getInfo()` is bound before its parts are read, and the end is orderly or `os._exit`.
"""

from __future__ import annotations

import contextlib
import gc
import heapq
import itertools
import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial, wraps
from multiprocessing.connection import Connection
from random import Random
from typing import Any, ParamSpec

import pjsua2.pjsua2 as pj

from cti_engine.runtime.demo.facts import (
    AgentLine,
    CallOver,
    Fact,
    HangUpAll,
    Joined,
    LineOver,
    PhoneConfig,
    PhoneReady,
    Place,
    Registration,
)
from cti_engine.runtime.demo.scripts import LANGUAGE_OF, CallScript, draw_manner

TURN_MS = 20
LISTEN_EVERY = 0.2  # seconds
AUDIBLE = 8  # of 255: pjmedia's level of speech; silence is 0
HEARD_OFTEN = 3  # so many loud moments are a voice, not a click
FAREWELL = 2.0  # seconds for BYEs and un-REGISTERs at the end
RTP_PORTS = 100


_P = ParamSpec("_P")
_log = logging.getLogger("cti.demo")


def _survives(callback: Callable[_P, None]) -> Callable[_P, None]:
    """An exception that leaves a callback of pjsua2 would drop the call or abort the process."""

    @wraps(callback)
    def guarded(*args: _P.args, **kwargs: _P.kwargs) -> None:
        try:
            callback(*args, **kwargs)
        except Exception:
            _log.exception("%s failed; the call goes on", callback.__qualname__)

    return guarded


def phone_process(config: PhoneConfig, pipe: Connection) -> None:
    """Run a phone until HangUpAll, or until the demo is gone. Ctrl-C is the demo's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    phone = RobotPhone(config, pipe)
    phone.run()
    phone.close()
    os._exit(0)


class RobotPhone:
    """Up to four calls: `maxCalls` compiled into pjsua2."""

    def __init__(self, config: PhoneConfig, pipe: Connection) -> None:
        self.config = config
        self.random = Random(config.seed)
        self._pipe = pipe
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._leaving = False
        self._over: list[RobotCall] = []
        self.calls: list[RobotCall] = []
        self._library = pj.Endpoint()
        with _quiet():
            self._library.libCreate()
        settings = pj.EpConfig()
        settings.logConfig.level = settings.logConfig.consoleLevel = 0
        settings.uaConfig.threadCnt = 0
        settings.uaConfig.mainThreadOnly = True
        settings.uaConfig.userAgent = "cti-engine demo robot"
        settings.medConfig.clockRate = settings.medConfig.sndClockRate = 8000
        settings.medConfig.noVad = True
        settings.medConfig.ecTailLen = 0
        self._library.libInit(settings)
        transport = pj.TransportConfig()
        transport.boundAddress = config.edge_host
        number = self._library.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
        self._library.libStart()
        self._library.audDevManager().setNullDev()
        for codec in self._library.codecEnum2():
            self._library.codecSetPriority(codec.codecId, 200 if codec.codecId.startswith("PCM") else 0)
        self._lines = [_Line(self, line) for line in config.lines]
        sip_port = int(str(self._library.transportGetInfo(number).localName).rpartition(":")[2])
        self.tell(PhoneReady(config.name, sip_port))
        self.later(LISTEN_EVERY, self._listen)

    def tell(self, fact: Fact) -> None:
        try:
            self._pipe.send(fact)
        except OSError:
            self._leaving = True  # the demo died: hang up all the same

    def later(self, seconds: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._due, (time.monotonic() + seconds, next(self._order), what))

    def run(self) -> None:
        """Until told to leave, or until the demo's end of the pipe is closed."""
        while not self._leaving:
            self._turn()
            try:
                while not self._leaving and self._pipe.poll(0):
                    self._obey(self._pipe.recv())
            except (EOFError, OSError):
                self._leaving = True

    def _turn(self) -> None:
        self._library.libHandleEvents(TURN_MS)
        self._over.clear()  # only now: pjsua2 has left its callbacks
        while self._due and self._due[0][0] <= time.monotonic():
            heapq.heappop(self._due)[2]()

    def _obey(self, order: object) -> None:
        match order:
            case Place(script):
                self._place(script)
            case Joined(number):
                for call in self.calls:
                    if isinstance(call, CallerCall) and call.number == number:
                        call.join()
            case HangUpAll():
                self._leaving = True

    def _place(self, script: CallScript) -> None:
        config = self.config
        account = pj.Account()
        settings = account_settings(config)
        settings.idUri = f'"{script.caller.name}" <sip:{script.caller.number}@{config.realm}>'
        account.create(settings)
        call = CallerCall(self, account, script)
        self.calls.append(call)
        try:
            call.makeCall(f"sip:{script.dial}@{config.edge_host}:{config.edge_port}", pj.CallOpParam(True))
        except pj.Error as error:
            call.over(0, str(error.reason))

    def forget(self, call: RobotCall) -> None:
        """It is over: keep it until the present callback has returned, no longer."""
        if call in self.calls:
            self.calls.remove(call)
            self._over.append(call)

    def _listen(self) -> None:
        for call in self.calls:
            call.listen()
        self.later(LISTEN_EVERY, self._listen)

    def close(self) -> None:
        """BYE, CANCEL and un-REGISTER, then the library goes; what does not answer is left behind."""
        self._say_goodbye()
        until = time.monotonic() + FAREWELL
        while time.monotonic() < until and (self.calls or any(line.registered for line in self._lines)):
            self._turn()
        self._drop_everything()
        self._library.libDestroy()

    def _say_goodbye(self) -> None:
        for call in list(self.calls):
            call.hang_up()
        for line in self._lines:
            line.leave()

    def _drop_everything(self) -> None:
        """A Call, player or Account that outlives the library aborts the process, so none may be left anywhere."""
        self._due.clear()
        self.calls.clear()
        self._over.clear()
        while self._lines:
            self._lines.pop().shutdown()
        gc.collect()


def account_settings(config: PhoneConfig) -> Any:
    """What callers' and agents' accounts have in common."""
    settings = pj.AccountConfig()
    settings.mediaConfig.transportConfig.boundAddress = config.edge_host
    settings.mediaConfig.transportConfig.port = config.rtp_port
    settings.mediaConfig.transportConfig.portRange = RTP_PORTS
    settings.mediaConfig.lockCodecEnabled = False
    settings.natConfig.contactRewriteUse = 0
    settings.natConfig.viaRewriteUse = 0
    settings.natConfig.udpKaIntervalSec = 0
    return settings


class _Line(pj.Account):  # type: ignore[misc]  # the wheel has no types
    """An agent's registration; its calls are answered by the agent's manner."""

    def __init__(self, phone: RobotPhone, line: AgentLine) -> None:
        super().__init__()
        self.user = line.user
        self.registered = False
        self._phone = phone
        config = phone.config
        settings = account_settings(config)
        settings.idUri = f"sip:{line.user}@{config.realm}"
        settings.regConfig.registrarUri = f"sip:{config.edge_host}:{config.edge_port}"
        settings.regConfig.timeoutSec = 60  # what a killed demo leaves behind is gone after a minute
        settings.regConfig.retryIntervalSec = 5
        settings.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", line.user, 0, line.password))
        self.create(settings)

    @_survives
    def onRegState(self, prm: Any) -> None:
        code, reason, lasts = int(prm.code), str(prm.reason), int(prm.expiration)
        was, self.registered = self.registered, code == 200 and lasts > 0
        if code != 200 or not was:
            self._phone.tell(Registration(self.user, code, reason))

    @_survives
    def onIncomingCall(self, prm: Any) -> None:
        self._phone.calls.append(LineCall(self._phone, self, int(prm.callId)))

    def leave(self) -> None:
        if self.registered:
            self.setRegistration(False)


class RobotCall(pj.Call):  # type: ignore[misc]
    """What callers' and agents' calls have in common: a voice, an ear, and an end."""

    def __init__(self, phone: RobotPhone, account: Any, number: int = pj.PJSUA_INVALID_ID) -> None:
        super().__init__(account, number)
        self.phone = phone
        self.live = True
        self.answered = False
        self.hung_up = False
        self.loud_moments = 0
        self.talking = False
        self._voice: Any = None

    @property
    def heard(self) -> bool:
        return self.loud_moments >= HEARD_OFTEN

    def hang_up(self) -> None:
        if self.live:
            self.hung_up = True
            self.hangup(pj.CallOpParam())

    def talk(self, language: str) -> None:
        """Say one's words again and again."""
        self._voice = pj.AudioMediaPlayer()
        self._voice.createPlayer(self.phone.config.voices[language])
        self.talking = True
        self.onCallMediaState(None)

    def listen(self) -> None:
        audio = self._audio() if self.talking else None
        if audio is not None and audio.getRxLevel() >= AUDIBLE:
            self.loud_moments += 1

    def _audio(self) -> Any | None:
        if not self.live:
            return None
        info = self.getInfo()
        media = info.media
        for index in range(len(media)):
            if media[index].audioConfSlot >= 0 and media[index].status == pj.PJSUA_CALL_MEDIA_ACTIVE:
                return self.getAudioMedia(media[index].index)
        return None

    @_survives
    def onCallMediaState(self, prm: Any) -> None:
        audio = self._audio()
        if audio is not None and self._voice is not None:
            self._voice.startTransmit(audio)

    @_survives
    def onCallState(self, prm: Any) -> None:
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_CONFIRMED and not self.answered:
            self.answered = True
            self.on_answered()
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED and self.live:
            self.over(int(info.lastStatusCode), str(info.lastReason))

    def over(self, sip_code: int, reason: str) -> None:
        self.live = False
        self._voice = None
        self.phone.forget(self)
        self.on_over(sip_code, reason)

    def on_answered(self) -> None:
        raise NotImplementedError

    def on_over(self, sip_code: int, reason: str) -> None:
        raise NotImplementedError


class CallerCall(RobotCall):
    """Presses its keys, waits as long as its patience lasts, and talks once an agent is there."""

    def __init__(self, phone: RobotPhone, account: Any, script: CallScript) -> None:
        super().__init__(phone, account)
        self.number = script.caller.number
        self._account = account
        self._script = script
        self._joined = False

    def on_answered(self) -> None:
        for after, key in self._script.keys:
            self.phone.later(after, partial(self._press, key))
        last = self._script.keys[-1][0] if self._script.keys else 0.0
        self.phone.later(last + self._script.patience, self._give_up)

    def _press(self, key: str) -> None:
        if self.live and not self._joined:
            self.dialDtmf(key)

    def _give_up(self) -> None:
        if not self._joined:
            self.hang_up()

    def join(self) -> None:
        if self.live and not self._joined:
            self._joined = True
            self.talk(self._script.caller.language)
            self.phone.later(self._script.talk, self.hang_up)

    def on_over(self, sip_code: int, reason: str) -> None:
        self.phone.later(0.0, self._account.shutdown)
        self.phone.tell(
            CallOver(self.number, sip_code, reason, self.answered, self._joined, self.heard, self.hung_up)
        )


class LineCall(RobotCall):
    """Rings at an agent's phone, is answered after a moment or never, and ends as the agent's manner says."""

    def __init__(self, phone: RobotPhone, line: _Line, number: int) -> None:
        super().__init__(phone, line, number)
        self._user = line.user
        info = self.getInfo()
        self._caller = _user_of(str(info.remoteUri))
        self._answered_at = 0.0
        self._manner = draw_manner(phone.random)
        self._answer(180)
        if self._manner.answer_after is not None:
            phone.later(self._manner.answer_after, partial(self._answer, 200))

    def _answer(self, sip_code: int) -> None:
        if self.live:
            prm = pj.CallOpParam()
            prm.statusCode = sip_code
            self.answer(prm)

    def on_answered(self) -> None:
        self._answered_at = time.monotonic()
        self.talk(LANGUAGE_OF.get(self._caller, "en"))
        if self._manner.talk is not None:
            self.phone.later(self._manner.talk, self.hang_up)

    def on_over(self, sip_code: int, reason: str) -> None:
        talked = time.monotonic() - self._answered_at if self.answered else 0.0
        self.phone.tell(LineOver(self._user, self._caller, self.answered, talked, self.heard))


def _user_of(uri: str) -> str:
    """`+34...` of `"Lucía" <sip:+34...@host>`."""
    return uri.rpartition("sip:")[2].partition("@")[0]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """pjlib prints its birth to stdout before a log level can be set."""
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
