"""The traps of pjsua2, sprung on the bare wheel: `python -m tests.sip_worker.raw_wheel NAME [ARG]` in a child.

Nothing of the worker is used here. What a trap shows is printed as `shown: ...`; or the process dies of it.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import wave
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pjsua2.pjsua2 as pj


def shown(*what: object) -> None:
    print("shown:", *what, flush=True)


class Call(pj.Call):  # type: ignore[misc]  # the wheel has no types
    def __init__(self, phone: Raw, number: int = pj.PJSUA_INVALID_ID) -> None:
        super().__init__(phone.account, number)
        self.phone = phone
        self.states: list[tuple[str, int]] = []
        self.audio: Any = None

    def onCallState(self, prm: Any) -> None:
        info = self.getInfo()
        self.states.append((info.stateText, info.lastStatusCode))

    def onCallMediaState(self, prm: Any) -> None:
        self.audio = self.getAudioMedia(-1)
        self.phone.media_changes += 1


class Account(pj.Account):  # type: ignore[misc]
    def __init__(self, phone: Raw) -> None:
        super().__init__()
        self.phone = phone

    def onIncomingCall(self, prm: Any) -> None:
        self.phone.on_invite(prm)


class Raw:
    """One endpoint that can call itself: the caller's and the callee's Call live in the same process."""

    def __init__(self) -> None:
        self.library = pj.Endpoint()
        self.library.libCreate()
        settings = pj.EpConfig()
        settings.logConfig.level = settings.logConfig.consoleLevel = 0
        settings.uaConfig.threadCnt = 0
        settings.uaConfig.mainThreadOnly = True
        settings.medConfig.clockRate = 8000
        settings.medConfig.noVad = True
        self.library.libInit(settings)
        transport = pj.TransportConfig()
        transport.boundAddress = "127.0.0.1"
        number = self.library.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
        self.library.libStart()
        self.library.audDevManager().setNullDev()
        self.address = self.library.transportGetInfo(number).localName
        self.account = Account(self)
        config = pj.AccountConfig()
        config.idUri = "sip:raw@example.org"
        self.account.create(config, True)
        self.calls: list[Call] = []
        self.media_changes = 0
        self.on_invite: Callable[[Any], None] = self.answer

    def answer(self, prm: Any, code: int = 200) -> None:
        call = Call(self, prm.callId)
        self.calls.append(call)
        answer = pj.CallOpParam()
        answer.statusCode = code
        call.answer(answer)

    def call(self) -> Call:
        call = Call(self)
        self.calls.append(call)
        call.makeCall(f"sip:self@{self.address}", pj.CallOpParam(True))
        return call

    def pump(self, seconds: float, until: Callable[[], object] = lambda: False) -> bool:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.library.libHandleEvents(5)
            if until():
                return True
        return False

    def talk(self) -> tuple[Call, Call]:
        """(caller, callee) of a call to itself, connected."""
        caller = self.call()
        assert self.pump(5, lambda: caller.states and caller.states[-1][0] == "CONFIRMED")
        self.pump(0.1)
        return caller, self.calls[-1]


# --- asserts abort the process -----------------------------------------------------------------


def exit_without_close() -> None:
    """A plain exit while a call lives."""
    phone = Raw()
    phone.talk()
    sys.exit(0)


def unregistered_thread() -> None:
    phone = Raw()
    thread = threading.Thread(target=phone.library.codecEnum2)
    thread.start()
    thread.join()
    shown("survived")


def rejected_invites(seconds: str) -> None:
    """A phone that rejects each INVITE; says its address and lives its time unless it dies of them."""
    phone = Raw()
    count = 0

    def reject(prm: Any) -> None:
        nonlocal count
        count += 1
        call = Call(phone, prm.callId)
        answer = pj.CallOpParam()
        answer.statusCode = 403
        call.hangup(answer)

    phone.on_invite = reject
    shown(phone.address)
    phone.pump(float(seconds))
    shown("rejected", count)
    os._exit(0)


def fork_after_start() -> None:
    """A child forked after libCreate that uses the library."""
    phone = Raw()
    child = os.fork()
    if not child:
        phone.pump(0.2)
        phone.library.libDestroy()
        os._exit(0)
    end = time.monotonic() + 5
    while time.monotonic() < end:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            shown("child", os.waitstatus_to_exitcode(status))
            os._exit(0)
        time.sleep(0.05)
    os.kill(child, 9)
    shown("child hangs")
    os._exit(0)


# --- memory and references ---------------------------------------------------------------------


def info_of_a_temporary() -> None:
    phone = Raw()
    caller, _ = phone.talk()
    bound = caller.getInfo()
    truth = bound.media[0].status
    wrong = 0
    for _ in range(200):
        media = caller.getInfo().media[0]
        noise = [bytes(256) for _ in range(50)] + [caller.getInfo() for _ in range(3)]
        wrong += media.status != truth
        del noise
    shown("wrong", wrong)
    os._exit(0)


def rdata_after_the_callback() -> None:
    phone = Raw()
    kept: list[Any] = []

    def keep(prm: Any) -> None:
        kept.append((prm.rdata, str(prm.rdata.wholeMsg)))
        phone.answer(prm)

    phone.on_invite = keep
    phone.talk()
    rdata, copy = kept[0]
    try:
        same = str(rdata.wholeMsg) == copy
    except Exception as error:
        shown("raised", type(error).__name__)
    else:
        shown("same" if same else "different")
    os._exit(0)


def dropped_reference() -> None:
    """The callee's Call is dropped by the application; the caller is hung up on."""
    phone = Raw()
    caller, callee = phone.talk()
    phone.calls.remove(callee)
    del callee
    phone.pump(2, lambda: caller.states[-1][0] == "DISCONNECTED")
    shown(caller.states[-1][0])
    os._exit(0)


