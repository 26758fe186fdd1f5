"""config/recordings.yaml: sentences for which the admin has a recording, in the place of a voice that is made."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cti_engine.core.commands import Prompt
from cti_engine.core.expressions.suggestion import did_you_mean
from cti_engine.definitions.problems import WARNING
from cti_engine.definitions.shapes import LANGUAGE, Key, Keys, Table, Text
from cti_engine.definitions.sound_files import sound_fault
from cti_engine.definitions.yaml_source import Document

SENTENCE = Text("a sentence as `cti-engine prompts list` shows it", r"(.|\n)+")
FILE = Text("a WAV file such as prompts/welcome.wav", r"[\w/. -]+\.wav")
RECORDINGS = Keys(
    (
        Key(
            "recordings",
            Table(Table(FILE, SENTENCE), LANGUAGE),
            "by language and sentence, its file below CTI_HOME",
        ),
    )
)

Recordings = dict[str, dict[str, str]]
"""File by language and sentence."""


def load_recordings(document: Document, home: Path) -> Recordings:
    """Files that cannot be used are problems."""
    written: Recordings = RECORDINGS.read(document, document.root, ())["recordings"]
    for language, sentences in written.items():
        for sentence, file in sentences.items():
            fault = sound_fault(home, file) if file else None
            if fault:
                document.problem(("recordings", language, sentence), *fault)
    return written


def warn_of_unsaid(document: Document, recordings: Recordings, said: Iterable[Prompt]) -> None:
    """A recording of what no flow says is a sentence that was changed, or misspelt."""
    texts: dict[str, set[str]] = {}
    for prompt in said:
        if prompt.kind == "text":
            texts.setdefault(prompt.language, set()).add(prompt.value)
    for language, sentences in recordings.items():
        for sentence in sentences:
            known = texts.get(language, set())
            if sentence not in known:
                hint = did_you_mean(sentence, known) or "cti-engine prompts list shows what is said"
                document.problem(
                    ("recordings", language, sentence),
                    f"no flow says this in {language}",
                    hint,
                    severity=WARNING,
                )
