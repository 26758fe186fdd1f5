"""Prompts to sound files: made before anybody waits, measured as audio, and clear about what cannot be made."""

from __future__ import annotations

import shutil
import sys
import time
import wave
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cti_engine.core.commands import Prompt
from cti_engine.core.ivr import recorded_numbers
from cti_engine.ports import PromptFiles
from speech.engines import ENGINES, ESPEAK, NANOTTS, Engine, NotSpoken, Speaker, engines_in_order
from speech.prompt_audio import LOUDNESS, MUSIC_LOUDNESS, PEAK, loudness, read_wav
from speech.prompt_cache import SOUNDS, PromptCache
from speech.wav_check import RATE, seconds, unplayable

MENU_ES = Prompt("text", "Gracias por llamar. Para ventas, marque uno; para soporte, marque dos.", "es")
MENU_EN = Prompt("text", "Thank you for calling. For sales, press one; for support, press two.", "en")


def samples_of(paths: Sequence[Path]) -> NDArray[np.float64]:
    """The files played one after the other, -1..1; fails on any that the player would refuse."""
    assert paths and not [unplayable(path) for path in paths if unplayable(path)]
    return np.concatenate([read_wav(path)[1] for path in paths])


def above(samples: NDArray[np.float64], frequency: float) -> float:
    """Power above `frequency` in dB relative to all power."""
    power = np.abs(np.fft.rfft(samples)) ** 2
    frequencies = np.fft.rfftfreq(samples.size, 1 / RATE)
    return float(10 * np.log10(power[frequencies > frequency].sum() / power.sum()))


def command(tmp_path: Path, name: str, script: str) -> Engine:
    """An engine of our own in Python: `script` runs with its text on stdin."""
    path = tmp_path / f"{name}.py"
    path.write_text(script)
    return Engine(name, (sys.executable, str(path)), {"es": "x", "en": "x"}, "sys", "nothing to install")


@pytest.fixture
def cache(tmp_path: Path) -> PromptCache:
    return PromptCache(tmp_path / "prompts", base=tmp_path)


@pytest.mark.parametrize("prompt", [MENU_ES, MENU_EN], ids=["es", "en"])
@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_speech_is_fit_for_the_telephone(tmp_path: Path, engine: Engine, prompt: Prompt) -> None:
    """Every engine and language gives one WAV of plausible length, at the common loudness, without clipping,
    band-limited, and beginning and ending in silence."""
    cache: PromptFiles = PromptCache(tmp_path, engines=[engine])
    report = PromptCache(tmp_path, engines=[engine]).build([prompt])
    assert report.made == 1 and report.by == {engine.name: 1} and not report.faults
    audio = samples_of(cache.files(prompt))
    assert 3.0 < audio.size / RATE < 9.0
    assert abs(loudness(audio) - LOUDNESS) < 1.0 or abs(20 * np.log10(np.abs(audio).max()) - PEAK) < 0.1
    assert loudness(audio) > LOUDNESS - 4
    assert np.abs(audio).max() <= 10 ** (PEAK / 20) + 1e-3
    assert above(audio, 3_800) < -45
    assert abs(audio[0]) < 1e-3 and abs(audio[-1]) < 1e-3


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("sounds", ["recorded", "spoken"])
def test_numbers_join_without_clicks(tmp_path: Path, language: str, sounds: str) -> None:
    """All numbers of a queue position play as joined pieces with no step at any join, in recordings and in the
    engines' voice where no recording is installed, and never with a long gap."""
    cache = PromptCache(tmp_path / "prompts", sounds=SOUNDS if sounds == "recorded" else tmp_path)
    numbers = (*range(61), 100, 101, 215, 342, 999, 21_345)
    spoken = [
        [Prompt("sound", sound, language) for sound in recorded_numbers.cardinal(number, language)]
        for number in numbers
    ]
    report = cache.build(prompt for prompts in spoken for prompt in prompts)
    assert not report.faults
    assert report.by.keys() == ({"recording"} if sounds == "recorded" else {"nanotts"})
    for prompts in spoken:
        files = [path for prompt in prompts for path in cache.files(prompt)]
        audio = samples_of(files)
        joins = np.cumsum([read_wav(path)[1].size for path in files])[:-1]
        assert all(abs(audio[join] - audio[join - 1]) < 2e-3 for join in joins)
        quiet = np.abs(audio) < 10 ** (-45 / 20)
        assert max(map(len, "".join("q" if q else "x" for q in quiet).split("x"))) < 0.30 * RATE


