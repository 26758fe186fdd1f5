"""`python -m tests.sip_worker.tap_endpoint CASE`: taps of a call that an endpoint makes to itself; prints JSON."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pjsua2.pjsua2 as pj

from cti_engine.sip_worker.audio_tap import AudioTaps
from cti_engine.sip_worker.conference import Conference
from cti_engine.sip_worker.guard import Faults
from tests.sip_worker import tones
from tests.sip_worker.raw_wheel import Raw

LEG, HZ = "caller", 700


class Setting:
    """A call to itself whose callee's side is tapped; the caller plays a tone."""

    def __init__(self) -> None:
        self.phone = Raw()
        self.caller, self.callee = self.phone.talk()
        self.player = pj.AudioMediaPlayer()
        self.player.createPlayer(tones.write(Path(tempfile.mkdtemp()) / "t.wav", HZ, 2.0))
        self.player.startTransmit(self.caller.getAudioMedia(-1))
        self.conference = Conference()
        self.conference.add(LEG, lambda: self.callee.getAudioMedia(-1))
        self.taps = AudioTaps(self.conference)
        self.ports = self.phone.library.mediaActivePorts()

    async def run(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.phone.library.libHandleEvents(0)
            await asyncio.sleep(0.005)

    @property
    def ports_left(self) -> int:
        return int(self.phone.library.mediaActivePorts() - self.ports)


def tone_share(frames: list[bytes]) -> float:
    """The share of the time in which the tone is heard; the wheel's first codec, Speex, takes some of its level."""
    pcm = np.frombuffer(b"".join(frames), "<i2") / 32768
    return tones.heard(pcm, HZ) / (len(pcm) / tones.RATE)


async def listen() -> dict[str, Any]:
    setting = Setting()
    await setting.run(0.3)
    one: list[bytes] = []
    two: list[bytes] = []
    threads = set()

    def hear(frame: bytes) -> None:
        one.append(frame)
        threads.add(threading.get_ident())

    setting.taps.start(LEG, "one", hear)
    setting.taps.start(LEG, "two", two.append)
    await setting.run(1.0)
    return {
        "frames": len(one), "sizes": sorted({len(frame) for frame in one}), "same": one == two,
        "in_loop": threads == {threading.get_ident()}, "tone_share": tone_share(one[10:]),
    }  # fmt: skip


async def stop() -> dict[str, Any]:
    setting = Setting()
    one: list[bytes] = []
    two: list[bytes] = []
    setting.taps.start(LEG, "one", one.append)
    setting.taps.start(LEG, "two", two.append)
    await setting.run(0.3)
    setting.taps.stop(LEG, "one")
    heard, before = len(one), len(two)
    await setting.run(0.3)
    other_goes_on, after_stop = len(two) - before, len(one) - heard
    setting.taps.stop(LEG, "two")
    setting.taps.stop(LEG, "two")
    before = len(two)
    await setting.run(0.5)
    return {
        "after_stop": after_stop + len(two) - before, "other_goes_on": other_goes_on,
        "ports_left": setting.ports_left, "clean": setting.taps.clean and setting.conference.empty,
    }  # fmt: skip


async def hold() -> dict[str, Any]:
    setting = Setting()
    frames: list[bytes] = []
    setting.taps.start(LEG, "one", frames.append)
    await setting.run(0.2)
    setting.caller.setHold(pj.CallOpParam(True))
    await setting.run(0.5)
    resume = pj.CallOpParam(True)
    resume.opt.flag = pj.PJSUA_CALL_UNHOLD
    setting.caller.reinvite(resume)
    await setting.run(0.5)
    setting.conference.renewed(LEG)
    setting.player.startTransmit(setting.caller.getAudioMedia(-1))
    await setting.run(0.4)
    frames.clear()
    await setting.run(0.5)
    return {"tone_share": tone_share(frames)}


async def churn() -> dict[str, Any]:
    setting = Setting()
    count = 0
    end = time.monotonic() + 3.0
    while time.monotonic() < end:
        setting.taps.start(LEG, "one", lambda frame: None)
        await setting.run(count % 4 * 0.01)
        setting.taps.stop(LEG, "one")
        count += 1
    await setting.run(0.5)
    return {"taps": count, "ports_left": setting.ports_left, "faults": Faults.count}


if __name__ == "__main__":
    found = asyncio.run({"listen": listen, "stop": stop, "hold": hold, "churn": churn}[sys.argv[1]]())
    print(json.dumps(found), flush=True)
    os._exit(0)
