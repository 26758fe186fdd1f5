"""pjsua2, recorded sounds, music and voices: what callers hear, and what takes its place when it is missing."""

from __future__ import annotations

from pathlib import Path

from cti_engine.core.commands import Prompt
from cti_engine.runtime.checks import media
from cti_engine.runtime.checks.check import Verdict
from speech.engines import ESPEAK, Engine
from speech.prompt_cache import PromptCache
from tests.phones.tones import tone, write_wav


def test_pjsua2_offers_the_codecs_that_phones_need() -> None:
    """The real wheel, in a child: its offer names G.711 both ways and RFC 4733 keys."""
    check = media.check_pjsua2()
    assert check.verdict is Verdict.OK
    assert check.found.endswith("with PCMU, PCMA, telephone-event")


def test_a_pjsua2_that_dies_is_a_fault_and_not_our_end() -> None:
    """A child that ends badly is told with the line that installs the wheel again."""
    check = media.check_pjsua2(python="/bin/false")
    assert check.verdict is Verdict.FAULT
    assert "exit code 1" in check.found and "--force-reinstall pjsua2-python" in check.what_to_do
    assert media.check_pjsua2(python="/no/such/python").verdict is Verdict.FAULT


def test_missing_sounds_are_spoken_and_their_package_named(tmp_path: Path) -> None:
    """A warning per language: the center runs without them."""
    checks = media.check_sounds(("es", "en"), tmp_path)
    assert [check.verdict for check in checks] == [Verdict.WARN, Verdict.WARN]
    assert "asterisk-core-sounds-es-wav" in checks[0].what_to_do


def test_a_damaged_sound_is_a_fault(tmp_path: Path) -> None:
    """A file that the workers' player would refuse must not wait for a caller to be found."""
    (tmp_path / "en_US").mkdir()
    (tmp_path / "en_US" / "queue-thankyou.wav").write_bytes(b"RIFF")
    (check,) = media.check_sounds(("en",), tmp_path)
    assert check.verdict is Verdict.FAULT and "--reinstall" in check.what_to_do


def test_music_is_played_back_or_named(tmp_path: Path) -> None:
    """No piece: soft tones. A good piece: well. A damaged one: a fault with its name."""
    assert media.check_music(tmp_path).verdict is Verdict.WARN
    write_wav(tmp_path / "good.wav", tone(440, 1))
    assert media.check_music(tmp_path).verdict is Verdict.OK
    (tmp_path / "bad.wav").write_bytes(b"nothing")
    check = media.check_music(tmp_path)
    assert check.verdict is Verdict.FAULT and "bad.wav" in check.found


def test_voices_are_tried_and_one_is_enough() -> None:
    """A broken engine is a warning beside one that speaks, a fault when it is the only one."""
    broken = Engine("broken", ("false",), {"es": "x", "en": "x"}, "false", "mend it")
    both = media.check_text_to_speech((broken, ESPEAK))
    assert [check.verdict for check in both] == [Verdict.WARN, Verdict.OK]
    alone = media.check_text_to_speech((broken,))
    assert [check.verdict for check in alone] == [Verdict.WARN, Verdict.FAULT]
    assert "espeak-ng" in alone[-1].what_to_do


def test_prompts_that_are_not_made_yet_are_counted(tmp_path: Path) -> None:
    """They are made at the next start, so it is a warning with nothing to do."""
    prompts = [Prompt("text", "never spoken before", "en"), Prompt("text", "nor this", "en")]
    check = media.check_prompts(PromptCache(tmp_path), prompts)
    assert check.verdict is Verdict.WARN and "2 of 2" in check.found
    assert media.check_prompts(PromptCache(tmp_path), []).verdict is Verdict.OK
