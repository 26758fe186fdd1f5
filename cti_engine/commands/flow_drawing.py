"""A flow as a graph for people: nodes by verb, edges by the ways out of each step, as DOT text or plain data.

The flows that it runs are drawn beside it, each in a frame of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from textwrap import wrap

from cti_engine.core.expressions.values import print_duration
from cti_engine.core.ivr.flow import (
    AskCallback,
    Branch,
    Content,
    EndCall,
    EnterQueue,
    Fixed,
    Flow,
    Gather,
    GoToFlow,
    LeaveMessage,
    LookUpService,
    Menu,
    OpenQuestion,
    Question,
    Record,
    Return,
    RunFlow,
    Say,
    Send,
    SetLanguage,
    SetValues,
    Step,
    Survey,
    Template,
    Transfer,
    Wait,
)
from cti_engine.core.ivr.flow_graph import flow_and_run, ways
from cti_engine.core.ivr.phrases import YES, YES_KEY
from cti_engine.simulation.flow_tests import Coverage

WIDTH, LINES = 34, 3
"""Characters and lines of what a node shows of its step."""
GREEN, RED, GREY = "#2e7d32", "#c62828", "#607080"
FILLS = {
    **dict.fromkeys(("say", "play", "wait"), "#e3f2fd"),
    **dict.fromkeys(("menu", "gather", "listen", "confirm", "survey"), "#fff3cd"),
    **dict.fromkeys(("branch", "hours", "set", "language"), "#f3f4f6"),
    **dict.fromkeys(("look_up", "send", "run", "callback", "transfer"), "#ede7f6"),
    **dict.fromkeys(("enqueue", "voicemail"), "#e0f2e9"),
    "record": "#fce4ec",
    **dict.fromkeys(("hang_up", "return"), "#eceff1"),
}
_SHAPES = {
    **dict.fromkeys(("branch", "hours"), "hexagon"),
    **dict.fromkeys(("enqueue", "voicemail"), "cylinder"),
    "run": "component",
    "transfer": "cds",
    **dict.fromkeys(("hang_up", "return"), "oval"),
}
_HEAD = """digraph {name} {{
  graph [rankdir=TB, compound=true, fontname="Helvetica,Arial,sans-serif", fontsize=13,
         nodesep=0.35, ranksep=0.5, pad=0.2];
  node [fontname="Helvetica,Arial,sans-serif", fontsize=11, shape=box, style="filled,rounded", penwidth=1.2,
        margin="0.16,0.09"];
  edge [fontname="Helvetica,Arial,sans-serif", fontsize=10, arrowsize=0.7, penwidth=1.2];
"""


@dataclass(frozen=True, slots=True)
class Edge:
    """`label` says the `way` to people. `tried` None: nobody has asked."""

    step: str
    way: str
    label: str
    to: str
    tried: bool | None


@dataclass(frozen=True, slots=True)
class Drawn:
    """One step; `about` is what it says or does, in one line."""

    name: str
    verb: str
    about: str
    tried: bool | None


@dataclass(frozen=True, slots=True)
class Picture:
    """The flow and, after it, all that it runs."""

    flows: tuple[Flow, ...]
    coverage: Mapping[str, Coverage] | None

    def steps(self, flow: Flow) -> Iterator[Drawn]:
        covered = self.coverage and self.coverage[flow.id]
        for name, step in flow.steps.items():
            tried = name not in covered.steps_left if covered else None
            yield Drawn(name, verb_of(step), _about(step, flow.languages[0]), tried)

    def edges(self, flow: Flow) -> Iterator[Edge]:
        covered = self.coverage and self.coverage[flow.id]
        for name, step in flow.steps.items():
            for way, target in ways(step):
                tried = (flow.id, name, way) not in covered.left if covered else None
                yield Edge(name, way, _label(step, way, flow.languages[0]), target, tried)


def picture_of(flow: Flow, flows: Mapping[str, Flow], coverage: Mapping[str, Coverage] | None) -> Picture:
    return Picture(tuple(flow_and_run(flow, flows)), coverage)


def as_plain(picture: Picture) -> list[dict[str, object]]:
    return [
        {
            "flow": flow.id,
            "start": flow.start,
            "steps": [
                {"name": each.name, "verb": each.verb, "about": each.about, "tried": each.tried}
                for each in picture.steps(flow)
            ],
            "ways": [
                {"step": each.step, "way": each.way, "label": each.label, "to": each.to, "tried": each.tried}
                for each in picture.edges(flow)
            ],
        }
        for flow in picture.flows
    ]


# --- DOT --------------------------------------------------------------------------------------


def as_dot(picture: Picture) -> str:
    outer = picture.flows[0]
    lines = [_HEAD.format(name=_quoted(outer.id))]
    for number, flow in enumerate(picture.flows):
        lines.append(f"  subgraph {_quoted(f'cluster_{number}')} {{")
        lines.append(
            f'    label={_quoted(_title(picture, flow))}; labeljust=l; color="{"#ffffff" if not number else GREY}";'
        )
        lines.append(f'    style="{"solid" if not number else "dashed,rounded"}";')
        lines.append(f'    {_node(flow, "")} [label="", shape=circle, width=0.16, fillcolor="{GREY}"];')
        lines += [f"    {line}" for line in _flow_lines(picture, flow)]
        lines.append("  }")
    for flow in picture.flows:
        for name, step in flow.steps.items():
            if isinstance(step, RunFlow):
                number = [each.id for each in picture.flows].index(step.flow)
                inner = picture.flows[number]
                frame = f', lhead="cluster_{number}"' if inner is not flow else ""
                lines.append(
                    f"  {_node(flow, name)} -> {_node(inner, inner.start)} "
                    f'[style=dashed, color="{GREY}", constraint=false{frame}];'
                )
    return "\n".join([*lines, "}", ""])


def _title(picture: Picture, flow: Flow) -> str:
    return flow.id + (f", {picture.coverage[flow.id].share:.0%} tried" if picture.coverage else "")


def _flow_lines(picture: Picture, flow: Flow) -> Iterator[str]:
    yield f'{_node(flow, "")} -> {_node(flow, flow.start)} [color="{GREY}"];'
    for each in picture.steps(flow):
        color = GREY if each.tried is None else GREEN if each.tried else RED
        shape = _SHAPES.get(each.verb, "box")
        style = "filled,rounded" if shape == "box" else "filled"
        yield (
            f'{_node(flow, each.name)} [label={_html(each)}, shape={shape}, style="{style}", '
            f'color="{color}", penwidth={_width(each.tried)}, fillcolor="{FILLS[each.verb]}", '
            f"tooltip={_quoted(each.about)}];"
        )
    together: dict[tuple[str, str, bool | None], list[str]] = {}
    for edge in picture.edges(flow):
        together.setdefault((edge.step, edge.to, edge.tried), []).append(edge.label)
    for (step, target, tried), labels in together.items():
        color = GREY if tried is None else GREEN if tried else RED
        label = "\n".join(f" {each} " for each in labels if each)
        aside = all(each in ("no input", "no match") for each in labels)
        dashed = ", style=dashed" if aside else ""
        yield (
            f'{_node(flow, step)} -> {_node(flow, target)} [label={_quoted(label)}, color="{color}", '
            f'fontcolor="{color}", penwidth={_width(tried)}{dashed}];'
        )


def _width(tried: bool | None) -> float:
    """What nobody has tried is seen without colours too."""
    return 2.4 if tried is False else 1.2


def _node(flow: Flow, step: str) -> str:
    return _quoted(f"{flow.id}.{step}")


def _quoted(text: str) -> str:
    """A DOT string; its lines are kept."""
    lines = (_printable(line).replace("\\", "\\\\").replace('"', '\\"') for line in text.split("\n"))
    return '"' + "\\n".join(lines) + '"'


def _html(step: Drawn) -> str:
    about = wrap(step.about, WIDTH, max_lines=LINES, placeholder=" …")
    rows = [
        f'<tr><td align="left"><b>{_text(step.name)}</b>  '
        f'<font color="{GREY}" point-size="9">{step.verb}</font></td></tr>'
    ]
    rows += [f'<tr><td align="left"><font point-size="10">{_text(line)}</font></td></tr>' for line in about]
    return f'<<table border="0" cellborder="0" cellspacing="0" cellpadding="1">{"".join(rows)}</table>>'


def _text(text: str) -> str:
    return escape(_printable(text))


def _printable(text: str) -> str:
    """As XML can hold it."""
    return "".join(c if c.isprintable() else " " for c in text)


# --- words ------------------------------------------------------------------------------------


def verb_of(step: Step) -> str:
    """As it is written in the file."""
    match step:
        case Say():
            spoken = any(isinstance(part, Fixed) and part.kind == "text" for part in _parts(step.content))
            return "say" if spoken else "play"
        case Survey():
            return "survey"
        case Menu():
            yes = step.choices.get(YES_KEY)
            asks_yes = yes is not None and any(YES.get(key) == words for key, words in yes.words.items())
            return "confirm" if asks_yes else "menu"
        case Branch():
            return "hours" if _calendar(step) else "branch"
        case Gather():
            return "gather"
        case OpenQuestion():
            return "listen"
        case SetValues():
            return "set"
        case EnterQueue():
            return "enqueue"
        case AskCallback():
            return "callback"
        case Transfer() | GoToFlow():
            return "transfer"
        case LookUpService():
            return "look_up"
        case Send():
            return "send"
        case RunFlow():
            return "run"
        case Return():
            return "return"
        case Wait():
            return "wait"
        case SetLanguage():
            return "language"
        case EndCall():
            return "hang_up"
        case Record():
            return "record"
        case LeaveMessage():
            return "voicemail"


def _about(step: Step, language: str) -> str:
    match step:
        case Say():
            return _said(step.content, language)
        case Question():
            into = f" → {step.into}" if isinstance(step, Gather | OpenQuestion | Survey) else ""
            return _said(step.prompt, language) + into
        case Branch():
            return _calendar(step)
        case SetValues():
            attributes = {f"call.{name}": value for name, value in step.attributes.items()}
            return _values({**step.variables, **attributes})
        case EnterQueue():
            treatment = f", with {step.treatment}" if step.treatment else ""
            return f"queue {step.queue}{treatment}"
        case AskCallback():
            return f"queue {step.queue}" if step.queue else ""
        case Transfer():
            whom = f"agent {_written(step.agent)}" if step.agent else f"number {_written(step.number)}"
            return f"{whom}, {print_duration(step.seconds)}"
        case GoToFlow():
            return f"flow {step.flow}"
        case LookUpService():
            return f"service {step.service}" + (f" → {', '.join(step.into)}" if step.into else "")
        case Send():
            return f"message {step.message} {_values(step.data)}".rstrip()
        case RunFlow():
            return f"flow {step.flow} {_values(step.arguments)}".rstrip()
        case Return():
            return _values(step.values)
        case Wait():
            return print_duration(step.seconds)
        case SetLanguage():
            return step.language
        case Record():
            into = f"queue {step.queue}" if step.queue else step.into
            return f"{print_duration(step.longest)} → {into}"
        case EndCall() | LeaveMessage():
            return ""


def _calendar(step: Branch) -> str:
    """Of an `hours` step; empty: it is a branch."""
    names = step.cases[0].when.names_used if step.cases else frozenset()
    return next((name.removeprefix("hours.") for name in names if name.startswith("hours.")), "")


def _parts(content: Content) -> Iterator[object]:
    return (part for utterances in content.values() for utterance in utterances for part in utterance)


def _said(content: Content, language: str) -> str:
    words = []
    for utterance in content.get(language, ()):
        for part in utterance:
            if isinstance(part, Fixed):
                words.append(part.value if part.kind in ("text", "sound") else f"{part.kind} {part.value}")
            else:
                words.append(f"{{{part.name}}}")
    return " ".join(words)


def _values(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} = {_written(value)}" for name, value in values.items())


def _written(value: object) -> str:
    if not isinstance(value, Template):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return "".join(part if isinstance(part, str) else f"{{{part.name}}}" for part in value.parts)


def _label(step: Step, way: str, language: str) -> str:
    """Keys with what the agent reads for them, conditions as written."""
    if way == "next":
        return ""
    if isinstance(step, Menu) and way in step.choices:
        spoken = step.choices[way].words.get(language, ())
        return f"{way} “{spoken[0]}”" if spoken else way
    if isinstance(step, Branch) and way.isdecimal():
        condition = str(step.cases[int(way) - 1].when)
        if _calendar(step):
            return condition.rpartition('== "')[2].rstrip('"')
        return "\n".join(wrap(condition, WIDTH))
    if isinstance(step, Branch) and _calendar(step):
        return "closed"
    return way.replace("_", " ")