def test_pieces_are_equally_loud(cache: PromptCache) -> None:
    """Recorded digits, up to 8 dB apart as they come, and synthetic speech end up within 3 dB of each other."""
    prompts = [MENU_EN, *(Prompt("sound", f"digits/{n}", "en") for n in range(10))]
    assert not cache.build(prompts).faults
    levels = [loudness(samples_of(cache.files(prompt))) for prompt in prompts]
    assert max(levels) - min(levels) < 3


def test_built_once_and_found_by_others(cache: PromptCache, tmp_path: Path) -> None:
    """A second build makes nothing and is quick; another process's cache finds the same files without building."""
    prompts = [MENU_ES, Prompt("sound", "queue-thankyou", "es"), Prompt("sound", "digits/21", "es")]
    seen: list[tuple[int, int]] = []
    first = cache.build(prompts, lambda done, of: seen.append((done, of)))
    assert (first.made, first.present) == (3, 0)
    assert seen == [(1, 3), (2, 3), (3, 3)]
    again = cache.build(prompts)
    assert (again.made, again.present) == (0, 3) and again.seconds < 1.0
    other = PromptCache(tmp_path / "prompts", base=tmp_path)
    assert [other.files(p) for p in prompts] == [cache.files(p) for p in prompts]
    began = time.thread_time()
    for _ in range(1000):
        other.files(prompts[0])
    assert time.thread_time() - began < 0.05, "a look-up is a dictionary's, not the disk's"


def test_never_built_is_named(cache: PromptCache) -> None:
    """Asking for a prompt that was not built raises KeyError with its kind, value and language."""
    with pytest.raises(KeyError, match=r"text prompt 'Gracias.*\(es\) was never built: save its flow again"):
        cache.files(MENU_ES)
    assert not cache.directory.exists(), "a look-up makes nothing"


def test_a_fault_stops_no_other(cache: PromptCache) -> None:
    """What cannot be made is told with its reason, prompt by prompt; all the others are made."""
    bad = {
        Prompt("sound", "no-such-sound", "es"): "there is no sound 'no-such-sound' for language 'es'",
        Prompt("sound", "../../../etc/passwd", "es"): "there is no sound",
        Prompt("text", "Привет", "ru"): "no text-to-speech engine has a voice for language 'ru'",
        Prompt("text", " ... ", "es"): "there is nothing to say",
        Prompt("pause", "10", "en"): "a pause is 50 to 10000 ms, not '10'",
        Prompt("pause", "soon", "en"): "a pause is 50 to 10000 ms",
        Prompt("music", "jazz", "en"): "there is no music class 'jazz': known are default",
        Prompt("file", "none.wav", "en"): "No such file",
        Prompt("smell", "x", "en"): "there is no kind of prompt called 'smell'",
    }
    report = cache.build([*bad, MENU_EN])
    assert report.made == 1 and samples_of(cache.files(MENU_EN)).size
    told = {fault.prompt: fault.reason for fault in report.faults}
    assert told.keys() == bad.keys()
    assert not [(prompt, told[prompt]) for prompt, says in bad.items() if says not in told[prompt]]
    for prompt in bad:
        with pytest.raises(KeyError):
            cache.files(prompt)


