"""A phone process of the demo: a telephone for callers or for agents' lines, never for both.

Everything happens in its one thread between two turns of the telephone, and the end is orderly or `os._exit`.
"""

from __future__ import annotations

import os
import signal
import time
from functools import partial
from multiprocessing.connection import Connection
from random import Random
from typing import Any

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
from cti_engine.runtime.telephone import Line, PhoneCall, Server, Telephone, user_of


def phone_process(config: PhoneConfig, pipe: Connection) -> None:
    """Run a phone until HangUpAll, or until the demo is gone. Ctrl-C is the demo's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    phone = RobotPhone(config, pipe)
    phone.run()
    phone.close()
    os._exit(0)


class RobotPhone(Telephone):
    """Does what the demo orders by the pipe, and tells what comes of it."""

    def __init__(self, config: PhoneConfig, pipe: Connection) -> None:
        server = Server(config.edge_host, config.edge_port, config.realm, config.edge_host, config.rtp_port)
        super().__init__(server, "cti-engine demo robot")
        self.config = config
        self.random = Random(config.seed)
        self._pipe = pipe
        self._leaving = False
        for line in config.lines:
            _AgentLine(self, line)
        self.tell(PhoneReady(config.name, self.sip_port))

    def tell(self, fact: Fact) -> None:
        try:
            self._pipe.send(fact)
        except OSError:
            self._leaving = True  # the demo died: hang up all the same

    def run(self) -> None:
        """Until told to leave, or until the demo's end of the pipe is closed."""
        while not self._leaving:
            self.turn()
            try:
                while not self._leaving and self._pipe.poll(0):
                    self._obey(self._pipe.recv())
            except (EOFError, OSError):
                self._leaving = True

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
        account = pj.Account()
        settings = self.account_settings()
        settings.idUri = f'"{script.caller.name}" <sip:{script.caller.number}@{self.config.realm}>'
        account.create(settings)
        call = CallerCall(self, account, script)
        self.calls.append(call)
        try:
            call.makeCall(self.uri(script.dial), pj.CallOpParam(True))
        except pj.Error as error:
            call.over(0, str(error.reason))


class _AgentLine(Line):
    """An agent's registration; its calls are answered by the agent's manner."""

    phone: RobotPhone

    def __init__(self, phone: RobotPhone, line: AgentLine) -> None:
        super().__init__(phone, line.user, line.password)

    def on_registration(self, sip_code: int, reason: str) -> None:
        self.phone.tell(Registration(self.user, sip_code, reason))

    def on_call(self, number: int, message: str) -> None:
        self.phone.calls.append(LineCall(self.phone, self, number))


class RobotCall(PhoneCall):
    """What callers' and agents' calls have in common: a voice and an ear."""

    phone: RobotPhone

    def __init__(self, phone: RobotPhone, account: Any, number: int = pj.PJSUA_INVALID_ID) -> None:
        super().__init__(phone, account, number)
        self.talking = False
        self._voice: Any = None

    def talk(self, language: str) -> None:
        """Say one's words again and again."""
        self._voice = pj.AudioMediaPlayer()
        self._voice.createPlayer(self.phone.config.voices[language])
        self.talking = True
        self.on_audio()

    def listen(self) -> None:
        """To whoever one talks to: what was heard before is a menu or music."""
        if self.talking:
            super().listen()

    def on_audio(self) -> None:
        audio = self.audio()
        if audio is not None and self._voice is not None:
            self._voice.startTransmit(audio)

    def over(self, sip_code: int, reason: str) -> None:
        self._voice = None
        super().over(sip_code, reason)


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

    def __init__(self, phone: RobotPhone, line: _AgentLine, number: int) -> None:
        super().__init__(phone, line, number)
        self._user = line.user
        info = self.getInfo()
        self._caller = user_of(str(info.remoteUri))
        self._answered_at = 0.0
        self._manner = draw_manner(phone.random)
        self.reply(180)
        if self._manner.answer_after is not None:
            phone.later(self._manner.answer_after, partial(self.reply, 200))

    def on_answered(self) -> None:
        self._answered_at = time.monotonic()
        self.talk(LANGUAGE_OF.get(self._caller, "en"))
        if self._manner.talk is not None:
            self.phone.later(self._manner.talk, self.hang_up)

    def on_over(self, sip_code: int, reason: str) -> None:
        talked = time.monotonic() - self._answered_at if self.answered else 0.0
        self.phone.tell(LineOver(self._user, self._caller, self.answered, talked, self.heard))
