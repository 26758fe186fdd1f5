"""A worker's ear beside a real recogniser process: it understands, is refused, loses it, and never harms the call."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from cti_engine.core.commands import Listen
from cti_engine.core.signals import (
    ListeningFailed,
    PlaybackEnded,
    Signal,
    SpeechHeard,
    SpeechStarted,
)
from cti_engine.sip_worker.hearing import Hearing
from cti_engine.wire.vocabulary import to_plain
from cti_engine.wire.worker_frames import PlayFiles
from tests.sip_worker import tones
from tests.sip_worker.world import NAME, World
from tests.speech.callers import Samples, frames, recorded, silence, written
from tests.speech.recogniser_process import recogniser

MENU = {"1": ("one",), "2": ("two",), "9": ("operator", "agent")}
CAPACITY = 2


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, BaseProcess]]:
    with recogniser(tmp_path_factory.mktemp("ear"), "en", capacity=8) as address_and_process:
        yield address_and_process


class Ear:
    """A Hearing, what it told, and which legs' audio it wants."""

    def __init__(self, recognisers: dict[str, str]) -> None:
        self.told: list[Signal] = []
        self.wanted: set[str] = set()
        self.stopped: list[str] = []
        self.playing = False
        self.changed = asyncio.Event()
        self.hearing = Hearing(
            "w1",
            recognisers,
            send=self._tell,
            want=lambda leg, wanted: (self.wanted.add if wanted else self.wanted.discard)(leg),
            stop_prompt=self.stopped.append,
            plays=lambda leg: self.playing,
        )

    def _tell(self, signal: Signal) -> None:
        self.told.append(signal)
        self.changed.set()

    def listen(self, leg: str = "l1", phrases: dict[str, tuple[str, ...]] = MENU) -> None:
        self.hearing.listen(Listen("w1", leg, f"s-{leg}", "en", phrases))

    async def hears(self, *parts: Samples, leg: str = "l1") -> None:
        """In real time, until the turn is over or the sound is."""
        for frame in frames(*parts):
            if leg not in self.wanted:
                return
            self.hearing.audio(leg, frame)
            await asyncio.sleep(0.02)

    async def gets(self, kind: type[Signal], within: float = 10.0) -> Signal:
        async with asyncio.timeout(within):
            while True:
                for signal in self.told:
                    if isinstance(signal, kind):
                        return signal
                self.changed.clear()
                await self.changed.wait()


async def test_a_spoken_choice_is_told(running: tuple[str, BaseProcess]) -> None:
    """Speech stops the prompt at once; what was said comes as a choice, and then no more audio is wanted."""
    ear = Ear({"en": running[0]})
    ear.playing = True
    ear.listen()
    await ear.hears(silence(0.5), recorded("en", "digits/2"), silence(4))
    heard = await ear.gets(SpeechHeard)
    assert isinstance(heard, SpeechHeard)
    assert (heard.verdict, heard.choice, heard.listening, heard.engine) == ("accept", "2", "s-l1", "whisper")
    assert [type(one) for one in ear.told] == [SpeechStarted, SpeechHeard]
    assert ear.stopped == ["l1"]
    assert not ear.wanted
    assert ear.hearing.idle


async def test_a_key_is_no_speech(running: tuple[str, BaseProcess]) -> None:
    """While a key is heard the recogniser hears silence, whatever the line carries."""
    ear = Ear({"en": running[0]})
    ear.listen()
    for frame in frames(silence(0.4), recorded("en", "digits/1"), silence(0.3)):
        ear.hearing.digit("l1")
        ear.hearing.audio("l1", frame)
        await asyncio.sleep(0.02)
    assert ear.told == []
    ear.hearing.stop("l1")
    assert not ear.wanted


async def test_turns_beyond_the_capacity_are_refused_at_once(tmp_path: Path) -> None:
    """One more than the recogniser takes goes on with keys; the others are not disturbed."""
    with recogniser(tmp_path, "en", CAPACITY) as (
        address,
        _,
    ):  # its own: no turn of another test is just ending
        ear = Ear({"en": address})
        for number in range(CAPACITY + 1):
            ear.listen(f"l{number}")
        failed = await ear.gets(ListeningFailed)
        assert isinstance(failed, ListeningFailed)
        assert failed.reason == "overloaded"
        assert len(ear.wanted) == CAPACITY
        for number in range(CAPACITY + 1):
            ear.hearing.stop(f"l{number}")


@pytest.mark.parametrize(
    ("language", "phrases", "reason"),
    [("fr", MENU, "no_engine"), ("en", {"1": ("!",)}, "bad_words"), ("xx", MENU, "unavailable")],
)
async def test_who_cannot_listen_says_why(
    running: tuple[str, BaseProcess], language: str, phrases: dict[str, tuple[str, ...]], reason: str
) -> None:
    """No engine for the language, no usable word, nobody at the socket: the flow is told at once."""
    ear = Ear({"en": running[0], "xx": "/nowhere.sock"})
    ear.hearing.listen(Listen("w1", "l1", "s1", language, phrases))
    failed = await ear.gets(ListeningFailed)
    assert failed == ListeningFailed("w1", "l1", "s1", reason)
    assert ear.hearing.idle


async def test_a_recogniser_killed_in_mid_word_is_told(tmp_path: Path) -> None:
    """The turn fails as unavailable, within a second of the kill."""
    with recogniser(tmp_path, "en") as (address, process):
        ear = Ear({"en": address})
        ear.listen()
        speaking = asyncio.ensure_future(ear.hears(silence(0.4), *[recorded("en", "digits/8")] * 9))
        await ear.gets(SpeechStarted)
        process.kill()
        assert await ear.gets(ListeningFailed, within=1) == ListeningFailed("w1", "l1", "s-l1", "unavailable")
        await speaking
    assert ear.hearing.idle


async def test_a_word_said_on_the_phone_stops_the_prompt_and_chooses(
    running: tuple[str, BaseProcess], world: World, tmp_path: Path
) -> None:
    """Over SIP: while a prompt plays a human voice says "two"; the prompt stops, and the choice is told."""
    says = written(tmp_path / "two.wav", silence(2.0), recorded("en", "digits/2"), silence(6.0))
    await world.start(recognisers={"en": running[0]})
    leg = await world.call_in(await world.phone(says=says))
    prompt = tones.write(tmp_path / "prompt.wav", 600, 30.0)
    world.engine.send(*to_plain(PlayFiles(leg, "p1", (prompt,))))
    world.engine.order(Listen(NAME, leg, "s1", "en", MENU))
    heard = await world.engine.gets(SpeechHeard, timeout=15)
    assert (heard.verdict, heard.choice, heard.listening) == ("accept", "2", "s1")
    ended = await world.engine.gets(PlaybackEnded, playback="p1")
    assert not ended.completed
    told = [
        type(one)
        for one in world.engine.signals
        if isinstance(one, SpeechStarted | PlaybackEnded | SpeechHeard)
    ]
    assert told == [PlaybackEnded, SpeechStarted, SpeechHeard]
    world.engine.order(Listen(NAME, leg, "s2", "fr", MENU))
    assert (await world.engine.gets(ListeningFailed)).reason == "no_engine"