def test_hanging_engine_is_killed_and_the_next_one_speaks(tmp_path: Path) -> None:
    """An engine that hangs, with a child of its own, is killed after 5 s with all it started; the prompt is
    then spoken by the next engine, and after two hangs nobody waits for it any more."""
    marker = tmp_path / "still_alive"
    grandchild = f"import time; time.sleep(7); open({str(marker)!r}, 'w')"
    calls = tmp_path / "calls"
    script = (
        f"import subprocess, sys, time; open({str(calls)!r}, 'a').write('x')\n"
        f"subprocess.Popen([sys.executable, '-c', {grandchild!r}]); time.sleep(3600)"
    )
    cache = PromptCache(tmp_path / "prompts", engines=[command(tmp_path, "hanging", script), ESPEAK])
    prompts = [Prompt("text", f"Marque {word}.", "es") for word in ("uno", "dos", "tres", "cuatro", "cinco")]
    report = cache.build(prompts)
    assert report.by == {"espeak-ng": 5} and not report.faults
    assert 5.0 <= report.seconds < 25.0
    assert 2 <= len(calls.read_text()) <= 3, (
        "two at a time; one more may begin before the second hang is known"
    )
    assert all(seconds(path) > 0.3 for prompt in prompts for path in cache.files(prompt))
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline and not marker.exists():
        time.sleep(0.1)
    assert not marker.exists(), "the engine's own child died with it"


def test_failing_engines_are_told_one_by_one(tmp_path: Path) -> None:
    """When no engine can speak, the fault names each with its own reason and how to install what is missing."""
    crashing = command(tmp_path, "crashing", "import sys; sys.exit('voice data are damaged')")
    chatting = command(tmp_path, "chatting", "print('hello')")
    absent = replace(ESPEAK, command=("espeak-ng-not-there", *ESPEAK.command[1:]))
    report = PromptCache(tmp_path / "a", engines=[crashing, chatting, absent]).build([MENU_ES])
    assert [fault.reason for fault in report.faults] == [
        "crashing ended with code 1: voice data are damaged; chatting gave no WAV; "
        "espeak-ng is not installed (apt-get install espeak-ng)"
    ]


def test_a_maker_that_dies_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the making process is killed from outside, every prompt it still had is told as a fault."""
    monkeypatch.setattr("speech.prompt_cache.sys.executable", "/bin/false")
    report = PromptCache(tmp_path / "a").build([MENU_ES, MENU_EN])
    assert [fault.reason for fault in report.faults] == ["the prompt maker died (code 1)"] * 2


def test_the_better_voice_replaces_the_fallback(tmp_path: Path) -> None:
    """A prompt made by the fallback stays in use as it is; a cache of the better engine's own is separate."""
    absent = replace(NANOTTS, command=("nanotts-not-there",))
    made_by_fallback = PromptCache(tmp_path, engines=[absent, ESPEAK])
    made_by_fallback.build([MENU_EN])
    both = PromptCache(tmp_path, engines=[NANOTTS, ESPEAK])
    assert both.files(MENU_EN) == made_by_fallback.files(MENU_EN)
    assert PromptCache(tmp_path, engines=[NANOTTS]).build([MENU_EN]).made == 1
    assert PromptCache(tmp_path, engines=[NANOTTS, ESPEAK]).files(MENU_EN) != both.files(MENU_EN)


def test_a_better_voice_that_comes_later_speaks_all_anew(tmp_path: Path) -> None:
    """What the fallback has made is made again once an engine before it is installed; one that fails at a text is not
    asked for it a second time."""
    calls = tmp_path / "calls"
    failing = command(tmp_path, "failing", f"open({str(calls)!r}, 'a').write('x'); raise SystemExit(1)")
    absent = replace(NANOTTS, command=("nanotts-not-there",))
    assert PromptCache(tmp_path, engines=[absent, ESPEAK]).build([MENU_EN]).by == {"espeak-ng": 1}
    both = PromptCache(tmp_path, engines=[NANOTTS, ESPEAK])
    assert both.build([MENU_EN]).by == {"nanotts": 1}
    assert both.build([MENU_EN]).made == 0
    other = PromptCache(tmp_path, engines=[failing, ESPEAK])
    assert other.build([MENU_ES]).by == {"espeak-ng": 1}
    assert (other.build([MENU_ES]).made, calls.read_text()) == (0, "x")


