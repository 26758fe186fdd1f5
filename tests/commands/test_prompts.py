"""`cti-engine prompts`: a center's prompts made, listed and tried from the command line."""

from __future__ import annotations

import json
import shutil
import struct
import wave
from pathlib import Path

import pytest

from tests.commands.test_command_line import ROOT, cti


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A center with one small flow, so that its prompts are made in seconds."""
    home = tmp_path_factory.mktemp("prompts") / "home"
    for name in ("config", "routing_rules"):
        shutil.copytree(ROOT / name, home / name)
    (home / "ivr_flows").mkdir()
    steps = (
        '{a: {say: {es: "Hola.", en: "Hello."}, next: b}, b: {play: queue-thankyou, next: c}, c: {hang_up: }}'
    )
    for flow in ("main_es", "main_en", "reception", "sorry", "queue_treatment", "survey"):
        text = f"flow: {flow}\nlanguages: [es, en]\nstart: a\nsteps: {steps}\n"
        (home / f"ivr_flows/{flow}.yaml").write_text(text)
    return home


def test_list_build_list(home: Path) -> None:
    """First all are missing (exit code 1), then they are made by whom the table says, then none is missing."""
    before = cti(home, "prompts", "list", "--json")
    assert before.returncode == 1, before.stderr
    prompts = json.loads(before.stdout)["prompts"]
    assert len(prompts) == 10 and all(prompt["missing"] == 1 for prompt in prompts)
    shown = cti(home, "prompts", "list")
    assert shown.returncode == 1 and "not made yet: cti-engine prompts build" in shown.stdout

    built = cti(home, "prompts", "build", "--json")
    assert built.returncode == 0, built.stderr
    found = json.loads(built.stdout)
    assert found["complete"] and found["made"] == 10
    assert {(p["kind"], p["by"]) for p in found["prompts"]} == {
        ("text", "nanotts"),
        ("sound", "recording"),
        ("tone", "tone"),
    }
    assert all(p["seconds"] > 0.3 and not p["fault"] for p in found["prompts"])

    again = cti(home, "prompts", "build")
    assert again.returncode == 0 and "0 files made" in again.stdout and "nanotts" in again.stdout
    assert cti(home, "prompts", "list").returncode == 0


def test_what_cannot_be_made_is_told(home: Path) -> None:
    """A recording of 80 bits: exit code 1, the file and the reason; the others are made."""
    bad = home.parent / "bad_home"
    shutil.copytree(home, bad)
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 80_000, 10, 80)
    sound = form + struct.pack("<4sI", b"data", 80_000) + bytes(80_000)
    (bad / "greeting.wav").write_bytes(b"RIFF" + struct.pack("<I", 4 + len(sound)) + b"WAVE" + sound)
    flow = bad / "ivr_flows/sorry.yaml"
    flow.write_text(flow.read_text().replace("play: queue-thankyou", "play: {file: greeting.wav}"))
    done = cti(bad, "prompts", "build")
    assert done.returncode == 1
    assert "file 'greeting.wav'" in done.stdout and "not a WAV that can be read" in done.stdout


def test_a_voice_can_be_tried(home: Path, tmp_path: Path) -> None:
    """A WAV as callers hear it, by the first engine; without a voice for the language, exit code 3 and why."""
    out = tmp_path / "try.wav"
    done = cti(home, "prompts", "say", "Buenos días.", "--language", "es", "--out", str(out))
    assert done.returncode == 0 and "by nanotts" in done.stdout
    with wave.open(str(out)) as file:
        assert file.getframerate() == 8000 and file.getnframes() > 4000
    refused = cti(home, "prompts", "say", "Привет", "--language", "ru", "--out", str(out))
    assert refused.returncode == 3
    assert "no text-to-speech engine has a voice for language 'ru'" in refused.stdout
