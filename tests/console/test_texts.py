"""The page's words: one file a language."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

TEXTS = Path(__file__).parents[2] / "agent_console/static/js/texts"
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
KEY = re.compile(r"\b([a-z]\w*):")


def keys(language: str) -> Counter[str]:
    """As often as each is written; what stands in quotes is no key."""
    return Counter(KEY.findall(STRING.sub('""', (TEXTS / f"{language}.js").read_text(encoding="utf-8"))))


def test_each_text_is_written_once_and_in_both_languages() -> None:
    """The second of two would silently take the place of the first."""
    english, spanish = keys("en"), keys("es")
    assert english.keys() == spanish.keys() and len(english) > 300
    assert {key for several in (english, spanish) for key, times in several.items() if times > 1} == set()
