"""Who says the words of the accuracy table: the speaker the thresholds were set on, and speakers held out from that.

Held out (Debian's asterisk-prompt-es-co and ktuberling-data, unpacked by packaging/held-out-speakers.sh): a Colombian
voice through GSM, and an English and a Spanish one of KTuberling. sox reads them.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks import speech_words as said
from benchmarks.speech_words import Samples


@dataclass(frozen=True, slots=True)
class Speaker:
    """`lists` by name: recording and what it says; `sound` gives a recording. `held_out`: no threshold has seen it."""

    name: str
    language: str
    lists: Mapping[str, Mapping[str, str]]
    sound: Callable[[str], Samples]
    held_out: bool = True


_KTUBERLING_EN = """
    ball bow coat ear earring eye eyebrow flower hair hat moustache mouth nose shoe shorts skirt
    spectacles stick sunglasses tie umbrella egypt_arch egypt_birds egypt_boy egypt_bridge
    egypt_camel egypt_cart egypt_column egypt_donkey egypt_girl egypt_grass egypt_man egypt_oasis
    egypt_palmtree egypt_pyramid egypt_road egypt_sphynx egypt_well egypt_woman moon_alien
    moon_astronaut moon_earth moon_fallingstar moon_hotel moon_monster moon_moonwalker moon_planet
    moon_radar moon_rocket moon_satellite moon_sign moon_star moon_ufo pizzeria_anchovy
    pizzeria_bacon pizzeria_broccolli pizzeria_cheese pizzeria_cucumber pizzeria_mushroom
    pizzeria_olive pizzeria_onion pizzeria_oregano pizzeria_pepper pizzeria_pepperoni
    pizzeria_pineapple pizzeria_salami pizzeria_tomato tv_bicycle tv_car tv_cyclist tv_train tv_tree
"""
_SPELT = {
    "palmtree": "palm tree", "sphynx": "sphinx", "fallingstar": "falling star", "broccolli": "broccoli",
    "gafasdesol": "gafas de sol",
}  # fmt: skip
_KTUBERLING_ES = "anteojos bigote boca ceja gafasdesol lazo nariz ojo oreja pelo pendiente sombrero"


def _words(names: str) -> dict[str, str]:
    spoken = {name: name.rpartition("_")[2] for name in names.split()}
    return {name: _SPELT.get(word, word) for name, word in spoken.items()}


def speakers(language: str, held_out: Path) -> list[Speaker]:
    """The tuned one first. Raises OSError when the others have not been unpacked."""
    tuned = Speaker(
        said.SPEAKER, language, said.word_lists(language), lambda name: said.recorded(language, name), False
    )
    if not (held_out / "complete").exists():
        raise FileNotFoundError(f"packaging/held-out-speakers.sh {held_out}")
    tuberling, asterisk = (held_out / "usr/share" / each for each in ("ktuberling/sounds", "asterisk/sounds"))
    if language == "en":
        words = {"things": _words(_KTUBERLING_EN)}
        return [
            tuned,
            Speaker("KTuberling en", "en", words, lambda name: _read(tuberling / f"en/{name}.ogg")),
        ]
    words = {"things": _words(_KTUBERLING_ES)}
    calendar = {name: said.word_lists("es")[name] for name in ("numbers", "days and months")}
    return [
        tuned,
        Speaker("Colombian, GSM", "es", calendar, lambda name: _read(asterisk / f"es/{name}.gsm")),
        Speaker("KTuberling es", "es", words, lambda name: _read(tuberling / f"es/{name}.wav")),
    ]


def _read(path: Path) -> Samples:
    """Any sound file that sox knows, as mono samples of 8 kHz."""
    command = [
        "sox",
        str(path),
        "-t",
        "raw",
        "-r",
        str(said.RATE),
        "-e",
        "signed",
        "-b",
        "16",
        "-c",
        "1",
        "-",
    ]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(raw, "<i2").astype(float)
