"""Callers who say no word, flood keys, hang up anywhere; prompts that vanish, a recogniser that dies: real phones."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from cti_engine.core.commands import Prompt
from cti_engine.ports import StoredEvent
from speech.prompt_cache import PromptCache
from tests.e2e.spoken import can_hear, listened, speaks
from tests.e2e.world import ROOT, Center
from tests.phones.baresip import Baresip
from tests.phones.media import Flood, Tone, write_pcap
from tests.phones.ports import HOST
from tests.phones.tones import RATE
from tests.phones.waiting import until
from tests.speech.callers import Samples, noise, recorded, silence, tones

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]

WHISPER = "speech-whisper-en-es"
MOH = Path("/usr/share/asterisk/moh/reno_project-system.wav")
SHORT_MENU, PROMPTS, SPEECH = "3030", "3031", "3032"
PERISHABLE = "This sentence is going to be lost."
FLOWS = {
    # The waits are short, so that silence ends in seconds.
    "short_menu": """
languages: [en]
start: menu
defaults: {retries: 1, timeout: 2s, no_input: silent, no_match: wrong}
steps:
  menu:
    menu:
      prompt: "I did not get a key."
      choices:
        "1": {go_to: sales, words: {en: [one]}}
        "2": {go_to: support, words: {en: [two]}}
  sales: {enqueue: sales_en}
  support: {enqueue: support_en}
  silent: {hang_up: }
  wrong: {hang_up: }
""",
    "lost_prompts": f"""
languages: [en]
start: lost
steps:
  lost: {{say: "{PERISHABLE}", next: menu}}
  menu:
    menu:
      prompt: "{PERISHABLE}"
      choices: {{"1": support}}
      timeout: 2s
      no_input: silent
      no_match: silent
  support: {{enqueue: support_en}}
  silent: {{hang_up: }}
""",
    "broken_file": """
languages: [en]
start: broken
steps:
  broken: {play: {file: prompts/broken.wav}, next: menu}
  menu: {menu: {prompt: "I did not get a key.", choices: {"1": support}, no_input: support, no_match: support}}
  support: {enqueue: support_en}
