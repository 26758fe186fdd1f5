"""One leg: a pjsua2 Call with our state. Its owner keeps a reference until `on_over`, or pjsua2 hangs up.

Strings are copied out of callback parameters at once, and `getInfo()` is bound before its parts are read:
both live in memory that pjsua2 frees.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import partial
from typing import Any, Protocol

import pjsua2.pjsua2 as pj

from cti_engine.core.signals import Dialog
from cti_engine.sip_worker import refer, sip_text
from cti_engine.sip_worker.guard import survives
from cti_engine.sip_worker.line_watch import LineCounts
from cti_engine.sip_worker.sip_text import Headers

DIGIT_METHODS = {pj.PJSUA_DTMF_METHOD_RFC2833: "rfc4733", pj.PJSUA_DTMF_METHOD_SIP_INFO: "info"}


class LegState(StrEnum):
    RINGING = "ringing"  # came in, answered 180
    ANSWERING = "answering"  # came in, 200 sent, no ACK yet
    DIALLING = "dialling"
    CONNECTED = "connected"
    OVER = "over"


class LegOwner(Protocol):
    """Who is told what happened to a leg, in order, in the loop's thread."""

    def on_ringing(self, leg: PjLeg, sip_code: int, dialog: Dialog) -> None: ...
    def on_connected(self, leg: PjLeg, dialog: Dialog) -> None: ...
    def on_over(self, leg: PjLeg, was: LegState, sip_code: int, reason: str) -> None: ...
    def on_audio(self, leg: PjLeg) -> None: ...
    def on_held(self, leg: PjLeg, held: bool) -> None: ...
    def on_digit(self, leg: PjLeg, digit: str, method: str) -> None: ...
    def on_refer(self, leg: PjLeg, headers: Headers, answer: Callable[[int], bool]) -> None: ...


