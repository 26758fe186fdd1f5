"""`make bench-dtmf`: keys as tones against ITU-T Q.24, talk-offs on an hour of speech and music, and what it costs.

Speech and music are Debian's recordings for Asterisk (English, Spanish, music on hold), once as they are and once 12 dB
louder and clipped, and what our own voices say of the shipped flows where the prompts have been made (`--prompts`).
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import wave
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in a worker

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.key_tones import ALL_KEYS, FRAME, Press, Samples, keys, pressed
from benchmarks.report import Report
from cti_engine.sip_worker.dtmf_detector import RATE, DtmfDetector

SOUNDS = Path("/usr/share/asterisk")
HOUR = 3600.0
GOAL_PRESSES = 8000
TABLE_PRESSES = 480
GAINS = (1.0, 4.0)
GOAL_PRESS = Press(seconds=0.05, noise=20.0)
AT_THE_LIMITS = Press(seconds=0.04, level=-20.0, twist=-8.0, offset=0.015, offset_hz=2.0, noise=20.0, law="a")

Row = tuple[str, Press, str]
MUST: tuple[Row, ...] = (
    *((f"{level:g} dBm0", Press(level=level), "operate") for level in (0.0, -3.0, -10.0, -20.0, -25.0)),
    *((f"high tone {twist:+g} dB", Press(twist=twist), "operate") for twist in (4.0, -4.0, -8.0)),
    *((f"{ms} ms", Press(seconds=ms / 1000), "operate") for ms in (40, 50, 100, 1000)),
    ("+(1.5 % + 2 Hz)", Press(offset=0.015, offset_hz=2.0), "operate"),
    ("-(1.5 % + 2 Hz)", Press(offset=-0.015, offset_hz=2.0), "operate"),
    ("interrupted for 10 ms", Press(seconds=0.1, gap_at=0.045, gap=0.01), "operate"),
    *((f"noise {snr} dB below", Press(noise=snr), "operate") for snr in (20, 15)),
    ("mu-law", Press(law="u"), "operate"),
    ("A-law", Press(law="a"), "operate"),
    ("40 ms, -20 dBm0, twist -8, off +, noise 20 dB, A-law", AT_THE_LIMITS, "operate"),
)
MUST_NOT: tuple[Row, ...] = (
    ("-55 dBm0", Press(level=-55.0), "do not"),
    *((f"{ms} ms", Press(seconds=ms / 1000), "do not") for ms in (10, 20, 23)),
    ("20 ms, noise 20 dB below", Press(seconds=0.02, noise=20), "do not"),
    ("+3.5 %", Press(offset=0.035), "do not"),
    ("-3.5 %", Press(offset=-0.035), "do not"),
    ("+3.5 %, noise 20 dB below", Press(offset=0.035, noise=20), "do not"),
)
BETWEEN: tuple[Row, ...] = (
    *((f"{ms} ms", Press(seconds=ms / 1000), "either") for ms in (25, 30, 35)),
    *((f"noise {snr} dB below", Press(noise=snr), "either") for snr in (10, 6, 3)),
    *((f"high tone {twist:+g} dB", Press(twist=twist), "either") for twist in (6.0, -10.0)),
    *((f"{level:g} dBm0", Press(level=level), "either") for level in (-30.0, -35.0)),
)


def hit_rate(press: Press, presses: int, rng: np.random.Generator) -> float:
    """The share of presses told as that key, once, and as nothing else; over all sixteen keys in turn."""
    tried = [ALL_KEYS[number % 16] for number in range(presses)]
    return sum(keys(pressed(key, press, rng)) == key for key in tried) / presses


def recordings(folders: list[Path]) -> Iterator[tuple[str, Samples]]:
    """Every 8 kHz mono WAV below these folders, in order of name."""
    for path in sorted({one.resolve() for folder in folders for one in folder.rglob("*.wav")}):
        with wave.open(str(path)) as file:
            if (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2):
                yield path.name, np.frombuffer(file.readframes(file.getnframes()), "<i2")


def talk_offs(folders: list[Path]) -> tuple[list[str], float, float]:
    """(what was taken for a key, seconds of audio, seconds of CPU): each recording by a fresh detector, each gain."""
    found: list[str] = []
    audio = cpu = 0.0
    for name, samples in recordings(folders):
        for gain in GAINS:
            loud = np.clip(samples * gain, -32768, 32767).astype("<i2")
            frames = [loud[at : at + FRAME].tobytes() for at in range(0, len(loud) - FRAME + 1, FRAME)]
            detector = DtmfDetector()
            begun = time.process_time()
            told = [tone for frame in frames for tone in detector.feed(frame)]
            cpu += time.process_time() - begun
            audio += len(frames) * FRAME / RATE
            found += [f"{name} x{gain:g}: {tone.key}" for tone in told if not tone.seconds]
    return found, audio, cpu


def main() -> int:
    """Print the table and the report; 3 when the recordings are not installed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=Path, default=Path("var/prompts"), help="our own voices, if made")
    parser.add_argument("--seed", type=int, default=24)
    options = parser.parse_args()
    if not SOUNDS.exists():
        print(f"{SOUNDS} is missing: see packaging/apt-test.txt", file=sys.stderr)
        return 3
    rng = np.random.default_rng(options.seed)
    report = Report("bench-dtmf")
    table = Table("key", "Q.24", "told", title=f"{TABLE_PRESSES} presses a row", title_justify="left")
    rates: dict[str, list[float]] = {"operate": [], "do not": [], "either": []}
    for name, press, rule in (*MUST, *MUST_NOT, *BETWEEN):
        rate = hit_rate(press, TABLE_PRESSES, rng)
        rates[rule].append(rate)
        table.add_row(name, rule, f"{rate:.4f}")
        report.figure(f"told, {name} ({rule})", rate)
    Console().print(table)
    report.goal("hit_rate_20db", ">= 0.999", hit_rate(GOAL_PRESS, GOAL_PRESSES, rng))
    for law in "ua":
        press = replace(GOAL_PRESS, law=law)
        report.figure(f"hit_rate_20db, {law}-law", hit_rate(press, GOAL_PRESSES // 4, rng))
    report.goal("must_operate_worst", ">= 0.995", min(rates["operate"]))
    report.goal("must_not_operate_worst", "<= 0.005", max(rates["do not"]))
    found, audio, cpu = talk_offs([SOUNDS, options.prompts])
    report.goal("talk_offs", "= 0", float(len(found)))
    report.goal("talk_off_audio_s", f">= {HOUR:g}", audio, "s")
    report.figure("talk-offs", found[:20])
    report.figure("cpu_share_of_a_core_percent", cpu / audio * 100)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
