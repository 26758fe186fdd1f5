"""`cti-engine guide`: the guides of agents, listed, shown, walked through in the terminal, and drawn."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from cti_engine.commands import graph
from cti_engine.commands.flow_drawing import Edge, Picture
from cti_engine.core.customers.guides import Guide, GuideStep, fits, view
from cti_engine.core.expressions.suggestion import closest_or_all
from cti_engine.core.ivr.flow import Choice, Content, EndCall, Fixed, Flow, Gather, Menu, Question, Say, Step
from cti_engine.definitions.library import load_definitions
from cti_engine.definitions.report import as_text

OK, PROBLEMS, USAGE, ENVIRONMENT = 0, 1, 2, 3
END = "end"


def run(options: Namespace, home: Path, console: Console) -> int:
    """The exit code."""
    definitions, problems = load_definitions(home)
    if definitions is None:
        print(as_text(problems), file=sys.stderr)
        return PROBLEMS
    guides = definitions.guides
    if options.todo == "list":
        return _list(guides, console, as_json=options.json)
    guide = guides.get(options.guide)
    if guide is None:
        hint = closest_or_all(options.guide, guides) if guides else "there are none in guides/"
        print(f"there is no guide {options.guide} ({hint})", file=sys.stderr)
        return USAGE
    language = getattr(options, "language", "") or guide.languages[0]
    if language not in guide.languages:
        print(f"{guide.id} speaks {', '.join(guide.languages)}", file=sys.stderr)
        return USAGE
    if options.todo == "show":
        return _show(guide, language, console, as_json=options.json)
    if options.todo == "graph":
        return _draw(guide, language, options.out, console)
    return preview(guide, language, console, input)


def _list(guides: Mapping[str, Guide], console: Console, *, as_json: bool) -> int:
    rows = [
        {
            "guide": guide.id,
            "name": dict(guide.name),
            "when": str(guide.when) if guide.when is not None else "",
            "priority": guide.priority,
            "steps": len(guide.steps),
            "languages": list(guide.languages),
        }
        for guide in sorted(guides.values(), key=lambda guide: (-guide.priority, guide.id))
    ]
    if as_json:
        return _write(rows)
    table = Table(header_style="bold", box=SIMPLE_HEAD)
    for name in ("guide", "when", "priority", "steps", "languages"):
        table.add_column(name, justify="right" if name in ("priority", "steps") else "left")
    for guide, row in zip(sorted(guides.values(), key=lambda g: (-g.priority, g.id)), rows, strict=True):
        when = str(row["when"] or "all calls")
        table.add_row(guide.id, when, str(guide.priority), str(len(guide.steps)), " ".join(guide.languages))
    console.print(table)
    return OK


def _show(guide: Guide, language: str, console: Console, *, as_json: bool) -> int:
    if as_json:
        return _write(view(guide, language, {}))
    table = Table(title=f"{guide.id}: {guide.name[language]}", header_style="bold", box=SIMPLE_HEAD)
    for name in ("step", "do", "say", "ask", "then"):
        table.add_column(name)
    for name, step in guide.steps.items():
        asked = guide.fields[step.about].label[language] if step.about else ""
        table.add_row(
            name, step.do.get(language, ""), step.say.get(language, ""), asked, _then(step, language)
        )
    console.print(table)
    return OK


def _then(step: GuideStep, language: str) -> str:
    if step.choices:
        return "\n".join(f"{c.label[language]} → {c.go_to or END}" for c in step.choices.values())
    return step.next or END


def preview(guide: Guide, language: str, console: Console, read: Callable[[str], str]) -> int:
    """Step by step as the agent sees it; an empty line goes on, a number or a value answers. Ends with the guide."""
    name, kept = guide.start, dict[str, str]()
    while name:
        step = guide.steps[name]
        console.print(f"[bold]{name}[/bold]")
        for sign, texts in (("do ", step.do), ("say", step.say)):
            if texts:
                console.print(f"  {sign}  {texts[language]}", markup=False, highlight=False)
        values = list(step.choices)
        for number, value in enumerate(values, start=1):
            console.print(f"  {number}  {step.choices[value].label[language]}", markup=False, highlight=False)
        prompt = f"  {guide.fields[step.about].label[language]}: " if step.about else "  Enter: next "
        try:
            given = read(prompt).strip()
        except EOFError:
            return OK
        if given.isdecimal() and 0 < int(given) <= len(values):
            given = values[int(given) - 1]
        if given and step.about and not fits(step, given):
            console.print(f"  {given!r} is no answer to that", markup=False)
            continue
        if given and step.about:
            kept[step.about] = given
        if not given and step.choices and not step.next:
            console.print("  only an answer leads on from here", markup=False)
            continue
        name = step.choices[given].go_to if given in step.choices else step.next
    for field, answer in kept.items():
        about = guide.fields[field]
        console.print(f"{about.label[language]} = {answer}  ({about.into})", markup=False, highlight=False)
    return OK


def _draw(guide: Guide, language: str, out: Path | None, console: Console) -> int:
    if out is not None and out.suffix not in graph.FORMATS:
        print(f"{out}: the name has to end in {', '.join(graph.FORMATS)}", file=sys.stderr)
        return USAGE
    file = out or Path(f"{guide.id}.svg")
    try:
        graph.draw(_Drawn((as_flow(guide, language),), None), file)
    except (graph.CannotDraw, OSError) as error:
        print(error, file=sys.stderr)
        return ENVIRONMENT
    console.print(str(file), markup=False, highlight=False)
    return OK


class _Drawn(Picture):
    """Agents are never misunderstood; they go on without an answer only where the step has a next."""

    def edges(self, flow: Flow) -> Iterator[Edge]:
        for edge in super().edges(flow):
            step = flow.steps[edge.step]
            skips = isinstance(step, Question) and step.retries > 0
            if edge.way != "no_match" and (edge.way != "no_input" or skips):
                yield edge


def as_flow(guide: Guide, language: str) -> Flow:
    """The guide as if callers heard it, for whoever draws flows."""
    steps: dict[str, Step] = {}
    for name, step in guide.steps.items():
        text = step.say.get(language) or step.do.get(language, "")
        content: Content = {language: ((Fixed("text", text),),)} if text else {}
        target = step.next or END
        if step.choices:
            choices = {
                value: Choice(choice.go_to or END, choice.label, {language: (choice.label[language],)})
                for value, choice in step.choices.items()
            }
            steps[name] = Menu(
                prompt=content,
                choices=choices,
                no_input=target,
                no_match=target,
                retries=int(bool(step.next)),
            )
        elif step.about:
            label = guide.fields[step.about].label[language]
            steps[name] = Gather(
                prompt=content, into=label, next=target, no_input=target, no_match=target, retries=0
            )
        else:
            steps[name] = Say(content, target)
    steps.setdefault(END, EndCall())
    return Flow(guide.id, "", (language,), guide.start, steps)


def _write(found: Any) -> int:
    json.dump(found, sys.stdout, ensure_ascii=False, indent=1)
    sys.stdout.write("\n")
    return OK
