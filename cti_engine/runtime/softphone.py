"""A softphone without a screen: a call, and a second line beside it to ask somebody, begun and answered by orders; each
state is told as one fact.

Orders are words, whoever gives them: keys in a terminal, lines of a script, or the options of the command.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pjsua2.pjsua2 as pj

from cti_engine.runtime.telephone import Line, PhoneCall, Server, Telephone, survives, user_of

Fact = dict[str, object]
KEY_GAP = 0.25  # seconds from one key to the next; menus and RFC 4733 both want a pause
COMMA = 1.0  # seconds that a comma among keys waits
BUSY = 486
_ANSWER_AFTER = re.compile(r"^Call-Info:.*;\s*answer-after=(\d+)", re.IGNORECASE | re.MULTILINE)
_NUMBER = re.compile(r"[\w.+*#-]+")
_KEYS = re.compile(r"[0-9*#A-D,]+")
ORDERS = (
    "dial NUMBER", "answer", "digits KEYS", "play FILE", "transfer NUMBER", "consult NUMBER", "hand_over",
    "hang_up", "quit",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Manners:
    """`answer_after` seconds of ringing, None: by order, or when the caller's side asks for it (Call-Info).

    From the answer on `play` (a WAV) or a `tone` in Hz is said, over and over, and `keys` are pressed. What is heard
    goes to a file in `record`. `hang_up_after` seconds of talk, 0: never.
    """

    answer_after: float | None = None
    play: Path | None = None
    tone: float = 0.0
    keys: str = ""
    record: Path | None = None
    hang_up_after: float = 0.0


class Softphone(Telephone):
    """`tell` gets each fact: `fact` names it, the rest says what it is about."""

    def __init__(
        self, server: Server, user: str, password: str, manners: Manners, tell: Callable[[Fact], None]
    ) -> None:
        super().__init__(server, "cti-engine softphone")
        self.manners = manners
        self.leaving = False
        self.numbered = 0
        self.refused = False
        self._tell = tell
        self._line = _SoftLine(self, user, password)

    @property
    def call(self) -> SoftCall | None:
        return next((call for call in self.calls if isinstance(call, SoftCall)), None)

    @property
    def second(self) -> SoftCall | None:
        """On the second line, while the first is on hold."""
        return next((call for call in self.calls if isinstance(call, SoftCall) and call.second), None)

    @property
    def registered(self) -> bool:
        return self._line.registered

    def tell(self, fact: str, **more: object) -> None:
        self._tell({"fact": fact, **more})

    def obey(self, order: str) -> None:
        """One of ORDERS; what is none, or cannot be done now, is told as `refused` and changes nothing."""
        word, _, rest = order.strip().partition(" ")
        rest, call, second = rest.strip(), self.call, self.second
        match word:
            case "dial" if call is None and _NUMBER.fullmatch(rest):
                self._dial(rest)
            case "answer" if call is not None and call.rings_here:
                call.reply(200)
            case "digits" if call is not None and call.answered and _KEYS.fullmatch(rest):
                call.press(rest)
            case "play" if call is not None and call.answered and Path(rest).is_file():
                call.say(Path(rest))
            case "transfer" if call is not None and call.answered and _NUMBER.fullmatch(rest):
                call.transfer(rest)
            case "consult" if (
                call is not None and call.answered and second is None and _NUMBER.fullmatch(rest)
            ):
                call.setHold(pj.CallOpParam(True))
                self._dial(rest, second=True)
            case "hand_over" if call is not None and second is not None and second.answered:
                call.xferReplaces(second, pj.CallOpParam(True))
            case "hang_up" if call is not None:
                (second or call).hang_up()
            case "quit":
                self.leaving = True
            case _:
                self.tell("refused", order=order.strip(), orders=ORDERS, in_a_call=call is not None)

    def _dial(self, number: str, *, second: bool = False) -> None:
        call = SoftCall(self, self._line, number, second=second)
        self.calls.append(call)
        self.tell("calling", number=number)
        try:
            call.makeCall(self.uri(number), pj.CallOpParam(True))
        except pj.Error as error:
            call.over(0, str(error.reason))


class _SoftLine(Line):
    phone: Softphone

    def on_registration(self, sip_code: int, reason: str) -> None:
        self.phone.refused = sip_code in (401, 403, 404, 407)
        self.phone.tell("registered" if self.registered else "not_registered", code=sip_code, reason=reason)

    def on_call(self, number: int, message: str) -> None:
        busy = self.phone.call is not None
        call = SoftCall(self.phone, self, "", number)
        self.phone.calls.append(call)
        call.came(message, busy=busy)


class SoftCall(PhoneCall):
    """Its facts carry `call`, its number since the start of the phone."""

    phone: Softphone

    def __init__(
        self,
        phone: Softphone,
        line: Line,
        number: str,
        pj_number: int = pj.PJSUA_INVALID_ID,
        *,
        second: bool = False,
    ) -> None:
        super().__init__(phone, line, pj_number)
        phone.numbered += 1
        self.number = number
        self.second = second
        self.rings_here = False
        self._id = phone.numbered
        self._silent = False
        self._answered_at = 0.0
        self._voice: Any = None
        self._recorder: Any = None
        self._recording = ""

    def came(self, message: str, *, busy: bool) -> None:
        """Somebody calls; `message` is the INVITE."""
        info = self.getInfo()
        uri = str(info.remoteUri)
        self.number = user_of(uri)
        if busy:
            self._silent = True
            self.reply(BUSY)
            return
        self.rings_here = True
        asked = _ANSWER_AFTER.search(message)
        after = self.phone.manners.answer_after
        if after is None and asked is not None:
            after = float(asked[1])
        self._tell("incoming", name=uri.partition("<")[0].strip(' "'), by_itself=after is not None)
        self.reply(180)
        if after is not None:
            self.phone.later(after, self._answer_now)

    def _answer_now(self) -> None:
        if self.rings_here:
            self.reply(200)

    def press(self, keys: str) -> None:
        after = 0.0
        for key in keys:
            if key == ",":
                after += COMMA
            else:
                self.phone.later(after, partial(self._press, key))
                after += KEY_GAP

    def _press(self, key: str) -> None:
        if self.live and self.answered:
            self.dialDtmf(key)

    def transfer(self, number: str) -> None:
        """Blindly; the other side tells how it comes out."""
        self.xfer(self.phone.uri(number), pj.CallOpParam(True))

    @survives
    def onCallTransferStatus(self, prm: Any) -> None:
        self._tell("transfer", code=int(prm.statusCode), reason=str(prm.reason), final=bool(prm.finalNotify))

    def resume(self) -> None:
        """Off hold, when whoever was asked on the second line is gone."""
        if self.live and self.answered and not self.hung_up:
            prm = pj.CallOpParam(True)
            prm.opt.flag = pj.PJSUA_CALL_UNHOLD
            self.reinvite(prm)

    def say(self, file: Path) -> None:
        """This WAV over and over, in the place of what was said."""
        voice = pj.AudioMediaPlayer()
        voice.createPlayer(str(file))
        self._voice = voice
        self.on_audio()

    def _say_tone(self, hertz: float) -> None:
        voice = pj.ToneGenerator()
        voice.createToneGenerator(8000, 1)
        tone = pj.ToneDesc()
        tone.freq1, tone.freq2, tone.on_msec, tone.off_msec = round(hertz), 0, 1000, 0
        tones = pj.ToneDescVector()
        tones.append(tone)
        voice.play(tones, True)
        self._voice = voice
        self.on_audio()

    def on_audio(self) -> None:
        audio = self.audio()
        if audio is None:
            return
        if self._voice is not None:
            self._voice.startTransmit(audio)
        if self._recorder is not None:
            audio.startTransmit(self._recorder)

    def on_ringing(self) -> None:
        if not self.rings_here and not self._silent:
            self._tell("ringing")

    def on_answered(self) -> None:
        manners = self.phone.manners
        self.rings_here = False
        self._answered_at = time.monotonic()
        self._tell("answered")
        if manners.record is not None:
            self._record(manners.record)
        if manners.play is not None:
            self.say(manners.play)
        elif manners.tone:
            self._say_tone(manners.tone)
        if manners.keys:
            self.press(manners.keys)
        if manners.hang_up_after:
            self.phone.later(manners.hang_up_after, self.hang_up)

    def _record(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._recording = str(folder / f"{self._id:03d}-{self.number}.wav")
        self._recorder = pj.AudioMediaRecorder()
        self._recorder.createRecorder(self._recording)
        self.on_audio()

    @survives
    def onDtmfDigit(self, prm: Any) -> None:
        self._tell("key", key=str(prm.digit))

    def over(self, sip_code: int, reason: str) -> None:
        self.rings_here = False
        self._voice = self._recorder = None  # the recorder writes its header as it goes
        super().over(sip_code, reason)
        first = self.phone.call
        if self.second and first is not None:
            first.resume()

    def on_over(self, sip_code: int, reason: str) -> None:
        if not self._silent:
            talked = time.monotonic() - self._answered_at if self.answered else 0.0
            self._tell(
                "over",
                code=sip_code,
                reason=reason,
                answered=self.answered,
                by="us" if self.hung_up else "them",
                seconds=round(talked, 2),
                heard=self.heard,
                recording=self._recording,
            )

    def _tell(self, fact: str, **more: object) -> None:
        self.phone.tell(fact, call=self._id, number=self.number, **more)