def test_engines_speak_in_the_order_of_the_settings(tmp_path: Path) -> None:
    """Piper has the voices that it is given, and none for another language; the rest is as named."""
    order = engines_in_order(["piper", "espeak-ng", "hibari"], {"es": tmp_path / "voz.onnx"})
    assert [engine.name for engine in order] == ["piper", "espeak-ng", "hibari"]
    assert order[0].voices == {"es": str(tmp_path / "voz.onnx")} and "es" not in order[2].voices
    with pytest.raises(NotSpoken, match=r"piper is not installed \(pip install piper-tts\)"):
        Speaker([replace(order[0], package="piper_not_there")]).speak("Hola.", "es")


def _sine(path: Path, hz: float, seconds: float = 1.0, level: float = 0.03) -> None:
    pcm = np.rint(level * 32767 * np.sin(2 * np.pi * hz * np.arange(int(seconds * 22_050)) / 22_050))
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 22_050, 0, "NONE", ""))
        file.writeframes(pcm.astype("<i2").tobytes())


def test_a_recorded_sentence_takes_the_place_of_the_voice(tmp_path: Path) -> None:
    """At 8 kHz and the common loudness; a new take is used from the next look at the files on, and without the
    recording the voice speaks again."""
    _sine(tmp_path / "menu.wav", 700)
    cache = PromptCache(tmp_path / "prompts", base=tmp_path, recordings={"es": {MENU_ES.value: "menu.wav"}})
    assert cache.build([MENU_ES, MENU_EN]).by == {"recording": 1, "nanotts": 1}
    [own] = cache.files(MENU_ES)
    audio = samples_of([own])
    assert abs(audio.size / RATE - 1.0) < 0.01 and abs(loudness(audio) - LOUDNESS) < 0.5
    assert [state.by for state in cache.inventory([MENU_ES])] == ["recording"]

    _sine(tmp_path / "menu.wav", 900, 1.5)
    cache.use({"es": {MENU_ES.value: "menu.wav"}})
    assert cache.build([MENU_ES]).by == {"recording": 1}
    assert seconds(cache.files(MENU_ES)[0]) > 1.4

    cache.use({})
    assert cache.build([MENU_ES]).by == {"nanotts": 1}
    assert own not in cache.files(MENU_ES)


def test_a_recording_that_cannot_be_used_is_told_and_the_voice_speaks(tmp_path: Path) -> None:
    """A damaged file, and one that has gone since it was checked: callers hear the sentence all the same."""
    (tmp_path / "menu.wav").write_bytes(b"RIFF\0\0\0\0WAVEfmt ")
    cache = PromptCache(tmp_path / "prompts", base=tmp_path, recordings={"es": {MENU_ES.value: "menu.wav"}})
    report = cache.build([MENU_ES])
    assert report.by == {"nanotts": 1}
    assert [fault.prompt for fault in report.faults] == [MENU_ES] and "WAV" in report.faults[0].reason
    assert seconds(cache.files(MENU_ES)[0]) > 2
    assert [state.by for state in cache.inventory([MENU_ES])] == ["nanotts"]
    (tmp_path / "menu.wav").unlink()
    assert cache.build([MENU_ES]).faults == ()


def test_a_folder_of_sounds_that_cannot_be_played_is_passed_over(tmp_path: Path) -> None:
    """Where another package for Asterisk has put GSM files into `es`, the recordings of `es_MX` are still found."""
    (tmp_path / "es").mkdir()
    (tmp_path / "es/queue-thankyou.gsm").write_bytes(b"gsm")
    shutil.copytree(next(SOUNDS.glob("es_*")), tmp_path / "es_MX_f_Allison")
    cache = PromptCache(tmp_path / "prompts", sounds=tmp_path)
    assert cache.build([Prompt("sound", "queue-thankyou", "es")]).by == {"recording": 1}


