"""Who hears whom in a call of several: each phone plays a tone of its own, and what a phone hears is recorded."""

from __future__ import annotations

import numpy as np

from tests.e2e.world import AGENT_HZ, CALLER_HZ
from tests.phones.baresip import Baresip
from tests.phones.tones import RATE, tone_level_db

OTHER_HZ, SUPERVISOR_HZ = 1320, 600
SILENT = 10 ** (-45 / 20)
TONES = {CALLER_HZ, AGENT_HZ, OTHER_HZ, SUPERVISOR_HZ}


def last_second(phone: Baresip) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """What the phone hears, -1..1; its file grows, and does not say its length yet."""
    raw = phone.recordings()[-1].heard.read_bytes()[-2 * RATE :]
    return np.frombuffer(raw, "<i2") / 32768.0


def levels(phone: Baresip) -> dict[int, int]:
    """Of the tones in its last second, dB of full scale."""
    pcm = last_second(phone)
    return {hertz: round(tone_level_db(pcm, RATE, hertz)) for hertz in TONES}


def heard_now(phone: Baresip) -> set[int]:
    """The tones in its last second."""
    return {hertz for hertz, level in levels(phone).items() if level > -28}


async def hears_only(phone: Baresip, *wanted: int) -> None:
    """For more than a second, from now on: these of the tones and no other."""
    await phone.hears_more(0.4)  # what was on its way before
    await phone.hears_more(1.2)
    heard = heard_now(phone)
    assert heard == set(wanted), f"{phone.user} hears {levels(phone)}"


async def hears_music(phone: Baresip) -> None:
    """For more than a second, from now on: sound, and none of the tones."""
    await hears_only(phone)
    loudness = float(np.sqrt(np.mean(last_second(phone) ** 2)))
    assert loudness > SILENT, f"{phone.user} hears nothing"
