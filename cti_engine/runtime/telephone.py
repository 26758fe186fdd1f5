"""A telephone without a sound card: SIP and RTP on one pjsua2 endpoint, driven turn by turn in one thread.

A reference to each Call is kept until it is over and its callback has returned, `getInfo()` is bound before its
parts are read, and nothing of the library may outlive `close`.
"""

from __future__ import annotations

import gc
import heapq
import itertools
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec

import pjsua2.pjsua2 as pj

from cti_engine.adapters.pjlib import create_quietly

TURN_MS = 20
FAREWELL = 2.0  # seconds for BYEs and un-REGISTERs at the end
RTP_PORTS = 100
LISTEN_EVERY = 0.2  # seconds
AUDIBLE = 8  # of 255: pjmedia's level of speech; silence is 0
HEARD_OFTEN = 3  # so many loud moments are a voice, not a click
REGISTERED_FOR = 60  # seconds: what a killed phone leaves behind is gone after so long

_P = ParamSpec("_P")
_log = logging.getLogger("cti.phone")


def survives(callback: Callable[_P, None]) -> Callable[_P, None]:
    """An exception that leaves a callback of pjsua2 would drop the call or abort the process."""

    @wraps(callback)
    def guarded(*args: _P.args, **kwargs: _P.kwargs) -> None:
        try:
            callback(*args, **kwargs)
        except Exception:
            _log.exception("%s failed; the call goes on", callback.__qualname__)

    return guarded


@dataclass(frozen=True, slots=True)
class Server:
    """The edge that a phone belongs to; `bind` is the phone's own address, `rtp_port` the first of its RTP ports."""

    host: str
    port: int
    realm: str
    bind: str
    rtp_port: int


class Telephone:
    """Up to four calls at a time: `maxCalls` compiled into pjsua2."""

    def __init__(self, server: Server, user_agent: str) -> None:
        self.server = server
        self.calls: list[PhoneCall] = []
        self.lines: list[Line] = []
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._over: list[PhoneCall] = []
        self._library = pj.Endpoint()
        create_quietly(self._library)
        settings = pj.EpConfig()
        settings.logConfig.level = settings.logConfig.consoleLevel = 0
        settings.uaConfig.threadCnt = 0
        settings.uaConfig.mainThreadOnly = True
        settings.uaConfig.userAgent = user_agent
        settings.medConfig.clockRate = settings.medConfig.sndClockRate = 8000
        settings.medConfig.noVad = True
        settings.medConfig.ecTailLen = 0
        self._library.libInit(settings)
        transport = pj.TransportConfig()
        transport.boundAddress = server.bind
        number = self._library.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
        self._library.libStart()
        self._library.audDevManager().setNullDev()
        for codec in self._library.codecEnum2():
            self._library.codecSetPriority(codec.codecId, 200 if codec.codecId.startswith("PCM") else 0)
        self.sip_port = int(str(self._library.transportGetInfo(number).localName).rpartition(":")[2])
        self.later(LISTEN_EVERY, self._listen)

    def _listen(self) -> None:
        for call in self.calls:
            call.listen()
        self.later(LISTEN_EVERY, self._listen)

    def later(self, seconds: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._due, (time.monotonic() + seconds, next(self._order), what))

    def turn(self) -> None:
        """What has come and what is due, within TURN_MS."""
        self._library.libHandleEvents(TURN_MS)
        self._over.clear()  # only now: pjsua2 has left its callbacks
        while self._due and self._due[0][0] <= time.monotonic():
            heapq.heappop(self._due)[2]()

    def account_settings(self) -> Any:
        """What callers' and agents' accounts have in common."""
        settings = pj.AccountConfig()
        settings.mediaConfig.transportConfig.boundAddress = self.server.bind
        settings.mediaConfig.transportConfig.port = self.server.rtp_port
        settings.mediaConfig.transportConfig.portRange = RTP_PORTS
        settings.mediaConfig.lockCodecEnabled = False
        settings.natConfig.contactRewriteUse = 0
        settings.natConfig.viaRewriteUse = 0
        settings.natConfig.udpKaIntervalSec = 0
        return settings

    def uri(self, number: str) -> str:
        return f"sip:{number}@{self.server.host}:{self.server.port}"

    def forget(self, call: PhoneCall) -> None:
        """It is over: keep it until the present callback has returned, no longer."""
        if call in self.calls:
            self.calls.remove(call)
            self._over.append(call)

    def close(self) -> None:
        """BYE, CANCEL and un-REGISTER, then the library goes; what does not answer is left behind."""
        self._say_goodbye()
        until = time.monotonic() + FAREWELL
        while time.monotonic() < until and (self.calls or any(line.registered for line in self.lines)):
            self.turn()
        self._drop_everything()
        self._library.libDestroy()

    def _say_goodbye(self) -> None:
        """On its own, because a name that still holds a Call would keep it beyond the library."""
        for call in list(self.calls):
            call.hang_up()
        for line in self.lines:
            line.leave()

    def _drop_everything(self) -> None:
        """A Call, player or Account that outlives the library aborts the process, so none may be left anywhere."""
        self._due.clear()
        self.calls.clear()
        self._over.clear()
        while self.lines:
            self.lines.pop().shutdown()
        gc.collect()


