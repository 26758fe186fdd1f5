"""Human words from real phones into live menus: Whisper understands them, each caller reaches the right queue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import pytest_asyncio
import yaml

from tests.e2e.spoken import can_hear, listened, recogniser_names, speaks
from tests.e2e.world import CARRIER, Center
from tests.phones.tones import read_wav
from tests.speech.callers import recorded

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]

WHISPER = "speech-whisper-en-es"
NUMBERS = {"en": "3020", "es": "3021"}
SURVEY = "3022"
PROMPTS = {
    "en": "For your balance, press one. For an order, press two. For the main menu, press three.",
    "es": "Para su saldo, marque uno. Para un pedido, marque dos. Para volver al menú, marque tres.",
}
WORDS = {"en": ("one", "two"), "es": ("uno", "dos")}
PROMPT_S = 5.0  # the shorter of them lasts longer


def flow(language: str) -> str:
    """A menu of two numbers by key and word, and a second one behind the first."""
    one, two = WORDS[language]
    return f"""
flow: words_{language}
languages: [{language}]
start: menu
defaults: {{retries: 1, no_input: lost, no_match: lost}}
steps:
  menu:
    menu:
      prompt: "{PROMPTS[language]}"
      choices:
        "1": {{go_to: sales, words: {{{language}: [{one}]}}}}
        "2": {{go_to: support, words: {{{language}: [{two}]}}}}
        "3": {{go_to: second}}
  second:
    menu:
      prompt: "{PROMPTS[language]}"
      choices:
        "1": {{go_to: sales, words: {{{language}: [{one}]}}}}
        "2": {{go_to: support, words: {{{language}: [{two}]}}}}
  sales: {{enqueue: sales_{language}}}
  support: {{enqueue: support_{language}}}
  lost: {{hang_up: }}
"""


def adds() -> dict[str, dict[str, Any]]:
    """A number of spoken digits for each language."""
    dialled = {
        f"dialled_numbers.{number}": {"flow": f"words_{language}", "language": language}
        for language, number in NUMBERS.items()
    }
    dialled[f"dialled_numbers.{SURVEY}"] = {"flow": "survey", "language": "es"}
    flows = {f"ivr_flows/words_{language}.yaml": yaml.safe_load(flow(language)) for language in NUMBERS}
    return {"routing_rules/dialled_numbers.yaml": dialled, **flows}


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def heard(shared: Center) -> None:
    """The recogniser has loaded its model."""
    await can_hear(shared, WHISPER)


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize(("digit", "queue"), [("1", "sales"), ("2", "support")])
async def test_a_human_word_reaches_its_queue(center: Center, language: str, digit: str, queue: str) -> None:
    """A human "one" and "two", "uno" and "dos", said over the prompt, choose in the menu; Whisper has worked for it,
    and no other recogniser is there; the way through the menu stands in the record."""
    assert recogniser_names(center) == {WHISPER}
    whisper = psutil.Process(center.run["pids"][WHISPER])
    before = whisper.cpu_times().user
    caller = await listened(center, NUMBERS[language])
    await speaks(center, caller, recorded(language, f"digits/{digit}"))
    queued = await center.event("CallQueued", within=20.0)
    assert queued.data["queue"] == f"{queue}_{language}"
    assert whisper.cpu_times().user > before
    menu = center.events("IvrStepEntered")[0]
    assert queued.at - menu.at < PROMPT_S  # the prompt was interrupted, or this took longer
    await caller.hang_up()
    assert f"words_{language}.{queue}" in (await center.cdr())["flow_path"]


@pytest.mark.parametrize("language", ["en", "es"])
async def test_a_word_interrupts_the_prompt(center: Center, language: str) -> None:
    """Who begins to speak hears the prompt stop: between its first sounds and the queue's music there is a rest in
    which the caller's own word is all there is."""
    caller = await listened(center, NUMBERS[language])
    await speaks(center, caller, recorded(language, "digits/1"))
    queued = await center.event("CallQueued", within=20.0)
    await caller.hears_more(1.5)
    await caller.hang_up()
    await center.cdr()
    answered = await caller.told("CALL_ESTABLISHED")
    assert quiet_for(caller.recordings()[0].heard, until=queued.at - answered.at + 0.3) >= 0.2