def test_a_damaged_file_is_made_again(cache: PromptCache) -> None:
    """A prompt file cut short by a full disk is not handed out after the next build."""
    cache.build([MENU_EN])
    [path] = cache.files(MENU_EN)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    report = cache.build([MENU_EN])
    assert (report.made, report.present) == (1, 0)
    assert path.read_bytes() == whole


def test_admins_recordings_are_converted(cache: PromptCache, tmp_path: Path) -> None:
    """A 44.1 kHz stereo recording plays at 8 kHz with its length and pitch at the common loudness; tones above do not
    fold back; a later edit of the file is a new prompt and the old copy stays."""
    time_axis = np.arange(44_100) / 44_100
    left = 0.25 * np.sin(2 * np.pi * 1000 * time_axis) + 0.25 * np.sin(2 * np.pi * 7000 * time_axis)
    pcm = np.repeat(np.rint(left * 32767).astype("<i2"), 2)
    with wave.open(str(tmp_path / "ours.wav"), "wb") as file:
        file.setparams((2, 2, 44_100, 0, "NONE", ""))
        file.writeframes(pcm.tobytes())
    prompt = Prompt("file", "ours.wav", "es")
    assert cache.build([prompt]).by == {"recording": 1}
    [old] = cache.files(prompt)
    audio = samples_of([old])
    spectrum = np.abs(np.fft.rfft(audio[1000:-1000]))
    frequencies = np.fft.rfftfreq(audio.size - 2000, 1 / RATE)
    assert abs(audio.size / RATE - 1.0) < 0.01
    assert abs(frequencies[spectrum.argmax()] - 1000) < 3
    assert abs(loudness(audio) - LOUDNESS) < 0.5
    folded = spectrum[(frequencies < 900) | (frequencies > 1100)].max() / spectrum.max()
    assert 20 * np.log10(folded) < -55

    (tmp_path / "ours.wav").write_bytes((tmp_path / "ours.wav").read_bytes() + b"\0\0\0\0")
    fresh = PromptCache(tmp_path / "prompts", base=tmp_path)
    assert fresh.build([prompt]).made == 1
    assert fresh.files(prompt) != (old,) and old.exists()


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"not a wav at all" * 100], ids=["empty", "header", "text"]
)
def test_unreadable_recordings_are_faults(cache: PromptCache, tmp_path: Path, content: bytes) -> None:
    """A file that is no WAV is a clear fault of that prompt and leaves nothing half made."""
    (tmp_path / "bad.wav").write_bytes(content)
    report = cache.build([Prompt("file", "bad.wav", "es")])
    assert len(report.faults) == 1 and "not a WAV that can be read" in report.faults[0].reason
    assert list(cache.directory.iterdir()) == []


def test_music_is_the_installed_one_or_our_own(cache: PromptCache, tmp_path: Path) -> None:
    """Music is the installed files in order, softer than speech and without long silences; without any, gentle tones
    that loop unheard."""
    music = Prompt("music", "default", "es")
    assert not cache.build([music]).faults
    assert len(cache.files(music)) >= 5
    for path in cache.files(music):
        audio = samples_of([path])
        assert abs(loudness(audio) - MUSIC_LOUDNESS) < 1.0, path
        quiet = np.abs(audio) < 10 ** (-55 / 20)
        assert max(map(len, "".join("q" if q else "x" for q in quiet).split("x"))) < 1.0 * RATE, path
    bare = PromptCache(tmp_path / "bare", music={"default": tmp_path / "no_music"})
    assert bare.build([music]).by == {"hold tones": 1}
    [path] = bare.files(music)
    audio = samples_of([path])
    assert audio.size / RATE == 16.0
    assert -32 < 20 * np.log10(np.sqrt((audio**2).mean())) < -20
    assert np.abs(np.diff(np.concatenate([audio, audio]))).max() < 0.1, "no step, also where it starts over"


def test_an_unwritable_cache_is_told(tmp_path: Path) -> None:
    """A cache directory that cannot be made raises OSError at once, not one fault per prompt."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"Not a directory|File exists"):
        PromptCache(tmp_path / "file" / "prompts").build([MENU_EN])
