"""What steps of a flow are made of: targets, values, conditions and what is said, with their names looked up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cti_engine.core.expressions.check import read_condition
from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.suggestion import closest_or_all, did_you_mean
from cti_engine.core.expressions.syntax import Literal
from cti_engine.core.expressions.values import TEXT, UNKNOWN, Scope
from cti_engine.core.ivr import flow as core
from cti_engine.core.ivr.names import SHORT_NAMES
from cti_engine.definitions import value_forms
from cti_engine.definitions.flow_keys import WrittenStep
from cti_engine.definitions.flow_source import FlowSource, version_of
from cti_engine.definitions.problems import Path
from cti_engine.definitions.texts import TemplateError, Written, parse_template


def first(*values: Any) -> Any:
    """The first that is written; the last is the engine's own default."""
    return next(value for value in values if value is not None)


class FlowParts:
    """Of one flow; every problem is told to its document. `flows`: all of them, for what one may run."""

    def __init__(self, source: FlowSource, scope: Scope, flows: Mapping[str, FlowSource]) -> None:
        self._source = source
        self._flows = flows
        self._secret = {
            step.value["into"]
            for _, step in source.steps()
            if step.verb == "gather" and step.value["sensitive"]
        }
        self._document = source.document
        self._written = source.written
        self._languages: tuple[str, ...] = source.written["languages"]
        self._steps: Mapping[str, WrittenStep] = source.written["steps"]
        self._scope = {**scope, **source.variables}

    def _version(self, source: FlowSource) -> str:
        return version_of(source, self._flows)

    def _target(self, path: Path, name: str) -> str:
        if name and name not in self._steps:
            self._document.problem(path, f"there is no step {name}", closest_or_all(name, self._steps))
        return name

    def _next(self, path: Path, step: WrittenStep) -> str:
        if "next" not in self._document.at(path).keys:
            self._document.problem(
                path, "nothing follows: a dead end", "add next: or end the call with hang_up:"
            )
        return self._target((*path, "next"), step.options["next"])

    def _variable(self, path: Path, name: str) -> str:
        """One that is written to: declared by that alone."""
        if name and name not in self._scope:
            self._unknown(path, name)
        return name

    def _values(
        self, path: Path, literals: Mapping[str, Literal], *, secrets: bool = False
    ) -> dict[str, object]:
        return {
            name: self._value((*path, name), literal, secrets=secrets) for name, literal in literals.items()
        }

    def _value(self, path: Path, literal: Literal, *, secrets: bool = False) -> object:
        if literal.type != TEXT or not ("{" in str(literal.value) or "}" in str(literal.value)):
            return literal.value
        try:
            parts = parse_template(str(literal.value))
        except TemplateError as error:
            self._document.problem(path, error.text, error.hint, offset=error.offset)
            return ""
        for part in parts:
            if isinstance(part, core.Spoken) and part.name in self._secret and not secrets:
                text = f"{part.name} is sensitive: it may be given to look_up only"
                self._document.problem(path, text, "leave it out: it would be stored")
        return core.Template(tuple(self._named(path, part) for part in parts))

    def _condition(self, path: Path, text: str) -> Condition | None:
        condition, faults = read_condition(text, self._scope)
        for name in sorted(condition.names_used & self._secret if condition else ()):
            self._document.problem(
                path, f"{name} is sensitive: conditions are logged", "let a service judge it"
            )
        for fault in faults:
            self._document.problem(path, fault.text, fault.hint, offset=fault.column - 1)
        return condition

    def _content(self, path: Path, written: Written) -> core.Content:
        everywhere = written.by_language.get("")
        self._source.files += written.files
        for name, place in written.spoken:
            self._speakable(place, name)
        if everywhere is None:
            for language in self._languages:
                if written.by_language and language not in written.by_language:
                    self._document.problem(path, f"nothing is said in {language}", f"add {language}: ...")
            for language in written.by_language:
                self._language_known((*path, language), language)
        elif "" in written.texts and len(self._languages) > 1:
            example = ", ".join(f"{language}: ..." for language in self._languages)
            self._document.problem(
                written.texts[""], "a text has to say its language", f"write {{{example}}}"
            )
        return {
            language: tuple(
                tuple(self._spoken(part) for part in utterance)
                for utterance in (everywhere or written.by_language.get(language, ()))
            )
            for language in self._languages
        }

    def _language_known(self, path: Path, language: str) -> None:
        if language and self._languages and language not in self._languages:
            text = f"{language} is not a language of this flow"
            self._document.key_problem(path, text, f"languages: [{', '.join(self._languages)}]")

    def _speakable(self, path: Path, spoken: core.Spoken) -> None:
        """Told at the text that names it."""
        found = self._scope.get(self._full_name(spoken.name))
        if spoken.name in self._secret:
            self._document.problem(
                path, f"{spoken.name} is sensitive: it is never said", "leave it out of the text"
            )
        elif found is None:
            self._unknown(path, spoken.name)
        elif found != UNKNOWN:  # then its declaration is wrong, which has been told
            languages = [each for each in self._languages if each in path[2:]] or self._languages
            for text, hint in value_forms.faults(spoken, found, languages, self._written["currency"]):
                self._document.problem(path, text, hint)

    def _spoken(self, part: core.Fixed | core.Spoken) -> core.Fixed | core.Spoken:
        if isinstance(part, core.Fixed):
            return part
        name = self._full_name(part.name)
        form = part.form or value_forms.natural(name, self._scope.get(name, UNKNOWN)) or "number"
        currency = part.currency or self._written["currency"] if form == "money" else ""
        return core.Spoken(name, form, part.recorded, currency)

    def _named(self, path: Path, part: str | core.Spoken) -> str | core.Spoken:
        if isinstance(part, str):
            return part
        name = self._full_name(part.name)
        if part.form:
            self._document.problem(path, f"{part.form} is for what is spoken", f"write {{{part.name}}}")
        if name not in self._scope:
            self._unknown(path, part.name)
        return core.Spoken(name, "")

    def _full_name(self, name: str) -> str:
        return name if name in self._source.variables else SHORT_NAMES.get(name, name)

    def _unknown(self, path: Path, name: str) -> None:
        hint = did_you_mean(name, [*self._scope, *SHORT_NAMES])
        text = f"{{{name}}}: there is no such variable or name"
        self._document.problem(path, text, hint or "declare it under variables:")
