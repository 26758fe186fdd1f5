"""A child that makes sound files: orders on stdin, one JSON a line; what became of each on stdout.

A process of its own, so that neither scipy nor a hanging engine ever lives in the engine's process.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np

from speech.engines import Engine, NotSpoken, Speaker
from speech.hold_tones import hold_tones
from speech.prompt_audio import BadAudio, music_of, prompt_of, recording_of, write_prompt
from speech.signal_tones import signal_tone
from speech.wav_check import RATE, not_spoken_note

PARALLEL = 2
_NICENESS = 10  # live calls on the same machine go first


def make(order: dict[str, Any], speaker: Speaker) -> dict[str, str]:
    """One order: {"id", "make", ...} as PromptCache writes it; {"id", "file", "by"} or {"id", "fault"}."""
    try:
        match order["make"]:
            case "speech":
                engine, utterances = speaker.speak(order["text"], order["language"])
                file, by = Path(order["files"][engine]), engine
                samples = prompt_of([(utterance.wav, utterance.pause) for utterance in utterances])
                for name, path in order["files"].items():
                    if (name, order["text"]) in speaker.failed:
                        not_spoken_note(Path(path)).touch()
            case "sound":
                file, by = Path(order["file"]), "recording"
                samples = prompt_of([(Path(order["source"]), 0.0)])
            case "music":
                file, by = Path(order["file"]), "recording"
                samples = music_of(Path(order["source"]))
            case "recording":
                file, by = Path(order["file"]), "recording"
                samples = recording_of(Path(order["source"]))
            case "pause":
                file, by = Path(order["file"]), "silence"
                samples = np.zeros(order["milliseconds"] * RATE // 1000)
            case "hold_tones":
                file, by = Path(order["file"]), "hold tones"
                samples = hold_tones()
            case "tone":
                file, by = Path(order["file"]), "tone"
                samples = signal_tone(order["name"])
        write_prompt(file, samples)
    except (NotSpoken, BadAudio, OSError) as fault:
        return {"id": order["id"], "fault": str(fault)}
    return {"id": order["id"], "file": str(file), "by": by}


def make_all(orders: Iterable[dict[str, Any]], speaker: Speaker) -> Iterator[dict[str, str]]:
    """Two at a time, told as they become ready."""
    with ThreadPoolExecutor(PARALLEL) as pool:
        for done in as_completed([pool.submit(make, order, speaker) for order in orders]):
            yield done.result()


def main() -> None:
    os.nice(_NICENESS)
    settings, *orders = [json.loads(line) for line in sys.stdin]
    engines = [Engine(**{**e, "command": tuple(e["command"])}) for e in settings["engines"]]
    for result in make_all(orders, Speaker(engines, settings["deadline"])):
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
