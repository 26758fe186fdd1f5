"""What callers say in the benchmark of speech: word lists with their human recordings, and audio that is no word.

The recordings are Debian's packages asterisk-core-sounds-en-wav and -es-wav; the voice of both is Allison Smith
(CC-BY-SA-3.0), who speaks Spanish as a second language. Music: asterisk-moh-opsound-wav.
"""

from __future__ import annotations

import io
import subprocess
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, resample_poly, sosfilt

from speech.phrases import PHRASES

RATE = 8000
SPEAKER = "Allison Smith"
SOUNDS = {
    "en": Path("/usr/share/asterisk/sounds/en_US_f_Allison"),
    "es": Path("/usr/share/asterisk/sounds/es_MX_f_Allison"),
}
MUSIC = Path("/usr/share/asterisk/moh")

Samples = NDArray[np.float64]

_NATO = [
    "alpha",
    "bravo",
    "charlie",
    "delta",
    "echo",
    "foxtrot",
    "golf",
    "hotel",
    "india",
    "juliet",
    "kilo",
    "lima",
    "mike",
    "november",
    "oscar",
    "papa",
    "quebec",
    "romeo",
    "sierra",
    "tango",
    "uniform",
    "victor",
    "whiskey",
    "xray",
    "yankee",
    "zulu",
]
_CALENDAR = {
    "en": (
        ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"],
        [
            "january",
            "february",
            "march",
            "april",
            "may",
            "june",
            "july",
            "august",
            "september",
            "october",
            "november",
            "december",
        ],
    ),
    "es": (
        ["domingo", "lunes", "martes", "miércoles", "jueves", "viernes", "sábado"],
        [
            "enero",
            "febrero",
            "marzo",
            "abril",
            "mayo",
            "junio",
            "julio",
            "agosto",
            "septiembre",
            "octubre",
            "noviembre",
            "diciembre",
        ],
    ),
}
SAID: dict[str, dict[str, str]] = {
    "en": {
        "call-waiting": "call waiting", "do-not-disturb": "do not disturb", "call-forwarding": "call forwarding",
        "please-try-again": "please try again", "one-moment-please": "one moment please", "im-sorry": "i'm sorry",
        "speed-dial": "speed dial", "telephone-number": "telephone number", "vm-goodbye": "goodbye",
        "cancelled": "cancelled", "activated": "activated", "extension": "extension", "location": "location",
        "vm-password": "password", "vm-Family": "family", "vm-Friends": "friends", "vm-Urgent": "urgent",
    },
    "es": {"vm-goodbye": "adiós", "vm-Family": "familia", "vm-Friends": "amigos", "vm-Urgent": "urgentes"},
}  # fmt: skip
"""Recordings with names that do not say what they say."""
NO = {"en": ("vm-no", ("no",)), "es": ("vm-no", ("no",))}

MENUS: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "1": ("sales", "buy"), "2": ("support", "technical help"), "3": ("billing", "invoice"), "4": ("orders",),
        "5": ("returns",), "6": ("opening hours",), "7": ("account balance",), "8": ("store locations",),
        "9": ("appointments",), "0": ("operator", "agent"), "a": ("cancel",), "b": ("repeat",),
        "c": ("new customer",), "d": ("delivery",), "e": ("complaints",),
    },
    "es": {
        "1": ("ventas", "comprar"), "2": ("soporte", "ayuda técnica"), "3": ("facturas", "pagos"), "4": ("pedidos",),
        "5": ("devoluciones",), "6": ("horarios",), "7": ("saldo",), "8": ("tiendas",), "9": ("citas",),
        "0": ("operador", "agente"), "a": ("cancelar",), "b": ("repetir",), "c": ("cliente nuevo",),
        "d": ("entrega",), "e": ("quejas",),
    },
    "ko": {
        str(number): (word,) for number, word in enumerate(
            [
                "상담원", "아니요", "주문", "배송", "예약", "취소", "환불", "결제", "가입",
                "해지", "요금", "고장", "영업", "시간", "본사",
            ]
        )
    },
}  # fmt: skip
"""A call center's main menu of fifteen choices."""
YES_NO: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {"yes": ("yes", "yeah", "correct"), "no": ("no", "nope")},
    "es": {"yes": ("sí", "correcto", "claro"), "no": ("no",)},
    "ko": {"yes": ("네", "예", "맞아요"), "no": ("아니요", "아니오")},
}


def word_lists(language: str) -> dict[str, dict[str, str]]:
    """By list: recording and what it says. Letters alone are left out: no menu asks for them."""
    numbers = {
        f"digits/{n}": PHRASES[language][f"digits/{n}"]
        for n in (*range(21), *range(30, 100, 10))
        if f"digits/{n}" in PHRASES[language]
    }
    days, months = _CALENDAR[language]
    lists = {
        "numbers": numbers,
        "days and months": {
            **{f"digits/day-{n}": word for n, word in enumerate(days)},
            **{f"digits/mon-{n}": word for n, word in enumerate(months)},
        },
        "words": dict(SAID[language]),
    }
    if language == "en":
        lists["spelling words"] = {f"phonetic/{word[0]}_p": word for word in _NATO}
    return lists


def recorded(language: str, name: str) -> Samples:
    return _samples((SOUNDS[language] / f"{name}.wav").read_bytes())


def synthetic(text: str, language: str) -> Samples:
    """Spoken by espeak-ng."""
    command = ["espeak-ng", "-v", language, "-s", "140", "--stdin", "--stdout"]
    return _samples(subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout)


def _samples(wav: bytes) -> Samples:
    with wave.open(io.BytesIO(wav)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)
        return samples if file.getframerate() == RATE else resample_poly(samples, RATE, file.getframerate())


