"""What is played, as written: texts with `{names}`, sounds, files, numbers, by language or for all of them.

A bare word is a text under `say:` and a sound's name under `play:`. In a list, `number:` and `digits:` items make
the whole list one sentence, left out whole when a value is undefined.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from cti_engine.core.expressions.suggestion import did_you_mean
from cti_engine.core.ivr.flow import Fixed, Spoken, Utterance
from cti_engine.core.ivr.spoken_values import CURRENCIES, FORMS, NAME
from cti_engine.definitions.problems import Path
from cti_engine.definitions.shapes import LANGUAGE, Schema, Text
from cti_engine.definitions.yaml_source import Document, Node

_RECORDED = ("number", "digits")  # items of lists
_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_CURRENCIES_KNOWN = f"one of {', '.join(sorted(CURRENCIES['en']))}"
_BRACES = re.compile(r"\{([^{}]*)\}")

_ITEMS = {
    "text": Text("a text"),
    "sound": Text("the name of a sound such as queue-thankyou", r"[\w/.-]+"),
    "file": Text("a WAV file such as prompts/welcome.wav", r"[\w/. -]+\.wav"),
    "music": Text("a class of music such as default", r"[\w-]+"),
    "number": Text("a name such as queue.position", _NAME.pattern),
    "digits": Text("a name such as call.ani", _NAME.pattern),
}


class TemplateError(Exception):
    """`offset`: characters into the text."""

    def __init__(self, offset: int, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.offset = offset
        self.text = text
        self.hint = hint


def parse_template(text: str) -> list[str | Spoken]:
    """Text and `{name}`, `{name|form}` or `{name|money EUR}` in turn; no empty texts. Raises TemplateError."""
    parts: list[str | Spoken] = []
    at = 0
    for match in _BRACES.finditer(text):
        parts += _literal(text, at, match.start())
        name, _, form = (part.strip() for part in match[1].partition("|"))
        if not _NAME.fullmatch(name):
            raise TemplateError(match.start(), f"{match[0]} holds no name", "{queue.position|number}")
        form, _, currency = form.partition(" ")
        if form and form not in (*FORMS, NAME):
            hint = did_you_mean(form, (*FORMS, NAME)) or f"one of {', '.join(FORMS)}"
            raise TemplateError(match.start(), f"{match[0]}: unknown form {form}", hint)
        if currency and form != "money":
            raise TemplateError(
                match.start(), f"{match[0]}: {form} takes no {currency}", f"{{{name}|{form}}}"
            )
        if currency and currency not in CURRENCIES["en"]:
            raise TemplateError(match.start(), f"{match[0]}: unknown currency {currency}", _CURRENCIES_KNOWN)
        parts.append(Spoken(name, form, currency=currency))
        at = match.end()
    return parts + _literal(text, at, len(text))


def _literal(text: str, start: int, end: int) -> list[str | Spoken]:
    piece = text[start:end]
    for brace in "{}":
        if brace in piece:
            raise TemplateError(start + piece.index(brace), f"a {brace} alone", "a name stands in {braces}")
    return [piece] if piece else []


@dataclass(slots=True)
class Written:
    """`by_language` has the key "" for what holds in all of them; `spoken` where each name stands."""

    by_language: dict[str, tuple[Utterance, ...]] = field(default_factory=dict)
    spoken: list[tuple[Spoken, Path]] = field(default_factory=list)
    texts: dict[str, Path] = field(default_factory=dict)  # the first spoken text per language
    files: list[tuple[str, Path]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Content:
    """`bare`: what a plain word is, `text` or `sound`."""

    bare: str = "text"

    def read(self, document: Document, node: Node, path: Path) -> Written:
        written = Written()
        value = node.value
        if not isinstance(value, dict) or any(key in _ITEMS for key in value):
            self._read_list(document, node, path, "", written)
        elif not value:
            document.problem(path, "nothing is said here", "write a text, or take the step out")
        else:
            for language, child in value.items():
                if re.fullmatch(LANGUAGE.pattern, language):
                    self._read_list(document, child, (*path, language), language, written)
                else:
                    hint = f"a language, or one of {', '.join(_ITEMS)}"
                    document.key_problem((*path, language), f"unknown key {language}", hint)
        return written

    def _read_list(self, document: Document, node: Node, path: Path, language: str, written: Written) -> None:
        if isinstance(node.value, list):
            nodes = [(child, (*path, index)) for index, child in enumerate(node.value)]
        else:
            nodes = [(node, path)]
        if not nodes:
            document.problem(path, "nothing is said here", "write a text, or take the step out")
        utterances = [self._item(document, child, place, language, written) for child, place in nodes]
        if any(len(u) == 1 and isinstance(u[0], Spoken) for u in utterances):
            utterances = [tuple(part for utterance in utterances for part in utterance)]
        written.by_language[language] = tuple(utterances)

    def _item(self, document: Document, node: Node, path: Path, language: str, written: Written) -> Utterance:
        kind = self.bare
        if isinstance(node.value, dict):
            if len(node.value) != 1 or next(iter(node.value)) not in _ITEMS:
                document.problem(path, "expected one of " + ", ".join(_ITEMS), "e.g. sound: queue-thankyou")
                return ()
            kind, node = next(iter(node.value.items()))
            path = (*path, kind)
        word = _ITEMS[kind].read(document, node, path)
        if not word:
            return ()
        if kind in _RECORDED:
            spoken = Spoken(word, kind, recorded=self.bare == "sound")
            written.spoken.append((spoken, path))
            return (spoken,)
        if kind == "text":
            written.texts.setdefault(language, path)
            return self._sentence(document, word, path, written)
        if kind == "file":
            written.files.append((word, path))
        return (Fixed(kind, word),)

    @staticmethod
    def _sentence(document: Document, text: str, path: Path, written: Written) -> Utterance:
        try:
            parts = parse_template(text)
        except TemplateError as error:
            document.problem(path, error.text, error.hint, offset=error.offset)
            return ()
        utterance: list[Fixed | Spoken] = []
        for part in parts:
            if isinstance(part, Spoken):
                written.spoken.append((part, path))
                utterance.append(part)
            elif any(c.isalnum() for c in part):  # punctuation after a value is not spoken
                utterance.append(Fixed("text", " ".join(part.split()).lstrip(",.;: ")))
        return tuple(utterance)

    def blank(self) -> Written:
        return Written()

    def schema(self) -> Schema:
        return {"$ref": "#/definitions/content"}

    @staticmethod
    def definition() -> Schema:
        """What `#/definitions/content` of a schema has to be."""
        item = {
            "anyOf": [
                {"type": "string"},
                *(
                    {
                        "type": "object",
                        "properties": {kind: {"type": "string", "description": shape.what}},
                        "required": [kind],
                        "additionalProperties": False,
                    }
                    for kind, shape in _ITEMS.items()
                ),
            ]
        }
        listed = {"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]}
        languages = {
            "type": "object",
            "patternProperties": {f"^{LANGUAGE.pattern}$": listed},
            "additionalProperties": False,
            "minProperties": 1,
        }
        return {"anyOf": [*listed["anyOf"], languages]}
