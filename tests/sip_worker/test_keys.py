"""Keys as tones in the audio, by sipp: told only where they are wanted, and once beside other ways."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cti_engine.core.commands import AnswerLeg
from cti_engine.core.signals import DigitPressed, InviteReceived, LegEnded, PlaybackEnded
from cti_engine.wire.vocabulary import to_plain
from cti_engine.wire.worker_frames import PlayFiles
from tests.phones.key_callers import caller
from tests.phones.media import Digit, InbandDigit, Tone, write_pcap
from tests.phones.sipp import Sipp
from tests.sip_worker import tones
from tests.sip_worker.test_foreign_phones import CALL_ID, signed
from tests.sip_worker.world import NAME, World


@asynccontextmanager
async def call(
    world: World,
    folder: Path,
    *said: Tone | Digit | InbandDigit,
    talk: float,
    inband: str = "auto",
    **how: object,
) -> AsyncIterator[str]:
    """The leg of an answered sipp caller; the call is over at the end."""
    scenario = signed(caller(folder, **how), folder)  # type: ignore[arg-type]
    media = write_pcap(folder / "said.pcap", Tone(0, 0.2), *said, Tone(0, 0.5))
    await world.start(inband_dtmf=inband)
    sipp = Sipp(
        *(scenario, folder / "sipp"),
        to=world.sip, number="2000", calls=1, talk=talk, play=media, extra=("-cid_str", CALL_ID),
    )  # fmt: skip
    async with sipp:
        leg = (await world.engine.gets(InviteReceived)).leg
        world.engine.order(AnswerLeg(NAME, leg))
        yield leg
        await sipp.finished(within=20.0)
        await world.engine.gets(LegEnded, leg=leg)
        await world.edge.sees(free=True)


def told(world: World) -> list[tuple[str, str]]:
    return [(one.digit, one.method) for one in world.engine.signals if isinstance(one, DigitPressed)]


async def test_all_sixteen_keys_as_tones(world: World, tmp_path: Path) -> None:
    """From a phone without telephone-event each key is told once, in order; afterwards the worker is clean."""
    keys = "1234567890*#ABCD11"
    async with call(world, tmp_path, *(InbandDigit(key, 0.06, 0.06) for key in keys), talk=3.0):
        pass
    assert told(world) == [(key, "inband") for key in keys]


async def test_tones_beside_telephone_event_are_not_listened_to(world: World, tmp_path: Path) -> None:
    """A phone that offers telephone-event sends keys by it: its tones mean nothing by default."""
    said = (InbandDigit("5"), Digit("7"))
    async with call(world, tmp_path, *said, talk=1.2, telephone_event=True):
        pass
    assert told(world) == [("7", "rfc4733")]


async def test_one_press_over_two_ways_is_one_key(world: World, tmp_path: Path) -> None:
    """Each press comes as tones and by INFO; two presses of the same key stay two."""
    said = [InbandDigit("4", 0.1, 0.3), InbandDigit("4", 0.1, 0.3), InbandDigit("9", 0.1, 0.3)]
    async with call(world, tmp_path, *said, talk=1.5, info="449", pause=0.4):
        pass
    assert [key for key, _ in told(world)] == ["4", "4", "9"]


async def test_always_listens_beside_telephone_event(world: World, tmp_path: Path) -> None:
    """With `always` a carrier that offers telephone-event but sends tones is understood; each way's keys count."""
    said = (InbandDigit("5"), Digit("7"), Tone(0, 0.6))
    async with call(world, tmp_path, *said, talk=1.8, telephone_event=True, inband="always"):
        pass
    assert told(world) == [("5", "inband"), ("7", "rfc4733")]


async def test_never_listens(world: World, tmp_path: Path) -> None:
    """With `never` nobody pays for a tap, and tones mean nothing."""
    async with call(world, tmp_path, InbandDigit("5"), talk=1.0, inband="never"):
        pass
    assert told(world) == []


async def test_tone_stops_the_prompt(world: World, tmp_path: Path) -> None:
    """A key as tones barges in like any other."""
    long = tones.write(tmp_path / "l.wav", 500, 5.0)
    async with call(world, tmp_path, Tone(0, 0.6), InbandDigit("3"), talk=2.0) as leg:
        world.engine.send(*to_plain(PlayFiles(leg, "p", (long,), stop_on_digit=True)))
        await world.engine.gets(PlaybackEnded, playback="p", completed=False)
    assert told(world) == [("3", "inband")]


def test_a_worker_without_tones_does_not_pay_for_numpy() -> None:
    """Importing all of a worker leaves numpy out: it comes with the first caller whose tones are listened to."""
    code = "import sys, cti_engine.sip_worker.main; print('numpy' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "False\n"
    )
