"""From a flow file to a `Flow`: defaults handed down, names and targets checked, every problem told.

Two passes: `read_flow` for each file, so that all call attributes that flows set are known, then `build_flow`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from cti_engine.core.expressions.check import read_condition
from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.suggestion import did_you_mean
from cti_engine.core.expressions.syntax import Literal
from cti_engine.core.expressions.values import BOOLEAN, TEXT, UNKNOWN, Scope, Type
from cti_engine.core.ivr import flow as core
from cti_engine.core.ivr.names import FLOW_NAMES, SHORT_NAMES
from cti_engine.core.ivr.phrases import DID_YOU_SAY, NO, NO_KEY, OPERATOR, YES, YES_KEY, Words
from cti_engine.definitions import value_forms
from cti_engine.definitions.flow_keys import FLOW, WrittenStep
from cti_engine.definitions.problems import Path
from cti_engine.definitions.texts import TemplateError, Written, parse_template
from cti_engine.definitions.yaml_source import Document

NEVER = Condition(Literal(False, BOOLEAN))  # in the place of a condition that could not be read


@dataclass(slots=True)
class FlowSource:
    """A flow file after the first pass. `version` is the hash of its content."""

    id: str
    version: str
    document: Document
    written: dict[str, Any]
    variables: dict[str, Type] = field(default_factory=dict)
    files: list[tuple[str, Path]] = field(default_factory=list)  # WAV files that it plays, and where

    def steps(self) -> Iterator[tuple[str, WrittenStep]]:
        yield from self.written["steps"].items()

    def runs(self) -> set[str]:
        """The flows that it runs."""
        return {step.value["flow"] for _, step in self.steps() if step.verb == "run"}


def read_flow(document: Document, content: bytes) -> FlowSource:
    """The shapes of everything; names are not looked up yet."""
    written = FLOW.read(document, document.root, ())
    source = FlowSource(written["flow"], hashlib.sha256(content).hexdigest()[:12], document, written)
    stem = PurePath(document.file).stem
    if source.id and source.id != stem:
        document.problem(
            ("flow",), f"the flow is {source.id}, the file is {stem}.yaml", f"write flow: {stem}"
        )
    source.id = stem
    return source


def attribute_types(sources: Iterable[FlowSource], declared: Scope) -> dict[str, Type]:
    """Types of all names but variables: `declared` ones and call attributes that flows set.

    Finds each flow's variables on the way. Setting one name to two types is a problem.
    """
    scope = {**FLOW_NAMES, **declared}
    for source in sources:
        for name, value in source.written["variables"].items():
            source.variables[name] = value.type
        for path, name, value in _settings(source):
            types = scope if name.startswith("call.") else source.variables
            found = _type_of(value, scope, source.variables)
            known = types.setdefault(name, found)
            if known != found and UNKNOWN not in (known, found):
                source.document.problem(path, f"{name} is a {known} elsewhere, a {found} here")
    return scope


def _settings(source: FlowSource) -> Iterator[tuple[Path, str, Literal]]:
    for step_name, step in source.steps():
        path: Path = ("steps", step_name, step.verb)
        if step.verb == "set":
            for name, value in step.value.items():
                yield (*path, name), name, value
        elif step.verb == "enqueue":
            for name, value in step.value["attributes"].items():
                yield (*path, "attributes", name), f"call.{name}", value
        elif step.verb in ("gather", "listen") and step.value["into"]:
            yield (*path, "into"), step.value["into"], Literal("", TEXT)


def _type_of(value: Literal, scope: Scope, variables: Scope) -> Type:
    """A lone `{name}` has the type of the name; any other text is a text."""
    if value.type == TEXT:
        try:
            parts = parse_template(str(value.value))
        except TemplateError:
            return TEXT  # told where it is built
        if len(parts) == 1 and isinstance(parts[0], core.Spoken):
            name = parts[0].name
            return variables.get(name) or scope.get(SHORT_NAMES.get(name, name)) or TEXT
    return value.type


def build_flow(source: FlowSource, scope: Scope, flows: Mapping[str, FlowSource] | None = None) -> core.Flow:
    """Always a Flow; it may be used only when its document has no errors. `flows`: all of them, for `run`."""
    return _FlowBuilder(source, scope, flows or {source.id: source}).flow()


def version_of(source: FlowSource, flows: Mapping[str, FlowSource]) -> str:
    """Of the flow with all that it runs: a change in one of those is a change of this one too."""
    reached: dict[str, str] = {}
    waiting = [source]
    while waiting:
        each = waiting.pop()
        if each.id not in reached:
            reached[each.id] = each.version
            waiting += [flows[name] for name in each.runs() if name in flows]
    if len(reached) == 1:
        return source.version
    del reached[source.id]
    together = " ".join([source.version, *(f"{id_}:{reached[id_]}" for id_ in sorted(reached))])
    return hashlib.sha256(together.encode()).hexdigest()[:12]


class _FlowBuilder:
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
        self._build = {
            "say": self._say,
            "play": self._say,
            "menu": self._menu,
            "gather": self._gather,
            "listen": self._listen,
            "confirm": self._confirm,
            "hours": self._hours,
            "look_up": self._look_up,
            "send": self._send,
            "run": self._run,
            "return": self._return,
            "set": self._set,
            "branch": self._branch,
            "enqueue": self._enqueue,
            "wait": self._wait,
            "language": self._language,
        }

    def flow(self) -> core.Flow:
        written = self._written
        self._target(("start",), written["start"])
        for name in ("no_input", "no_match", "operator"):
            self._target(("defaults", name), written["defaults"][name])
        variables = {name: literal.value for name, literal in written["variables"].items()}
        steps = {name: self._step(name, step) for name, step in self._steps.items()}
        return core.Flow(
            self._source.id,
            self._version(self._source),
            self._languages or ("en",),
            written["start"],
            steps,
            variables,
        )

    def _version(self, source: FlowSource) -> str:
        return version_of(source, self._flows)

    def _step(self, name: str, step: WrittenStep) -> core.Step:
        build = self._build.get(step.verb)
        return build(("steps", name), step) if build else core.EndCall()

    def _target(self, path: Path, name: str) -> str:
        if name and name not in self._steps:
            self._document.problem(path, f"there is no step {name}", did_you_mean(name, self._steps))
        return name

    def _next(self, path: Path, step: WrittenStep) -> str:
        if "next" not in self._document.at(path).keys:
            self._document.problem(
                path, "nothing follows: a dead end", "add next: or end the call with hang_up:"
            )
        return self._target((*path, "next"), step.options["next"])

    # --- the verbs -----------------------------------------------------------------------------

    def _say(self, path: Path, step: WrittenStep) -> core.Step:
        barge_in = _first(step.options["barge_in"], self._written["defaults"]["barge_in"], True)
        content = self._content((*path, step.verb), step.value)
        return core.Say(content, self._next(path, step), barge_in)

    # --- questions -----------------------------------------------------------------------------

    def _menu(self, path: Path, step: WrittenStep) -> core.Step:
        menu, inside = step.value, (*path, "menu")
        choices = {
            name: self._choice((*inside, "choices", name), name, choice)
            for name, choice in menu["choices"].items()
        }
        operator = self._written["defaults"]["operator"]
        if operator and "0" not in choices:
            choices["0"] = self._built_in(operator, OPERATOR)
        return core.Menu(choices=choices, **self._asking(path, step))

    def _confirm(self, path: Path, step: WrittenStep) -> core.Step:
        choices = {}
        for key, name, words in ((YES_KEY, "yes", YES), (NO_KEY, "no", NO)):
            target = self._target((*path, "confirm", name), step.value[name])
            choices[key] = self._built_in(target, words)
        return core.Menu(choices=choices, **self._asking(path, step))

    def _gather(self, path: Path, step: WrittenStep) -> core.Step:
        written, inside = step.value, (*path, "gather")
        least, most = (
            _first(written["digits"], written["least"], 1),
            _first(written["digits"], written["most"], 20),
        )
        if written["digits"] is not None and (written["least"] is not None or written["most"] is not None):
            self._document.problem(inside, "digits says it all", "either digits:, or least: and most:")
        elif least > most:
            self._document.problem(inside, f"least {least} is more than most {most}")
        try:
            re.compile(written["pattern"])
        except re.error as error:
            self._document.problem((*inside, "pattern"), f"no regular expression: {error}", '"[0-9]{8}"')
        return core.Gather(
            into=self._variable((*inside, "into"), written["into"]),
            next=self._next(path, step),
            least=least,
            most=most,
            terminator=written["terminator"],
            between=written["between"],
            check=core.DigitCheck(written["luhn"], written["pattern"]),
            sensitive=written["sensitive"],
            **self._asking(path, step),
        )

    def _listen(self, path: Path, step: WrittenStep) -> core.Step:
        return core.OpenQuestion(
            into=self._variable((*path, "listen", "into"), step.value["into"]),
            next=self._next(path, step),
            longest=step.value["longest"],
            **self._asking(path, step),
        )

    def _asking(self, path: Path, step: WrittenStep) -> dict[str, Any]:
        """What all questions have."""
        written, defaults, inside = step.value, self._written["defaults"], (*path, step.verb)
        voice = written.get("voice_prompt")
        return {
            "prompt": self._content((*inside, "prompt"), written["prompt"]),
            "voice_prompt": None if voice is None else self._content((*inside, "voice_prompt"), voice),
            "no_input": self._miss(inside, "no_input"),
            "no_match": self._miss(inside, "no_match"),
            "retries": _first(written["retries"], defaults["retries"], 2),
            "timeout": _first(written["timeout"], defaults["timeout"], 5.0),
            "barge_in": _first(written["barge_in"], defaults["barge_in"], True),
            "no_input_prompt": self._miss_prompt(inside, "no_input_prompt"),
            "no_match_prompt": self._miss_prompt(inside, "no_match_prompt"),
        }

    def _miss(self, path: Path, key: str) -> str:
        question = self._steps[str(path[1])].value
        if question[key]:
            return self._target((*path, key), question[key])
        inherited = str(self._written["defaults"][key])
        if not inherited and key not in self._document.at(path).keys:
            text = f"{key} is missing: where does a caller go after the last try?"
            self._document.problem(path, text, f"add {key}: here or under defaults:")
        return inherited

    def _miss_prompt(self, path: Path, key: str) -> core.Content | None:
        question = self._steps[str(path[1])].value
        if question[key] is not None:
            return self._content((*path, key), question[key])
        inherited = self._written["defaults"][key]
        return None if inherited is None else self._content(("defaults", key), inherited)

    def _choice(self, path: Path, name: str, choice: dict[str, Any]) -> core.Choice:
        words, label = choice["words"], choice["label"]
        for key in ("words", "label"):
            for language in choice[key]:
                self._language_known((*path, key, language), language)
        if name.isidentifier() and not words:
            self._document.problem(
                path, f"nothing leads to {name}: it is no key and has no words", "add words:"
            )
        labels = {
            language: label.get(language) or next(iter(words.get(language, ())), "") or choice["go_to"]
            for language in self._languages
        }
        target = self._target((*path, "go_to"), choice["go_to"])
        return core.Choice(target, labels, words, self._did_you_say(labels, words))

    def _built_in(self, target: str, words: Words) -> core.Choice:
        """A choice with the engine's own words, where it has them."""
        known = {language: words[language] for language in self._languages if language in words}
        labels = {
            language: known[language][0] if language in known else target for language in self._languages
        }
        return core.Choice(target, labels, known)

    @staticmethod
    def _did_you_say(labels: Mapping[str, str], words: Mapping[str, tuple[str, ...]]) -> core.Content:
        return {
            language: ((core.Fixed("text", DID_YOU_SAY[language].format(label)),),)
            for language, label in labels.items()
            if words.get(language) and language in DID_YOU_SAY
        }

    # --- other programs, other flows -----------------------------------------------------------

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

    def _hours(self, path: Path, step: WrittenStep) -> core.Step:
        written, inside = step.value, (*path, "hours")
        name = f"hours.{written['calendar']}"
        if written["calendar"] and name not in self._scope:
            calendars = [each.removeprefix("hours.") for each in self._scope if each.startswith("hours.")]
            text = f"there is no calendar {written['calendar']}"
            self._document.problem((*inside, "calendar"), text, did_you_mean(written["calendar"], calendars))
        targets = {key: self._target((*inside, key), written[key]) for key in ("open", "closed", "holiday")}
        cases = (
            core.Case(_is(name, "open"), targets["open"]),
            core.Case(_is(name, "holiday"), targets["holiday"] or targets["closed"]),
        )
        return core.Branch(cases, targets["closed"])

    def _look_up(self, path: Path, step: WrittenStep) -> core.Step:
        written, inside = step.value, (*path, "look_up")
        for variable in written["into"]:
            self._variable((*inside, "into", variable), variable)
        return core.LookUpService(
            written["service"],
            self._values((*inside, "with"), written["with"], secrets=True),
            written["into"],
            self._next(path, step),
            self._target((*inside, "failed"), written["failed"]),
            written["deadline"],
        )

    def _send(self, path: Path, step: WrittenStep) -> core.Step:
        data = self._values((*path, "send", "data"), step.value["data"])
        return core.Send(step.value["message"], data, self._next(path, step))

    def _run(self, path: Path, step: WrittenStep) -> core.Step:
        written, inside = step.value, (*path, "run")
        other = self._flows.get(written["flow"])
        if other is None:
            if written["flow"]:
                text = f"there is no flow {written['flow']}"
                self._document.problem((*inside, "flow"), text, did_you_mean(written["flow"], self._flows))
        else:
            self._agrees_with(other, inside, written)
        for variable in written["into"]:
            self._variable((*inside, "into", variable), variable)
        return core.RunFlow(
            written["flow"],
            "" if other is None else self._version(other),
            self._values((*inside, "with"), written["with"]),
            written["into"],
            self._next(path, step),
        )

    def _agrees_with(self, other: FlowSource, path: Path, written: dict[str, Any]) -> None:
        """Arguments are variables of the other flow, results are what it returns, and it speaks our languages."""
        for name in written["with"]:
            if name not in other.variables:
                text = f"{other.id} has no variable {name}"
                self._document.key_problem((*path, "with", name), text, did_you_mean(name, other.variables))
        returned = {name for _, step in other.steps() if step.verb == "return" for name in step.value}
        for variable, name in written["into"].items():
            if name and name not in returned:
                text = f"{other.id} returns no {name}"
                self._document.problem((*path, "into", variable), text, did_you_mean(name, returned))
        missing = [each for each in self._languages if each not in other.written["languages"]]
        if missing:
            text = f"{other.id} does not speak {', '.join(missing)}"
            self._document.problem(path, text, f"it speaks {', '.join(other.written['languages'])}")

    def _return(self, path: Path, step: WrittenStep) -> core.Step:
        return core.Return(self._values((*path, "return"), step.value))

    # --- values --------------------------------------------------------------------------------

    def _set(self, path: Path, step: WrittenStep) -> core.Step:
        variables: dict[str, object] = {}
        attributes: dict[str, object] = {}
        for name, literal in step.value.items():
            place = (*path, "set", name)
            value = self._value(place, literal)
            allowed = self._scope[name].choices
            if allowed and isinstance(value, str) and value not in allowed:
                hint = did_you_mean(value, allowed) or f"one of {', '.join(allowed)}"
                self._document.problem(place, f"{name} is never {value}", hint)
            if name == "call.language":
                self._document.key_problem(place, "the language has a verb", "language: es")
            if name.startswith("call."):
                attributes[name.removeprefix("call.")] = value
            else:
                variables[name] = value
        return core.SetValues(variables, attributes, self._next(path, step))

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
                self._document.problem(path, text)
        return core.Template(tuple(self._named(path, part) for part in parts))

    def _branch(self, path: Path, step: WrittenStep) -> core.Step:
        cases: list[core.Case] = []
        otherwise = step.options["next"]
        self._target((*path, "next"), otherwise)
        for index, case in enumerate(step.value):
            place = (*path, "branch", index)
            if case["else"] and (case["when"] or case["go_to"]):
                self._document.problem(place, "else stands alone", "- else: STEP")
            elif case["else"]:
                if index != len(step.value) - 1 or step.options["next"]:
                    self._document.problem(place, "else is not the last way out", "nothing follows an else")
                otherwise = self._target((*place, "else"), case["else"])
            else:
                cases.append(self._case(place, case))
        if not otherwise and "next" not in self._document.at(path).keys:
            self._document.problem(
                path, "nothing follows when no condition holds", "add - else: STEP as the last"
            )
        return core.Branch(tuple(cases), otherwise)

    def _case(self, path: Path, case: dict[str, Any]) -> core.Case:
        written = self._document.at(path).keys
        for key in ("when", "go_to"):
            if written and key not in written and "else" not in written:
                self._document.problem(path, f"{key} is missing", "- {when: CONDITION, go_to: STEP}")
        self._target((*path, "go_to"), case["go_to"])
        condition = self._condition((*path, "when"), case["when"]) if case["when"] else None
        return core.Case(condition or NEVER, case["go_to"])

    def _condition(self, path: Path, text: str) -> Condition | None:
        condition, faults = read_condition(text, self._scope)
        for name in sorted(condition.names_used & self._secret if condition else ()):
            self._document.problem(
                path, f"{name} is sensitive: conditions are logged", "let a service judge it"
            )
        for fault in faults:
            self._document.problem(path, fault.text, fault.hint, offset=fault.column - 1)
        return condition

    def _enqueue(self, path: Path, step: WrittenStep) -> core.Step:
        value = step.value
        attributes = self._values((*path, "enqueue", "attributes"), value["attributes"])
        return core.EnterQueue(value["queue"], value["treatment"] or None, value["priority"], attributes)

    def _wait(self, path: Path, step: WrittenStep) -> core.Step:
        music: core.Utterance = (core.Fixed("music", step.value["music"]),)
        content = dict.fromkeys(self._languages, (music,))
        return core.Wait(content, step.value["for"], self._next(path, step))

    def _language(self, path: Path, step: WrittenStep) -> core.Step:
        self._language_known((*path, "language"), step.value)
        return core.SetLanguage(step.value, self._next(path, step))

    # --- what is said --------------------------------------------------------------------------

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
            self._document.problem(path, f"{spoken.name} is sensitive: it is never said")
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
        form = part.form or value_forms.NATURAL.get(self._scope.get(name, UNKNOWN), "number")
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


def _is(name: str, value: str) -> Condition:
    condition, _ = read_condition(f'{name} == "{value}"', {name: TEXT})
    return condition or NEVER


def _first(*values: Any) -> Any:
    """The first that is written; the last is the engine's own default."""
    return next(value for value in values if value is not None)
