"""What a recogniser process is told at its start; picklable, and light, because the supervisor imports it."""

from __future__ import annotations

import msgspec

from cti_engine.core.listening import SpeechSettings
from speech.recognition.installed import Choice


class RecogniserConfig(msgspec.Struct, frozen=True):
    """`threads`: cores that it may use."""

    name: str
    address: str
    choices: tuple[Choice, ...]
    settings: SpeechSettings
    capacity: int
    threads: int
    ready_file: str
