"""Nobody listens to nothing: what ten whole calls heard holds no silence that their flow did not ask for."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from cti_engine.core.commands import Prompt
from cti_engine.core.ivr.flow import Content, Fixed, Menu, Say
from cti_engine.definitions.library import load_definitions
from speech.prompt_cache import PromptCache
from speech.wav_check import seconds
from tests.e2e.world import ROOT, Center, prompts
from tests.phones.baresip import Baresip
from tests.phones.tones import read_wav
from tests.phones.waiting import until

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]

DEAD_AIR = 2.0  # seconds
TIMEOUT = 5.0  # how long the shipped menus wait for a key
QUIET_DB = -55.0  # of full scale
NUMBERS = {"es": "1000", "en": "2000"}
HABITS = ("interrupts", "listens", "mistakes", "is_silent", "waits_longer")
AGENTS = ("maria", "john", "ana")


def silences(path: Path) -> list[float]:
    """Lengths in seconds of the stretches over DEAD_AIR in which nothing is heard."""
    pcm, rate = read_wav(path)
    size = rate // 50
    frames = pcm[: len(pcm) // size * size].reshape(-1, size)
    quiet = np.sqrt((frames**2).mean(axis=1)) < 10 ** (QUIET_DB / 20)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], quiet, [False]])))
    lengths = (edges[1::2] - edges[::2]) * size / rate
    return [float(length) for length in lengths if length > DEAD_AIR]


def said(language: str) -> float:
    """Seconds that the shipped menu of this language takes with its welcome."""
    definitions, _ = load_definitions(ROOT)
    assert definitions is not None
    flow, cache = definitions.flows[f"main_{language}"], PromptCache(prompts(), base=ROOT)
    welcome, menu = flow.steps["welcome"], flow.steps["menu"]
    assert isinstance(welcome, Say) and isinstance(menu, Menu) and menu.timeout == TIMEOUT

    def length(content: Content) -> float:
        parts = [part for utterance in content[language] for part in utterance]
        fixed = [Prompt(part.kind, part.value, language) for part in parts if isinstance(part, Fixed)]
        return sum(seconds(path) for prompt in fixed for path in cache.files(prompt))

    return length(welcome.content) + length(menu.prompt)


async def _calls(center: Center, language: str, habit: str) -> Baresip:
    """A caller who goes through the menu in his way until the queue's music plays."""
    caller = await center.caller()
    await caller.dial(center.number(NUMBERS[language]))
    await caller.told("CALL_ESTABLISHED", within=20.0)
    if habit in ("interrupts", "waits_longer"):
        await caller.hears(1.0)
        await caller.digits("1")
    elif habit == "listens":
        await caller.hears(said(language) + 0.7)
        await caller.digits("2")
    elif habit == "mistakes":
        await caller.hears(said(language) + 0.7)
        await caller.digits("9")
        await caller.hears_more(3.0)
        await caller.digits("1")
    return caller


async def test_ten_whole_calls_hold_no_dead_air(center: Center) -> None:
    """Five kinds of callers in two languages: through the menu, in the queue over its announcements, three of them in
    talk with an agent. The silent ones hear three times the menu's wait for a key; no other silence is over 2 s, and
    no recording is shorter than its call."""
    habits = [(language, habit) for habit in HABITS for language in NUMBERS]
    callers = await asyncio.gather(*(_calls(center, *each) for each in habits))
    await center.event("CallQueued", number=len(callers), within=70.0)
    await callers[-2].hears(45.0)  # in the queue since the first seconds: music, announcement, music
    for user in AGENTS:
        await center.agent(user)
    await center.event("CallBridged", number=len(AGENTS), within=20.0)
    await callers[0].hears_more(4.0)
    for caller in callers:
        await caller.hang_up()
    records = await center.cdrs(len(callers), within=30.0)
    assert sorted(bool(record["agent"]) for record in records) == [False] * 7 + [True] * 3

    await until(lambda: all(len(c.recordings()) == 1 for c in callers), "ten recordings", within=5.0)
    for caller in callers:  # silence that was never sent would not be in its recording
        answered, closed = await caller.told("CALL_ESTABLISHED"), await caller.told("CALL_CLOSED")
        assert caller.heard_s > closed.at - answered.at - 1.5
    found = {each: silences(c.recordings()[0].heard) for each, c in zip(habits, callers, strict=True)}
    for (language, habit), lengths in found.items():
        expected = 3 if habit == "is_silent" else 0  # asked once and twice again
        assert len(lengths) == expected, (language, habit, found)
        assert all(length < TIMEOUT + 1.0 for length in lengths), (language, habit, found)
