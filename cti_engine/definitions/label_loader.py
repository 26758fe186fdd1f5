"""config/labels.yaml: what people read in the place of the center's own codes. Without one they read the code."""

from __future__ import annotations

from collections.abc import Mapping

from cti_engine.definitions.shapes import LANGUAGE, Key, Keys, Table, Text
from cti_engine.definitions.yaml_source import Document

_TEXTS = Table(Table(Text(), LANGUAGE, least=1), Text("a code", r"\S(.{0,62}\S)?"))
LABELS_FILE = Keys(
    (
        Key("segments", _TEXTS, "of customers, by segment", {}),
        Key("intents", _TEXTS, "why people call, by call.intent", {}),
        Key("products", _TEXTS, "what customers have and may be offered, by product", {}),
    )
)

CodeLabels = Mapping[str, Mapping[str, Mapping[str, str]]]
"""By kind of code (the keys of the file), code and language."""


def load_labels(document: Document) -> CodeLabels:
    labels: CodeLabels = LABELS_FILE.read(document, document.root, ())
    return labels
