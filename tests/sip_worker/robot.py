"""A phone in a process of its own, on a raw pjsua2: calls, answers, plays one file, records what it hears.

Orders come as tuples over a pipe, and what happens goes back as tuples.
"""

from __future__ import annotations

import os
from multiprocessing.connection import Connection
from typing import Any

import pjsua2.pjsua2 as pj


class _Call(pj.Call):  # type: ignore[misc]  # the wheel has no types
    def __init__(self, robot: _Robot, number: int = pj.PJSUA_INVALID_ID) -> None:
        super().__init__(robot.account, number)
        self.robot = robot

    def onCallState(self, prm: Any) -> None:
        self.onCallTsxState(prm)  # a BYE is not told otherwise
        info = self.getInfo()
        self.robot.tell("state", info.stateText, info.lastStatusCode)
        if info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self.robot.dead.append(self)
            self.robot.call = None

    def onCallTsxState(self, prm: Any) -> None:
        event = prm.e.body.tsxState
        if prm.e.type == pj.PJSIP_EVENT_TSX_STATE and event.type == pj.PJSIP_EVENT_RX_MSG:
            self.robot.tell("message", str(event.src.rdata.wholeMsg))

    def onCallMediaState(self, prm: Any) -> None:
        info = self.getInfo()
        media = info.media
        for index in range(len(media)):
            if media[index].audioConfSlot >= 0:
                audio = self.getAudioMedia(index)
                self.robot.player.startTransmit(audio)
                audio.startTransmit(self.robot.recorder)

    def onDtmfDigit(self, prm: Any) -> None:
        self.robot.tell("digit", str(prm.digit), int(prm.method))

    def onCallTransferStatus(self, prm: Any) -> None:
        self.robot.tell("transfer", int(prm.statusCode))


class _Account(pj.Account):  # type: ignore[misc]
    def __init__(self, robot: _Robot) -> None:
        super().__init__()
        self.robot = robot

    def onIncomingCall(self, prm: Any) -> None:
        self.robot.tell("invite", str(prm.rdata.wholeMsg))
        self.robot.call = _Call(self.robot, prm.callId)
        for code in self.robot.answers:
            self.robot.respond(code)


class _Robot:
    def __init__(
        self, pipe: Connection, play: str, record: str, answers: tuple[int, ...], loses: int
    ) -> None:
        self.pipe = pipe
        self.answers = answers
        self.call: _Call | None = None
        self.dead: list[_Call] = []
        self.put_off: list[tuple[Any, ...]] = []
        self.library = pj.Endpoint()
        self.library.libCreate()
        settings = pj.EpConfig()
        settings.logConfig.level = settings.logConfig.consoleLevel = 0
        settings.uaConfig.threadCnt = 0
        settings.uaConfig.mainThreadOnly = True
        settings.medConfig.clockRate = 8000
        settings.medConfig.noVad = True
        settings.medConfig.txDropPct = loses
        self.library.libInit(settings)
        transport = pj.TransportConfig()
        transport.boundAddress = "127.0.0.1"
        number = self.library.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
        self.library.libStart()
        self.library.audDevManager().setNullDev()
        self.player = pj.AudioMediaPlayer()
        self.player.createPlayer(play)
        self.recorder = pj.AudioMediaRecorder()
        self.recorder.createRecorder(record)
        # A phone records time as it passes, silence too.
        self.library.audDevManager().getCaptureDevMedia().startTransmit(self.recorder)
        self.account = _Account(self)
        config = pj.AccountConfig()
        config.idUri = '"Phone" <sip:+13105550123@example.org>'
        config.mediaConfig.transportConfig.boundAddress = "127.0.0.1"
        config.mediaConfig.lockCodecEnabled = False
        self.account.create(config, True)
        name = self.library.transportGetInfo(number).localName
        self.tell("ready", name)

    def tell(self, *event: object) -> None:
        self.pipe.send(event)

    def respond(self, code: int) -> None:
        prm = pj.CallOpParam()
        prm.statusCode = code
        if self.call is not None:
            self.call.answer(prm)

    def obey(self, do: str, *args: Any) -> None:
        prm = pj.CallOpParam(True)
        if do == "call":
            uri, headers = args
            for name, value in headers.items():
                header = pj.SipHeader()
                header.hName, header.hValue = name, value
                prm.txOption.headers.append(header)
            prm.opt.customCallId = headers["X-Test-Call-ID"]
            self.call = _Call(self)
            self.call.makeCall(uri, prm)
        elif do == "answers":
            self.answers = args[0]
        elif self.call is None:
            self.tell("no call", do)
        elif do == "answer":
            self.respond(args[0])
        elif do == "digits":
            digits, method = args
            send = pj.CallSendDtmfParam()
            send.digits, send.method, send.duration = digits, method, 120
            self.call.sendDtmf(send)
        elif do == "hold":
            self.call.setHold(prm)
        elif do == "resume":
            prm.opt.flag = pj.PJSUA_CALL_UNHOLD
            self.call.reinvite(prm)
        elif do == "refer":
            self.call.xfer(args[0], prm)
        elif do == "count":
            self.tell("packets", self.call.getStreamStat(0).rtcp.rxStat.pkt)
        elif do == "hangup":
            self.call.hangup(pj.CallOpParam())

    def run(self) -> None:
        while True:
            self.library.libHandleEvents(10)
            self.dead.clear()
            orders, self.put_off = self.put_off, []
            while self.pipe.poll(0):
                orders.append(self.pipe.recv())
            for order in orders:
                if order[0] == "stop":
                    self.close()
                try:
                    self.obey(*order)
                except pj.Error:
                    self.put_off.append(order)  # a re-INVITE is under way: one at a time (RFC 3261 14.1)

    def close(self) -> None:
        if self.call is not None:
            self.call.hangup(pj.CallOpParam())
        for _ in range(10):
            self.library.libHandleEvents(10)
        self.call = None
        self.dead.clear()
        del self.player, self.recorder
        for _ in range(10):  # the media thread closes the file
            self.library.libHandleEvents(20)
        self.account.shutdown()
        self.library.libDestroy()
        self.tell("closed")
        os._exit(0)


def serve(pipe: Connection, play: str, record: str, answers: tuple[int, ...], loses: int) -> None:
    """Run the phone until `stop` or until the test is gone. `loses`: per cent of the packets that it sends."""
    try:
        _Robot(pipe, play, record, answers, loses).run()
    except (EOFError, OSError):
        os._exit(1)