def quiet_for(recording: Path, until: float) -> float:
    """Seconds of the longest silence in the part of a recording in which a prompt was playing first."""
    pcm, rate = read_wav(recording)
    loud = np.flatnonzero(np.abs(pcm[: int(until * rate)]) > 10 ** (-45 / 20))
    assert len(loud), "no prompt was heard"
    return float(np.diff(loud, append=until * rate).max()) / rate


async def test_a_key_interrupts_the_prompt(center: Center) -> None:
    """A key while the prompt plays chooses at once."""
    caller = await listened(center, NUMBERS["en"])
    await caller.digits("2")
    queued = await center.event("CallQueued", within=20.0)
    assert queued.data["queue"] == "support_en"
    assert queued.at - center.events("IvrStepEntered")[0].at < PROMPT_S


async def test_a_key_wins_over_what_is_said(center: Center) -> None:
    """Who says "two" and presses 1 meanwhile has chosen 1."""
    caller = await listened(center, NUMBERS["en"])
    await speaks(center, caller, recorded("en", "digits/2"))
    await caller.digits("1")
    assert (await center.event("CallQueued", within=20.0)).data["queue"] == "sales_en"
    await caller.hears_more(1.5)  # what was said may not move the call any more
    assert len(center.events("CallQueued")) == 1


async def test_a_key_and_then_a_word(center: Center) -> None:
    """3 leads to the second menu, in which "two" is said over its prompt."""
    caller = await listened(center, NUMBERS["en"])
    await caller.digits("3")
    await center.event("IvrStepEntered", step="second")
    await caller.hears_more(0.5)
    await speaks(center, caller, recorded("en", "digits/2"))
    assert (await center.event("CallQueued", within=20.0)).data["queue"] == "support_en"


async def test_each_number_of_a_customer_answers_menus_in_its_own_way(center: Center) -> None:
    """The company answers by keys, its mobile by voice. Over the mobile "uno" chooses; over the other line nobody
    listens and the same word leads nowhere, and a key chooses.
    """
    mobile = await center.phone("+573105550107", guest=True, host=CARRIER)
    await mobile.dial(center.number(NUMBERS["es"]))
    asked = await center.event("IvrStepEntered", step="menu")
    await center.until_row("contact", asked.contact, lambda row: bool(row["flow"]["listening"]))
    await speaks(center, mobile, recorded("es", "digits/1"))
    assert (await center.event("CallQueued", within=20.0)).data["queue"] == "sales_es"
    await mobile.hang_up()

    office = await center.phone("+576015550107", guest=True, host=CARRIER)
    await office.dial(center.number(NUMBERS["es"]))
    asked = await center.event("IvrStepEntered", step="menu", number=2)
    await office.hears(0.5)
    await speaks(center, office, recorded("es", "digits/1"))
    await office.hears_more(2.5)
    await center.until_row("contact", asked.contact, lambda row: not row["flow"]["listening"])
    assert len(center.events("CallQueued")) == 1 and not center.events("CallerSpeaking")
    await office.digits("2")
    queued = await center.event("CallQueued", number=2)
    assert (queued.contact, queued.data["queue"]) == (asked.contact, "support_es")
    await office.hang_up()


async def test_a_survey_is_answered_by_voice(center: Center) -> None:
    """A human "cinco" over the shipped survey's question is the answer 5, by voice, and stands in the record."""
    caller = await listened(center, SURVEY, "satisfaction")
    await speaks(center, caller, recorded("es", "digits/5"))
    answered = await center.event("SurveyAnswered", within=20.0)
    assert (answered.data["answer"], answered.data["way"]) == (5, "voice")
    await caller.hang_up()
    assert (await center.cdr())["survey"]["satisfaction"] == 5
