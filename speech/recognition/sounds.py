"""How alike texts sound: spelling brought down to rough sounds, and a distance between them. Pure.

The rules are those along which recognisers misspell: b/v, s/c/z, c/k/qu, silent h, vowels before consonants.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from speech.phrases import PHRASES

_WORD = re.compile(r"[^\W_]+")
_SPELLING: dict[str, tuple[tuple[str, str], ...]] = {
    "es": (
        ("ch", "C"), ("ll", "y"), ("qu", "k"), ("gu(?=[ei])", "g"), ("c(?=[eiy])", "s"), ("g(?=[ei])", "j"),
        ("c|q", "k"), ("z|x", "s"), ("v|w", "b"), ("h", ""),
    ),
    "en": (
        ("tion", "shn"), ("ph", "f"), ("igh", "y"), ("gh", ""), ("ch|tch", "C"), ("ck|qu", "k"), ("wh", "w"),
        ("c(?=[eiy])", "s"), ("c|q", "k"), ("x", "ks"), ("z", "s"), ("e$", ""), ("(?<=[^C])h", ""),
    ),
}  # fmt: skip
_ALIKE = [set(group) for group in ("bpvf", "dt", "gkjC", "sC", "mn", "yij", "wu", "lr")]
_VOWELS = set("aeiouy")


@lru_cache(maxsize=4096)
def plain(text: str, language: str) -> str:
    """Lower case, numbers in words, no punctuation, accents kept: `80` is `eighty`, `Sí,` is `sí`."""
    words: list[str] = []
    for word in _WORD.findall(text.lower()):
        words += _number(word, language) if word.isdecimal() else [word]
    return " ".join(words)


def _number(digits: str, language: str) -> list[str]:
    spoken = PHRASES.get(language, {})
    value = digits.lstrip("0") or "0"
    if f"digits/{value}" in spoken:
        return [spoken[f"digits/{value}"]]
    if language == "es" and value == "30":
        return ["treinta"]
    if len(value) == 2 and f"digits/{value[0]}0" in spoken:
        middle = ["y"] if language == "es" else []
        return [spoken[f"digits/{value[0]}0"], *middle, spoken[f"digits/{value[1]}"]]
    return [word for digit in digits for word in _number(digit, language) if word != digit] or [digits]


@lru_cache(maxsize=4096)
def rough(text: str, language: str) -> str:
    """`text` (plain) as rough sounds, one letter each; of Korean its letters."""
    letters = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c))
    words = []
    for word in letters.split():
        for spelt, sound in _SPELLING.get(language, ()):
            word = re.sub(spelt, sound, word)
        words.append(re.sub(r"(.)\1+", r"\1", word))
    return "".join(words)


@lru_cache(maxsize=65536)
def distance(one: str, other: str, language: str) -> float:
    """0 sounds the same, 1 has nothing in common; both plain."""
    a, b = rough(one, language), rough(other, language)
    if a == b:
        return 0.0
    if not a or not b:
        return 1.0
    row = [0.0]
    for y in b:
        row.append(row[-1] + _weight(y))
    for x in a:
        before, row = row, [row[0] + _weight(x)]
        for index, y in enumerate(b):
            row.append(min(before[index] + _swap(x, y), before[index + 1] + _weight(x), row[-1] + _weight(y)))
    return min(1.0, row[-1] / max(sum(map(_weight, a)), sum(map(_weight, b))))


def _weight(sound: str) -> float:
    return 0.6 if sound in _VOWELS else 1.0


@lru_cache(maxsize=4096)
def _swap(x: str, y: str) -> float:
    if x == y:
        return 0.0
    if x in _VOWELS and y in _VOWELS:
        return 0.3
    return 0.45 if any(x in group and y in group for group in _ALIKE) else 1.0


def once(text: str) -> str:
    """`june june june` as `june`: recognisers that decode by attention repeat a lone word, until they are cut off."""
    words = text.split()
    for length in range(1, len(words) // 2 + 1):
        whole = (word == words[i % length] for i, word in enumerate(words[:-1]))
        if all(whole) and words[(len(words) - 1) % length].startswith(words[-1]):
            return " ".join(words[:length])
    return text


def spotted(text: str, phrase: str, language: str) -> tuple[float, float]:
    """(distance of the nearest stretch of `text`, share of the text's words that it is)."""
    words, length = text.split(), len(phrase.split())
    return min(
        (
            (distance(" ".join(part), phrase, language), len(part) / len(words))
            for part in _parts(words, length)
        ),
        key=lambda found: found[0] - 0.1 * found[1],
        default=(1.0, 0.0),
    )


def _parts(words: list[str], length: int) -> Iterator[list[str]]:
    for size in {length, length + 1, max(1, length - 1), len(words)} - {0}:
        for start in range(len(words) - size + 1):
            yield words[start : start + size]
