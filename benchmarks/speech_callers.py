"""Callers who speak in real time to a real recogniser process, each over a connection of its own, as workers do."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import psutil

from benchmarks.speech_words import RATE, Samples
from cti_engine.core.listening import SpeechSettings
from speech.recognition.config import RecogniserConfig
from speech.recognition.engine import Phrases
from speech.recognition.frames import Header, MessageBody, packed
from speech.recognition.installed import choose, prepare
from speech.recognition.service import serve
from tests.speech.recogniser_process import awake

FRAME_S = 0.02
BEFORE, AFTER = 0.5, 3.0
"""Seconds of silence around a word."""
AUDIBLE = 0.1
"""Of the word's highest sample: from the first to the last one above it is where the word is."""


@dataclass(frozen=True, slots=True)
class Running:
    address: str
    pid: int

    def cpu_s(self) -> float:
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)

    def resident_mb(self) -> float:
        return float(psutil.Process(self.pid).memory_info().rss) / 1e6


@contextmanager
def recogniser(folder: Path, language: str, settings: SpeechSettings, capacity: int) -> Iterator[Running]:
    """A process as the supervisor starts it; its model is loaded when entered."""
    choices = choose([language], folder, {}, folder)
    prepare(choices)
    address, ready = str(folder / f"{language}.sock"), folder / f"{language}.json"
    ready.unlink(missing_ok=True)
    config = RecogniserConfig(
        language, address, tuple(choices), settings, capacity, os.cpu_count() or 1, str(ready)
    )
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(config,))
    process.start()
    try:
        deadline = time.monotonic() + 60
        asked = False
        while not ready.exists():
            asked = asked or awake(address, language)
            if not process.is_alive() or time.monotonic() > deadline:
                raise RuntimeError(f"the recogniser of {language} did not start")
            time.sleep(0.02)
        yield Running(address, process.pid or 0)
    finally:
        process.kill()
        process.join()


@dataclass(frozen=True, slots=True)
class Answer:
    """Times in seconds from the beginning and the end of the word; `seconds` of audio were sent."""

    word: str
    verdict: str
    text: str
    begun_after: float | None
    understood_after: float | None
    seconds: float


class Load:
    """`callers`: what each says. `pause`: silence before the word."""

    def __init__(
        self,
        address: str,
        language: str,
        phrases: Phrases,
        callers: list[tuple[str, Samples]],
        pause: float = BEFORE,
    ) -> None:
        self._address = address
        self._header = packed(Header(language, dict(phrases)))
        self._callers = callers
        self._pause = pause

    def run(self, at_once: int) -> list[Answer]:
        return asyncio.run(self._run(at_once))

    async def _run(self, at_once: int) -> list[Answer]:
        waiting = list(reversed(self._callers))
        answers: list[Answer] = []

        async def line(number: int) -> None:
            await asyncio.sleep(FRAME_S * number / at_once + 0.37 * (number % 5))  # not all in step
            while waiting:
                answers.append(await self._speak(*waiting.pop()))

        await asyncio.gather(*(line(number) for number in range(at_once)))
        return answers

    async def _speak(self, word: str, sound: Samples) -> Answer:
        reader, writer = await asyncio.open_unix_connection(self._address)
        writer.write(self._header)
        first = await _message(reader)
        if first.type != "listening":
            writer.close()
            return Answer(word, first.reason, "", None, None, 0.0)
        loud = np.flatnonzero(np.abs(sound) > AUDIBLE * np.abs(sound).max())
        whole = np.concatenate([np.zeros(int(self._pause * RATE)), sound, np.zeros(int(AFTER * RATE))])
        pcm = np.clip(whole, -32768, 32767).astype("<i2").tobytes()
        start = time.monotonic()
        begins, ends = (start + self._pause + loud[place] / RATE for place in (0, -1))
        told: dict[str, float] = {}
        result = MessageBody("")

        async def listen() -> None:
            nonlocal result
            while result.type not in ("understood", "failed"):
                result = await _message(reader)
                told.setdefault(result.type, time.monotonic())

        listening = asyncio.ensure_future(listen())
        sent = 0
        while not listening.done() and (sent + 1) * 320 <= len(pcm):
            # A frame is there when its last sample has been spoken.
            await asyncio.sleep(max(0.0, start + (sent + 1) * FRAME_S - time.monotonic()))
            writer.write(b"\0" + pcm[sent * 320 : (sent + 1) * 320])
            sent += 1
        if not listening.done():
            await asyncio.wait({listening}, timeout=2.0)
        listening.cancel()
        writer.close()
        return Answer(
            word,
            result.verdict or result.reason,
            result.text,
            told["begun"] - begins if "begun" in told else None,
            told["understood"] - ends if "understood" in told else None,
            sent * FRAME_S,
        )


async def _message(reader: asyncio.StreamReader) -> MessageBody:
    size = int.from_bytes(await reader.readexactly(4))
    return msgspec.msgpack.decode(await reader.readexactly(size), type=MessageBody)
