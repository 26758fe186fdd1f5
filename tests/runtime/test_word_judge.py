"""What may be said, judged by a real model; the Korean one is installed for tests."""

from __future__ import annotations

from pathlib import Path

from cti_engine.definitions.settings import load_settings
from cti_engine.runtime.word_judge import InstalledWords
from tests.definitions.homes import shipped_home


def test_a_model_says_which_words_it_does_not_know(tmp_path: Path) -> None:
    """Words of phrases one by one; where no model with a list of words is, nothing is said of any."""
    settings, _ = load_settings(shipped_home(tmp_path), {}, {})
    words = InstalledWords(settings)
    assert words.unknown(("학교", "학교 blorft"), "ko") == ("blorft",)
    assert words.unknown(("blorft",), "fr") == ()
    assert InstalledWords(None).unknown(("blorft",), "ko") == ()


def test_what_sounds_alike_is_judged_by_language() -> None:
    """Rhymes and one sound more or less; not words that differ in most of their sounds."""
    words = InstalledWords(None)
    for one, other, language in (
        ("ventas", "cuentas", "es"),
        ("tres", "trece", "es"),
        ("fifteen", "fifty", "en"),
        ("Billing", "building", "en"),
    ):
        assert words.alike(one, other, language)
    for one, other, language in (
        ("ventas", "soporte", "es"),
        ("sí", "seis", "es"),
        ("sales", "support", "en"),
        ("one", "four", "en"),
    ):
        assert not words.alike(one, other, language)