class PjLeg(pj.Call):  # type: ignore[misc]  # the wheel has no types
    """`invite` holds the headers of a leg that came in and is None for one that we dial. `agent`: whose phone it is,
    empty when no agent's.
    """

    def __init__(
        self,
        account: Any,
        name: str,
        owner: LegOwner,
        started: float,
        number: int = pj.PJSUA_INVALID_ID,
        invite: Headers | None = None,
        agent: str = "",
    ) -> None:
        super().__init__(account, number)
        self.name = name
        self.started = started
        self.agent = agent
        self.incoming = invite is not None
        self.state = LegState.DIALLING if invite is None else LegState.RINGING
        self.ended_by_us = False
        self.held = False
        self._owner = owner
        self._invite = invite
        self._local_tag = ""
        self._answer = Headers("")
        self._reason = ""
        self._rang = False

    # --- what we do ------------------------------------------------------------------------------

    def ring(self) -> None:
        """Answer 180."""
        self._respond(180)

    def accept(self) -> None:
        """Answer 200."""
        self.state = LegState.ANSWERING
        self._respond(200)

    def _respond(self, code: int) -> None:
        prm = pj.CallOpParam()
        prm.statusCode = code
        self.answer(prm)

    def dial(self, uri: str, from_: str, headers: dict[str, str]) -> None:
        """Send the INVITE. Raises pj.Error when pjsua2 cannot."""
        prm = pj.CallOpParam(True)
        prm.opt.audioCount, prm.opt.videoCount = 1, 0
        prm.txOption.localUri = from_
        for name, value in headers.items():
            _append(prm, name, value)
        self.makeCall(uri, prm)

    def end(self, sip_code: int, reason: str) -> None:
        """BYE, CANCEL or the final answer `sip_code` (480 if 0), whichever the state asks for."""
        self.ended_by_us = True
        prm = pj.CallOpParam()
        if self.state is LegState.RINGING:
            prm.statusCode = sip_code or 480
        if reason:
            _append(prm, "Reason", sip_text.reason_header(sip_code, reason))
        self.hangup(prm)

    def press(self, keys: str) -> None:
        """As telephone events when the phone has offered them (RFC 4733), else as SIP INFO. Raises pj.Error."""
        order = pj.CallSendDtmfParam()
        order.digits = keys
        order.method = (
            pj.PJSUA_DTMF_METHOD_RFC2833 if self.telephone_event() else pj.PJSUA_DTMF_METHOD_SIP_INFO
        )
        self.sendDtmf(order)

    def notify(self, referral: str, sip_code: int) -> None:
        """How the transfer stands that the REFER `referral` asked for; final from 200 on. Raises pj.Error."""
        order, info = pj.CallSendRequestParam(), self.getInfo()
        order.method = "NOTIFY"
        _append(order, "Contact", str(info.localContact))
        _append(order, "Event", f"refer;id={referral}")
        state = "active;expires=60" if sip_code < 200 else "terminated;reason=noresource"
        _append(order, "Subscription-State", state)
        order.txOption.contentType = "message/sipfrag;version=2.0"
        order.txOption.msgBody = f"SIP/2.0 {sip_code} {refer.PHRASES.get(sip_code, 'Transfer')}\r\n"
        self.sendRequest(order)

    def audio(self) -> Any | None:
        """The leg's port in the conference now, or None. Never keep it: a re-INVITE makes a new one."""
        if self.state is LegState.OVER:
            return None
        info = self.getInfo()
        media = info.media
        for index in range(len(media)):
            one = media[index]
            if one.type == pj.PJMEDIA_TYPE_AUDIO and one.audioConfSlot >= 0 and one.status in _FLOWS:
                return self.getAudioMedia(one.index)
        return None

    def packets(self) -> int | None:
        """RTP packets and RTCP reports that came so far; None while none need come (on hold, not answered, ending).

        RTCP counts, because a phone that suppresses silence sends nothing else while its human listens.
        """
        rtcp = stream.rtcp if (stream := self._stream()) is not None else None
        return None if rtcp is None else int(rtcp.rxStat.pkt) + int(rtcp.txStat.updateCount)

    def line(self) -> LineCounts | None:
        """How its packets have come; None as of `packets`."""
        stream = self._stream()
        if stream is None:
            return None
        rtcp = stream.rtcp
        heard, said = rtcp.rxStat, rtcp.txStat
        return LineCounts(
            received=int(heard.pkt),
            lost=int(heard.loss),
            sent=int(said.pkt),
            missed=int(said.loss),
            jitter=int(heard.jitterUsec.last) / 1000,
            round_trip=int(rtcp.rttUsec.last) / 1000,
        )

    def _stream(self) -> Any | None:
        """The figures of the audio that is expected to come."""
        if self.state is not LegState.CONNECTED or self.ended_by_us:
            return None
        info = self.getInfo()
        media = info.media
        for index in range(len(media)):
            one = media[index]
            if one.type == pj.PJMEDIA_TYPE_AUDIO and one.status == pj.PJSUA_CALL_MEDIA_ACTIVE:
                return self.getStreamStat(one.index) if one.dir & pj.PJMEDIA_DIR_DECODING else None
        return None

    def telephone_event(self) -> bool:
        """Whether the phone takes RFC 4733, and so sends keys by it; True while that is not known."""
        if self.state is LegState.OVER:
            return True
        info = self.getInfo()
        media = info.media
        for index in range(len(media)):
            if media[index].type == pj.PJMEDIA_TYPE_AUDIO and media[index].status in _FLOWS:
                stream = self.getStreamInfo(media[index].index)
                return int(stream.audTxEventPt) >= 0
        return True

    # --- what happens ----------------------------------------------------------------------------

    @survives
    def onCallState(self, prm: Any) -> None:
        info = self.getInfo()
        if not self.incoming and info.state in (pj.PJSIP_INV_STATE_EARLY, pj.PJSIP_INV_STATE_CONNECTING):
            message = _received(prm.e)
            if message:
                self._answer = Headers(message)
        if info.state == pj.PJSIP_INV_STATE_EARLY and not self.incoming and not self._rang:
            self._rang = True
            self._owner.on_ringing(self, int(info.lastStatusCode), self.dialog())
        elif info.state == pj.PJSIP_INV_STATE_CONFIRMED:
            self.state = LegState.CONNECTED
            self._owner.on_connected(self, self.dialog())
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            was, self.state = self.state, LegState.OVER
            self._owner.on_over(self, was, int(info.lastStatusCode), self._reason or str(info.lastReason))

    def dialog(self) -> Dialog:
        """As soon as there is one: from the first 18x on."""
        if self._invite is not None:
            return sip_text.dialog_as_callee(self._invite, self._local_tag)
        return sip_text.dialog_as_caller(self._answer)

    @survives
    def onCallTsxState(self, prm: Any) -> None:
        """Keep what only the messages tell: the tag that our 180 carries, and the BYE's Reason."""
        event = prm.e.body.tsxState
        method = str(event.tsx.method)
        if method == "INVITE":
            if event.type == pj.PJSIP_EVENT_TX_MSG and self.incoming and not self._local_tag:
                headers = Headers(str(event.src.tdata.wholeMsg))
                self._local_tag = sip_text.split_address(headers.get("to"))[2]
        elif method in ("BYE", "CANCEL") and not self.ended_by_us and _received(prm.e):
            self._reason = sip_text.reason_text(Headers(_received(prm.e)).get("reason"))
        elif method == "REFER" and event.tsx.state == pj.PJSIP_TSX_STATE_TRYING and _received(prm.e):
            rdata = event.src.rdata
            self._owner.on_refer(self, Headers(str(rdata.wholeMsg)), partial(refer.answer, rdata))

    @survives
    def onCallMediaState(self, prm: Any) -> None:
        info = self.getInfo()
        media = info.media
        held = any(
            media[i].type == pj.PJMEDIA_TYPE_AUDIO and media[i].status == pj.PJSUA_CALL_MEDIA_REMOTE_HOLD
            for i in range(len(media))
        )
        self._owner.on_audio(self)
        if held != self.held:
            self.held = held
            self._owner.on_held(self, held)

    @survives
    def onDtmfDigit(self, prm: Any) -> None:
        self._owner.on_digit(self, str(prm.digit).upper(), DIGIT_METHODS.get(prm.method, "rfc4733"))

    @survives
    def onCallTransferRequest(self, prm: Any) -> None:
        """A REFER that `on_refer` has not answered: else pjsua2 would dial by itself."""
        prm.statusCode = 603

    @survives
    def onCallReplaceRequest(self, prm: Any) -> None:
        prm.statusCode = 603


_FLOWS = (pj.PJSUA_CALL_MEDIA_ACTIVE, pj.PJSUA_CALL_MEDIA_REMOTE_HOLD)


def _received(event: Any) -> str:
    """The message that caused an event, copied; empty when it was none."""
    if event.type != pj.PJSIP_EVENT_TSX_STATE or event.body.tsxState.type != pj.PJSIP_EVENT_RX_MSG:
        return ""
    return str(event.body.tsxState.src.rdata.wholeMsg)


def _append(prm: Any, name: str, value: str) -> None:
    header = pj.SipHeader()
    header.hName, header.hValue = sip_text.one_line(name), sip_text.one_line(value)
    prm.txOption.headers.append(header)