class Line(pj.Account):  # type: ignore[misc]  # the wheel has no types
    """A registration at the edge, kept until it `leave`s."""

    def __init__(self, phone: Telephone, user: str, password: str) -> None:
        super().__init__()
        self.phone = phone
        self.user = user
        self.registered = False
        server = phone.server
        settings = phone.account_settings()
        settings.idUri = f"sip:{user}@{server.realm}"
        settings.regConfig.registrarUri = f"sip:{server.host}:{server.port}"
        settings.regConfig.timeoutSec = REGISTERED_FOR
        settings.regConfig.retryIntervalSec = 5
        settings.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", user, 0, password))
        self.create(settings)
        phone.lines.append(self)

    @survives
    def onRegState(self, prm: Any) -> None:
        code, reason, lasts = int(prm.code), str(prm.reason), int(prm.expiration)
        was, self.registered = self.registered, code == 200 and lasts > 0
        if code != 200 or not was:
            self.on_registration(code, reason)

    @survives
    def onIncomingCall(self, prm: Any) -> None:
        self.on_call(int(prm.callId), str(prm.rdata.wholeMsg))

    def leave(self) -> None:
        if self.registered:
            self.setRegistration(False)

    def on_registration(self, sip_code: int, reason: str) -> None:
        """The edge's answer to a REGISTER."""
        raise NotImplementedError

    def on_call(self, number: int, message: str) -> None:
        """Somebody calls; `number` is pjsua2's, `message` the whole INVITE."""
        raise NotImplementedError


class PhoneCall(pj.Call):  # type: ignore[misc]
    """One call, in either direction, and its audio."""

    def __init__(self, phone: Telephone, account: Any, number: int = pj.PJSUA_INVALID_ID) -> None:
        super().__init__(account, number)
        self.phone = phone
        self.live = True
        self.answered = False
        self.hung_up = False
        self.loud_moments = 0

    @property
    def heard(self) -> bool:
        """Somebody has been audible."""
        return self.loud_moments >= HEARD_OFTEN

    def listen(self) -> None:
        audio = self.audio() if self.answered else None
        if audio is not None and audio.getRxLevel() >= AUDIBLE:
            self.loud_moments += 1

    def hang_up(self) -> None:
        if self.live:
            self.hung_up = True
            self.hangup(pj.CallOpParam())

    def reply(self, sip_code: int) -> None:
        """180 rings, 200 answers, 486 refuses."""
        if self.live:
            prm = pj.CallOpParam()
            prm.statusCode = sip_code
            self.answer(prm)

    def audio(self) -> Any | None:
        """What is heard and spoken into, once there is any."""
        if not self.live:
            return None
        info = self.getInfo()
        media = info.media
        for index in range(len(media)):
            if media[index].audioConfSlot >= 0 and media[index].status == pj.PJSUA_CALL_MEDIA_ACTIVE:
                return self.getAudioMedia(media[index].index)
        return None

    @survives
    def onCallMediaState(self, prm: Any) -> None:
        self.on_audio()

    @survives
    def onCallState(self, prm: Any) -> None:
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_EARLY:
            self.on_ringing()
        elif info.state == pj.PJSIP_INV_STATE_CONFIRMED and not self.answered:
            self.answered = True
            self.on_answered()
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED and self.live:
            self.over(int(info.lastStatusCode), str(info.lastReason))

    def over(self, sip_code: int, reason: str) -> None:
        self.live = False
        self.phone.forget(self)
        self.on_over(sip_code, reason)

    def on_audio(self) -> None:
        """Audio has begun, or goes another way now."""

    def on_ringing(self) -> None:
        """The other side has said 180 or 183."""

    def on_answered(self) -> None:
        raise NotImplementedError

    def on_over(self, sip_code: int, reason: str) -> None:
        raise NotImplementedError


def user_of(uri: str) -> str:
    """`+34...` of `"Lucía" <sip:+34...@host>`."""
    return uri.rpartition("sip:")[2].partition("@")[0]
