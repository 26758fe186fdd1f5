"""From a flow file to a `Flow`: defaults handed down, names and targets checked, every problem told.

The second pass: `flow_source` has read the shapes, `flow_parts` is what the steps are made of.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cti_engine.core.expressions.check import read_condition
from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.suggestion import closest_or_all, did_you_mean
from cti_engine.core.expressions.syntax import Literal
from cti_engine.core.expressions.values import BOOLEAN, TEXT, Scope
from cti_engine.core.ivr import flow as core
from cti_engine.core.ivr.phrases import (
    AGAIN_KEY,
    KEEP_KEY,
    REVIEW,
)
from cti_engine.core.services import Service
from cti_engine.definitions.flow_keys import WrittenStep
from cti_engine.definitions.flow_parts import first
from cti_engine.definitions.flow_questions import FlowQuestions
from cti_engine.definitions.flow_source import FlowSource
from cti_engine.definitions.look_up_check import LONGEST_LOOK_UP, LookUp
from cti_engine.definitions.problems import Path

_PHONE = re.compile(r"\+?[0-9]{2,15}")
NEVER = Condition(Literal(False, BOOLEAN))  # in the place of a condition that could not be read


def build_flow(
    source: FlowSource,
    scope: Scope,
    flows: Mapping[str, FlowSource] | None = None,
    services: Mapping[str, Service] | None = None,
) -> core.Flow:
    """Always a Flow; it may be used only when its document has no errors. `flows`: all of them, for `run`; `services`
    for `look_up`, None when nobody knows them.
    """
    return _FlowBuilder(source, scope, flows or {source.id: source}, services).flow()


class _FlowBuilder(FlowQuestions):
    def __init__(
        self,
        source: FlowSource,
        scope: Scope,
        flows: Mapping[str, FlowSource],
        services: Mapping[str, Service] | None,
    ) -> None:
        super().__init__(source, scope, flows)
        self._services = services
        self._parts: dict[str, core.Step] = {}
        self._build = {
            "say": self._say,
            "play": self._say,
            "menu": self._menu,
            "gather": self._gather,
            "listen": self._listen,
            "confirm": self._confirm,
            "survey": self._survey,
            "hours": self._hours,
            "look_up": self._look_up,
            "send": self._send,
            "run": self._run,
            "return": self._return,
            "set": self._set,
            "branch": self._branch,
            "record": self._record,
            "voicemail": self._voicemail,
            "enqueue": self._enqueue,
            "callback": self._callback,
            "transfer": self._transfer,
            "wait": self._wait,
            "language": self._language,
        }

    def flow(self) -> core.Flow:
        written = self._written
        self._target(("start",), written["start"])
        for name in ("no_input", "no_match", "operator"):
            self._target(("defaults", name), written["defaults"][name])
        variables = {name: literal.value for name, literal in written["variables"].items()}
        for name, step in self._steps.items():
            self._parts[name] = self._step(name, step)
        return core.Flow(
            self._source.id,
            self._version(self._source),
            self._languages or ("en",),
            written["start"],
            self._parts,
            variables,
        )

    def _step(self, name: str, step: WrittenStep) -> core.Step:
        build = self._build.get(step.verb)
        return build(("steps", name), step) if build else core.EndCall()

    # --- the verbs -----------------------------------------------------------------------------

    def _say(self, path: Path, step: WrittenStep) -> core.Step:
        barge_in = first(step.options["barge_in"], self._written["defaults"]["barge_in"], True)
        content = self._content((*path, step.verb), step.value)
        return core.Say(content, self._next(path, step), barge_in)

    # --- other programs, other flows -----------------------------------------------------------

    def _hours(self, path: Path, step: WrittenStep) -> core.Step:
        written, inside = step.value, (*path, "hours")
        name = f"hours.{written['calendar']}"
        if written["calendar"] and name not in self._scope:
            calendars = [
                each[6:] for each in self._scope if each.startswith("hours.") and each.count(".") == 1
            ]
            text = f"there is no calendar {written['calendar']}"
            self._document.problem(
                (*inside, "calendar"), text, closest_or_all(written["calendar"], calendars)
            )
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
        arguments = self._values((*inside, "with"), written["with"], secrets=True)
        service = None
        if self._services is not None and written["service"]:
            asked = LookUp(self._document, inside, written, arguments, self._scope, self._secret)
            service = asked.check(self._services)
        longest = service.deadline if service is not None else LONGEST_LOOK_UP
        return core.LookUpService(
            written["service"],
            arguments,
            written["into"],
            self._next(path, step),
            self._target((*inside, "failed"), written["failed"]),
            min(first(written["deadline"], longest), longest),
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
                self._document.problem((*inside, "flow"), text, closest_or_all(written["flow"], self._flows))
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
                self._document.key_problem((*path, "with", name), text, closest_or_all(name, other.variables))
        returned = sorted({name for _, step in other.steps() if step.verb == "return" for name in step.value})
        for variable, name in written["into"].items():
            if name and name not in returned:
                text = f"{other.id} returns no {name}"
                self._document.problem((*path, "into", variable), text, closest_or_all(name, returned))
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

    def _enqueue(self, path: Path, step: WrittenStep) -> core.Step:
        value = step.value
        attributes = self._values((*path, "enqueue", "attributes"), value["attributes"])
        return core.EnterQueue(value["queue"], value["treatment"] or None, value["priority"], attributes)

    def _callback(self, path: Path, step: WrittenStep) -> core.Step:
        written, inside = step.value, (*path, "callback")
        return core.AskCallback(
            self._value((*inside, "number"), written["number"]),
            self._next(path, step),
            self._target((*inside, "failed"), written["failed"]),
            written["queue"],
            written["within"],
            written["tries"],
            written["retry_after"],
        )

    def _transfer(self, path: Path, step: WrittenStep) -> core.Step:
        written, inside = step.value, (*path, "transfer")
        there = self._document.at(inside).keys
        targets = [key for key in ("agent", "number", "flow") if key in there]
        ways = {way: self._target((*inside, way), written[way]) for way in ("busy", "no_answer", "failed")}
        if len(targets) != 1:
            text = "a transfer goes one way" if targets else "nothing says where to"
            self._document.problem(inside, text, "write one of agent:, number: and flow:")
        if "flow" in targets:
            for way in [way for way in ways if way in there]:
                text = f"nobody comes back from {written['flow']}"
                self._document.key_problem((*inside, way), text, "leave it out, or use run:")
            return core.GoToFlow(written["flow"])
        if targets and "failed" not in there:
            text = "failed is missing: where does the caller go when it cannot be rung?"
            self._document.problem(inside, text, "add failed: STEP")
        values = {
            key: self._value((*inside, key), Literal(written[key], TEXT)) for key in ("agent", "number")
        }
        number = values["number"]
        if isinstance(number, str) and number and not _PHONE.fullmatch(number):
            text = f"{number} is no number"
            self._document.problem(
                (*inside, "number"), text, 'digits, with + and the country: "+34911234567"'
            )
        music: core.Utterance = (core.Fixed("music", written["music"]),)
        return core.Transfer(
            content=dict.fromkeys(self._languages, (music,)),
            busy=ways["busy"] or ways["failed"],
            no_answer=ways["no_answer"] or ways["failed"],
            failed=ways["failed"],
            trunk=written["trunk"],
            seconds=written["ring"],
            **values,
        )

    def _record(self, path: Path, step: WrittenStep) -> core.Step:
        written, inside = step.value, (*path, "record")
        key = "answer" if written["answer"] else "into"
        if not written[key] and not {"into", "answer"} & set(self._document.at(inside).keys):
            self._document.problem(
                inside, "nothing takes what is recorded", "add into: a variable, or answer: in a survey"
            )
        elif written["into"] and written["answer"]:
            self._document.problem((*inside, "into"), "both into and answer", "answer says it all")
        return core.Record(
            into=self._variable((*inside, key), written[key]),
            answer=bool(written["answer"]),
            beep=written["beep"],
            **self._recording(path, step),
        )

    def _recording(self, path: Path, step: WrittenStep) -> dict[str, Any]:
        written, follows = step.value, self._next(path, step)
        return {
            "next": follows,
            "no_input": self._target((*path, step.verb, "no_input"), written["no_input"]) or follows,
            "longest": written["longest"],
            "end_key": written["end_key"],
            "silence": written["silence"],
        }

    def _voicemail(self, path: Path, step: WrittenStep) -> core.Step:
        """Several steps in one: say, record, ask whether to keep it, leave it."""
        name, written, inside = str(path[1]), step.value, (*path, "voicemail")
        record, review, leave = f"{name}.record", f"{name}.review", f"{name}.leave"
        recording = self._recording(path, step)
        asked = (
            {
                language: ((core.Fixed("text", REVIEW[language]),),)
                for language in self._languages
                if language in REVIEW
            }
            if written["review"] is None
            else self._content((*inside, "review"), written["review"])
        )
        own = {language: language for language in self._languages}
        self._parts[record] = core.Record(
            queue=written["queue"], priority=written["priority"], **{**recording, "next": review}
        )
        self._parts[review] = core.Menu(
            prompt=asked,
            choices={
                KEEP_KEY: core.Choice(leave, dict.fromkeys(own, "keep")),
                AGAIN_KEY: core.Choice(record, dict.fromkeys(own, "again")),
            },
            no_input=leave,
            no_match=leave,
            retries=1,
        )
        self._parts[leave] = core.LeaveMessage(recording["next"])
        prompt = {} if written["prompt"] is None else self._content((*inside, "prompt"), written["prompt"])
        return core.Say(prompt, record)

    def _wait(self, path: Path, step: WrittenStep) -> core.Step:
        music: core.Utterance = (core.Fixed("music", step.value["music"]),)
        content = dict.fromkeys(self._languages, (music,))
        return core.Wait(content, step.value["for"], self._next(path, step))

    def _language(self, path: Path, step: WrittenStep) -> core.Step:
        self._language_known((*path, "language"), step.value)
        return core.SetLanguage(step.value, self._next(path, step))


def _is(name: str, value: str) -> Condition:
    condition, _ = read_condition(f'{name} == "{value}"', {name: TEXT})
    return condition or NEVER