def at_level(samples: Samples, level: float) -> Samples:
    """Scaled so that what is not silent in it has `level` dBFS."""
    loud = samples[np.abs(samples) > 0.02 * np.abs(samples).max()]
    return samples * float(10 ** ((level + 90.3) / 20) / np.sqrt((loud**2).mean()))


def silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * RATE))


def telephone(samples: Samples) -> Samples:
    """300 to 3400 Hz (ITU-T G.712, roughly) and G.711 A-law."""
    band = np.asarray(sosfilt(butter(4, (300, 3400), "bandpass", fs=RATE, output="sos"), samples))
    return _a_law(band)


def _a_law(samples: Samples) -> Samples:
    """Compressed and expanded again, 8 bits (ITU-T G.711, A = 87.6)."""
    a, x = 87.6, np.clip(samples / 32768, -1, 1)
    size = np.abs(x)
    grown = np.where(size < 1 / a, a * size, 1 + np.log(np.maximum(a * size, 1))) / (1 + np.log(a))
    steps = np.round(grown * 127) / 127 * (1 + np.log(a))
    return np.asarray(np.sign(x) * np.where(steps < 1, steps, np.exp(steps - 1)) / a * 32768)


def noise(seconds: float, level: float, rng: np.random.Generator, slope: float = 0.0) -> Samples:
    """Gaussian at `level` dBFS; `slope` 0 white, 1 pink, 2 brown."""
    count = round(seconds * RATE)
    spectrum = np.fft.rfft(rng.normal(0, 1, count))
    hertz = np.maximum(np.fft.rfftfreq(count, 1 / RATE), 50)
    return _loud(np.fft.irfft(spectrum / hertz ** (slope / 2), count), level)


def tones(seconds: float, level: float, *hertz: float, on: float = 1e9, off: float = 0.0) -> Samples:
    """Sines together, `on` seconds long with pauses of `off`."""
    time = np.arange(int(seconds * RATE)) / RATE
    sound = sum((np.sin(2 * np.pi * f * time) for f in hertz), np.zeros(len(time)))
    return _loud(np.asarray(sound), level) * (time % (on + off) < on)


def _loud(samples: Samples, level: float) -> Samples:
    return samples * float(10 ** ((level + 90.3) / 20) / np.sqrt((samples**2).mean()))


def prompts(language: str) -> list[str]:
    """Recordings of a sentence or more: other speech, and prompts whose echo comes back."""
    found = [
        path
        for path in SOUNDS[language].glob("*.wav")
        if path.stat().st_size > 2 * 2.5 * RATE and not path.name.startswith(("tt-", "silence"))
    ]
    return sorted(path.stem for path in found)


def answer(language: str, *, yes: bool) -> Samples:
    """A recorded yes or no. Nobody has recorded a yes: it is cut out of a longer word."""
    if not yes:
        return recorded(language, NO[language][0])
    name, start, end = _YES[language]
    return recorded(language, name)[int(start * RATE) : int(end * RATE)]


_YES = {"en": ("digits/yesterday", 0.0, 0.42), "es": ("dir-instr", 0.0, 0.3)}

KINDS = ("noise", "noise", "music", "tones", "speech", "speech", "other language", "music")


def no_word(number: int, language: str, seconds: float, rng: np.random.Generator) -> tuple[str, Samples]:
    """The `number`th trial in which nobody speaks to the menu: its kind and its sound."""
    kind = KINDS[number % len(KINDS)]
    level = float(rng.uniform(-40, -18))
    if kind == "noise":
        if number % 3 == 0:
            bursts = noise(seconds, level, rng, slope=1.0)
            return kind, bursts * (rng.random(len(bursts) // 800 + 1) < 0.2).repeat(800)[: len(bursts)]
        return kind, noise(seconds, level, rng, slope=float(number % 3 - 1))
    if kind == "tones":
        return kind, _signalling(seconds, level, rng)
    if kind == "music":
        pieces = sorted(MUSIC.rglob("*.wav"))
        return kind, _stretch(
            _samples(pieces[int(rng.integers(len(pieces)))].read_bytes()), seconds, level, rng
        )
    other = {"en": "es", "es": "en", "ko": "en"}[language] if kind == "other language" else language
    names = prompts(other if other in SOUNDS else "es")
    chosen = [
        recorded(other if other in SOUNDS else "es", names[int(i)]) for i in rng.integers(len(names), size=4)
    ]
    return kind, _stretch(np.concatenate(chosen), seconds, level, rng)


def _stretch(sound: Samples, seconds: float, level: float, rng: np.random.Generator) -> Samples:
    length = int(seconds * RATE)
    sound = np.tile(sound, -(-length // len(sound)))
    start = int(rng.integers(len(sound) - length + 1))
    piece = sound[start : start + length]
    return at_level(piece, level) if np.abs(piece).max() else piece


def _signalling(seconds: float, level: float, rng: np.random.Generator) -> Samples:
    """Keys, ringback, busy, dial tone, fax calling and answering."""
    low, high = rng.choice((697, 770, 852, 941)), rng.choice((1209, 1336, 1477))
    kinds = (
        tones(seconds, level, low, high, on=0.1, off=0.1),
        tones(seconds, level, 440, 480, on=2.0, off=4.0),
        tones(seconds, level, 425, on=1.0, off=4.0),
        tones(seconds, level, 480, 620, on=0.5, off=0.5),
        tones(seconds, level, 350, 440),
        tones(seconds, level, 1100, on=0.5, off=3.0),
        tones(seconds, level, 2100),
        tones(seconds, level, float(rng.uniform(300, 3000)), on=float(rng.uniform(0.1, 1)), off=0.3),
    )
    return kinds[int(rng.integers(len(kinds)))]