""",
}
NUMBERS = {"short_menu": SHORT_MENU, "lost_prompts": PROMPTS, "broken_file": SPEECH}
BAD_LOG = ("Traceback", "CRITICAL")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Center]:
    """A center with flows that make short work of bad callers; its recogniser has loaded its model."""
    dialled = {
        f"dialled_numbers.{number}": {"flow": flow, "language": "en"} for flow, number in NUMBERS.items()
    }
    made = Center(
        tmp_path_factory.mktemp("center"),
        changes={"routing_rules/dialled_numbers.yaml": dialled, "config/sip.yaml": {"guests.rate": "20/s"}},
    )
    for name, text in FLOWS.items():
        (made.home / f"ivr_flows/{name}.yaml").write_text(f"flow: {name}{text}")
    (made.home / "prompts").mkdir()
    with wave.open(str(made.home / "prompts/broken.wav"), "wb") as file:
        file.setparams((2, 3, 44_100, 0, "NONE", ""))
        file.writeframes(b"\1\2\3" * 2 * 44_100)
    async with made as center:
        await can_hear(center, WHISPER)
        yield center


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def nothing_crashed(center: Center) -> AsyncIterator[None]:
    """No process of the center was replaced, unless the test did it, and none logged an exception."""
    pids = dict(center.run["pids"])
    yield
    for log in (center.var / "log").glob("*.log"):
        text = log.read_text(errors="replace")
        assert not [word for word in BAD_LOG if word in text], f"{log.name}: {text[-3000:]}"
    now = dict(center.run["pids"])
    assert {name for name in pids if now.get(name) != pids[name]} <= KILLED


KILLED: set[str] = set()


def steps(center: Center, contact: str) -> list[str]:
    return [e.data["step"] for e in center.events("IvrStepEntered") if e.contact == contact]


def music(seconds: float) -> Samples:
    with wave.open(str(MOH), "rb") as file:
        return np.frombuffer(file.readframes(int(seconds * RATE)), "<i2").astype(float)


def pulses(sound: Samples, on: float, off: float) -> Samples:
    time = np.arange(len(sound)) / RATE
    return sound * (time % (on + off) < on)


def sentences(language: str, *names: str) -> Samples:
    return np.concatenate([recorded(language, name) for name in names])


NO_WORDS: dict[str, Callable[[], Samples]] = {
    "silence for minutes": lambda: silence(60.0),
    "loud noise": lambda: noise(20.0, -25),
    "bursts of noise": lambda: pulses(noise(20.0, -22), 0.4, 0.6),
    "music": lambda: music(20.0),
    "a fax that calls (CNG)": lambda: pulses(tones(20.0, -20, 1100), 0.5, 3.0),
    "a fax that answers (CED)": lambda: tones(20.0, -20, 2100),
    "ringback": lambda: pulses(tones(20.0, -20, 440, 480), 2.0, 4.0),
    "busy": lambda: pulses(tones(20.0, -20, 480, 620), 0.5, 0.5),
    "speech in the wrong language": lambda: sentences("es", "queue-periodic-announce", "dir-instr"),
    "speech about something else": lambda: sentences("en", "queue-periodic-announce", "vm-rec-unv"),
}
TOGETHER = 5
"""Callers at once: the recogniser has place for eight on two cores."""


@pytest.mark.parametrize("first", range(0, len(NO_WORDS), TOGETHER))
async def test_what_is_no_word_chooses_nothing(center: Center, first: int) -> None:
    """Nothing of it is taken for a word: after two tries the flow goes where it says and ends the call."""
    callers, sounds = [], {}
    for number, sound in enumerate(list(NO_WORDS)[first : first + TOGETHER], start=1):
        callers.append(await listened(center, SHORT_MENU, number=number))
        sounds[center.events("CallAnswered")[-1].contact] = sound
        await speaks(center, callers[-1], NO_WORDS[sound]())
    records = {cdr["contact"]: cdr for cdr in await center.cdrs(len(sounds), within=60.0)}
    for contact, sound in sounds.items():
        assert steps(center, contact)[-1] in ("silent", "wrong"), sound
        assert records[contact]["cause"] == "system/flow_ended", sound
    for caller in callers:
        await caller.told("CALL_CLOSED")


async def test_a_flood_of_keys(center: Center, tmp_path: Path) -> None:
    """200 keys in two seconds are wrong ones, and no more than that; a caller beside them is served at once."""
    media = write_pcap(tmp_path / "said.pcap", Tone(0, 0.5), Flood("98" * 100), Tone(0, 0.5))
    await center.sipp("caller", to=f"{HOST}:{center.sip_port}", number="2000", play=media, calls=1, talk=12.0)
    flooding = await center.event("IvrStepEntered", flow="main_en", step="menu")
    beside = await listened(center, SHORT_MENU)
    await beside.digits("1")
    queued = await center.event("CallQueued", queue="sales_en")
    assert queued.contact != flooding.contact
    operator = await center.event("CallQueued", queue="support_en", within=30.0)
    assert operator.contact == flooding.contact
    assert "operator" in steps(center, flooding.contact)
    await beside.hang_up()
    await center.cdrs(2, within=30.0)


PATH = [
    "welcome",
    "menu",
    "account",
    "order",
    "pin",
    "unavailable",
    "operator",
    "connecting",
    "wait_for_support",
]
"""Steps of main_en and order_status that a caller goes through who asks for an order that nobody knows of."""


async def test_hanging_up_at_each_step(center: Center) -> None:
    """As many callers as steps, each of whom hangs up when its step has come: every record says so, and nothing of
    any call is left."""

    async def one(caller: Baresip, contact: str, step: str) -> None:
        if PATH.index(step) > PATH.index("menu"):
            await caller.digits("32")
        if PATH.index(step) > PATH.index("order"):
            await caller.digits("5001#")
        if PATH.index(step) > PATH.index("pin"):
            await caller.digits("4711")

        def come() -> bool:
            return step in steps(center, contact)

        await until(come, f"{step} of {contact}: {steps(center, contact)}", within=30.0, every=0.02)
        await caller.hang_up()

    contacts, calls = [], []
    for number, step in enumerate(PATH, start=1):
        caller = await center.phone("guest", guest=True)
        await caller.dial(center.number("2000"))
        await caller.told("CALL_ESTABLISHED", within=20.0)
        contacts.append((await center.event("CallAnswered", number=number)).contact)
        calls.append(asyncio.ensure_future(one(caller, contacts[-1], step)))
    await asyncio.gather(*calls)
    records = {cdr["contact"]: cdr for cdr in await center.cdrs(len(PATH), within=30.0)}
    for step, contact in zip(PATH, contacts, strict=True):
        assert records[contact]["cause"].startswith("caller/"), (step, records[contact])
    await until(lambda: not center.run["worker_states"].get("busy"), "idle workers", within=10.0)


@pytest.mark.parametrize("damage", ["missing", "not a sound"])
async def test_a_prompt_that_is_lost(center: Center, damage: str) -> None:
    """A prompt whose file has gone, or is something else now, is not heard; the call goes on and takes its key."""
    made = PromptCache(center.var / "prompts", base=ROOT).files(Prompt("text", PERISHABLE, "en"))
    kept = [(path, path.read_bytes()) for path in made]
    try:
        for path in made:
            path.unlink()
            if damage != "missing":
                path.write_bytes(
                    b"this is no sound, and longer than a header of a file of sound would be" * 10
                )
        caller = await center.phone("caller")
        await caller.dial(center.number(PROMPTS))
        await center.event("IvrStepEntered", step="menu", within=20.0)
        await caller.digits("1")
        assert (await center.event("CallQueued", within=20.0)).data["queue"] == "support_en"
        await caller.hang_up()
        await center.cdr()
    finally:
        for path, content in kept:
            path.write_bytes(content)


async def test_a_prompt_of_a_wrong_format(center: Center) -> None:
    """An admin's own file in stereo, 24 bits and 44.1 kHz: what can be played of it is, and the call goes on."""
    caller = await center.phone("caller")
    await caller.dial(center.number(SPEECH))
    await center.event("IvrStepEntered", step="menu", within=20.0)
    await caller.digits("1")
    assert (await center.event("CallQueued", within=20.0)).data["queue"] == "support_en"


async def test_a_recogniser_killed_in_mid_word(center: Center) -> None:
    """The word is lost, keys are not: the call goes on with them. The recogniser comes back and understands the next
    caller."""
    KILLED.add(WHISPER)
    caller = await listened(center, SHORT_MENU)
    before = caller.heard_s
    await speaks(center, caller, sentences("en", "digits/1", "digits/1", "digits/1"))
    await caller.hears(before + 0.2)
    since = center.kill(WHISPER)
    await caller.hears_more(0.5)
    assert not center.events("CallQueued")
    await caller.digits("2")
    queued: StoredEvent = await center.event("CallQueued", within=20.0)
    assert queued.data["queue"] == "support_en"
    await caller.hang_up()
    await center.cdr()
    await can_hear(center, WHISPER, since)
    again = await center.phone("guest", guest=True)
    await again.dial(center.number(SHORT_MENU))
    await center.event("IvrStepEntered", step="menu", number=2, within=20.0)
    await again.hears(0.5)
    await speaks(center, again, recorded("en", "digits/1"))
    assert (await center.event("CallQueued", number=2, within=20.0)).data["queue"] == "sales_en"