def exception_in_callback() -> None:
    phone = Raw()

    def fail(prm: Any) -> None:
        raise ValueError("a bug in our code")

    phone.on_invite = fail
    caller = phone.call()
    try:
        phone.pump(3, lambda: caller.states and caller.states[-1][0] == "DISCONNECTED")
    except ValueError:
        shown("the pump raised")
    phone.pump(1)
    shown(caller.states[-1])
    os._exit(0)


# --- media -------------------------------------------------------------------------------------


def tone(path: Path, samples: int, hz: int = 1000) -> str:
    """A square wave, so that any sample of it is loud."""
    half = 4000 // hz
    one = b"".join((8000 if n // half % 2 else -8000).to_bytes(2, "little", signed=True) for n in range(8000))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes((one * (samples // 8000 + 1))[: 2 * samples])
    return str(path)


def loud(path: Path) -> float:
    """Seconds of a raw recording that are not silent, its header ignored."""
    raw = path.read_bytes()[44:]
    frames = [raw[at : at + 320] for at in range(0, len(raw) - 319, 320)]
    return sum(any(frame) for frame in frames) * 0.02


def playlist_end(folder: str) -> None:
    """Two files of 3900 samples, 0.975 s: when is the end told, what is heard, in which thread is it told?"""
    phone = Raw()
    told: list[float] = []
    threads: list[bool] = []

    class Player(pj.AudioMediaPlayer):  # type: ignore[misc]
        def onEof2(self) -> None:
            told.append(time.monotonic())
            threads.append(threading.current_thread() is threading.main_thread())

    files = [tone(Path(folder) / f"{n}.wav", 3900) for n in range(2)]
    player, recorder = Player(), pj.AudioMediaRecorder()
    recorder.createRecorder(str(Path(folder) / "heard.wav"))
    player.createPlaylist(pj.StringVector(files), "", pj.PJMEDIA_FILE_NO_LOOP)
    phone.library.audDevManager().getCaptureDevMedia().startTransmit(recorder)
    begun = time.monotonic()
    player.startTransmit(recorder)
    phone.pump(2.0)
    del recorder
    phone.pump(0.2)
    heard = loud(Path(folder) / "heard.wav")
    shown(f"{told[0] - begun:.2f} {heard:.2f} {'main' if threads[0] else 'foreign'}")
    os._exit(0)


def unfed_recorder(folder: str) -> None:
    """A recorder that is fed for half of the time."""
    phone = Raw()
    path = Path(folder) / "heard.wav"
    player, recorder = pj.AudioMediaPlayer(), pj.AudioMediaRecorder()
    player.createPlayer(tone(Path(folder) / "t.wav", 8000))
    recorder.createRecorder(str(path))
    phone.pump(1.0)
    player.startTransmit(recorder)
    phone.pump(1.0)
    player.stopTransmit(recorder)
    phone.pump(0.2)
    before = int.from_bytes(path.read_bytes()[40:44], "little")
    del recorder
    phone.pump(0.3)
    after = int.from_bytes(path.read_bytes()[40:44], "little")
    shown(f"{before} {after / 16000:.2f}")
    os._exit(0)


def stale_audio(folder: str) -> None:
    """Seconds heard of a tone connected to the AudioMedia from before a hold, and to the one of now."""
    phone = Raw()
    caller, callee = phone.talk()
    player = pj.AudioMediaPlayer()
    player.createPlayer(tone(Path(folder) / "t.wav", 8000))
    stale = caller.getAudioMedia(-1)
    caller.setHold(pj.CallOpParam(True))
    phone.pump(0.5)
    others = [pj.AudioMediaPlayer() for _ in range(3)]  # somebody else's ports take its place
    for other in others:
        other.createPlayer(str(Path(folder) / "t.wav"))
    resume = pj.CallOpParam(True)
    resume.opt.flag = pj.PJSUA_CALL_UNHOLD
    caller.reinvite(resume)
    phone.pump(0.5)
    heard = []
    for number, sink in enumerate((stale, caller.getAudioMedia(-1))):
        path, recorder = Path(folder) / f"{number}.heard.wav", pj.AudioMediaRecorder()
        recorder.createRecorder(str(path))
        callee.getAudioMedia(-1).startTransmit(recorder)
        player.startTransmit(sink)
        phone.pump(1.0)
        player.stopTransmit(sink)
        del recorder
        phone.pump(0.3)
        heard.append(f"{loud(path):.1f}")
    shown(*heard)
    os._exit(0)


def no_device() -> None:
    """RTP packets that a call sends in a second, without a sound device and with the null device."""
    phone = Raw()
    caller, _ = phone.talk()
    sent = []
    for device in (phone.library.audDevManager().setNoDev, phone.library.audDevManager().setNullDev):
        device()
        phone.pump(0.3)
        before = caller.getStreamStat(0).rtcp.txStat.pkt
        phone.pump(1.0)
        sent.append(caller.getStreamStat(0).rtcp.txStat.pkt - before)
    shown(*sent)
    os._exit(0)


def over(call: Call) -> bool:
    return call.states[-1][0] == "DISCONNECTED"


def idle_clock() -> None:
    """Ports in the conference two seconds after the last of some short calls, and after the null device anew."""
    phone = Raw()
    bare = phone.library.mediaActivePorts()
    for _ in range(40):
        caller, callee = phone.talk()
        caller.hangup(pj.CallOpParam())
        phone.pump(2, partial(over, callee))
        phone.pump(0.04)
        phone.calls.clear()
        if not phone.pump(2.0, lambda: phone.library.mediaActivePorts() == bare):
            break
    left = phone.library.mediaActivePorts() - bare
    phone.library.audDevManager().setNullDev()
    phone.pump(0.5)
    shown(left, phone.library.mediaActivePorts() - bare)
    os._exit(0)


def frame_after_the_callback() -> None:
    """A frame kept past its callback, read in the main thread."""
    phone = Raw()
    kept: list[tuple[Any, bytes]] = []

    class Tap(pj.AudioMediaPort):  # type: ignore[misc]
        def onFrameReceived(self, frame: Any) -> None:
            kept.append((frame.buf, bytes(frame.buf)))

    tap, form = Tap(), pj.MediaFormatAudio()
    form.init(pj.PJMEDIA_FORMAT_PCM, 8000, 1, 20000, 16)
    tap.createPort("tap", form)
    phone.library.audDevManager().getCaptureDevMedia().startTransmit(tap)
    phone.pump(0.5)
    same = sum(bytes(buf) == copy for buf, copy in kept[:-1])
    shown(f"{same} of {len(kept) - 1}")
    os._exit(0)


# --- limits and REFER --------------------------------------------------------------------------


def fifth_call() -> None:
    """Two calls to itself use four places; a third call finds none."""
    phone = Raw()
    phone.talk()
    phone.talk()
    try:
        phone.call()
    except pj.Error as error:
        shown("refused", error.status)
    os._exit(0)


def accepted_refer() -> None:
    """A REFER that the application does not refuse makes pjsua2 call the target by itself."""
    phone = Raw()
    caller, _ = phone.talk()
    invites: list[str] = []

    def target(prm: Any) -> None:
        invites.append(str(prm.rdata.wholeMsg))
        phone.answer(prm, 486)

    phone.on_invite = target
    caller.xfer(f"sip:target@{phone.address}", pj.CallOpParam(True))
    phone.pump(2, lambda: invites)
    shown("dialled", sum(text.startswith("INVITE sip:target@") for text in invites))
    os._exit(0)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
