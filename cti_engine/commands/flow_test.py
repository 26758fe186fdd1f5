"""`cti-engine test`: plays the tests that stand beside the flows, and says which ways nobody has tried."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO
from xml.etree import ElementTree

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cti_engine.core.expressions.suggestion import did_you_mean
from cti_engine.core.ivr.flow import Flow
from cti_engine.definitions.flow_test_loader import load_flow_tests
from cti_engine.definitions.library import load_definitions
from cti_engine.definitions.problems import ERROR, Problem
from cti_engine.simulation.flow_rehearsal import Entry
from cti_engine.simulation.flow_tests import Coverage, Result, coverage, run_test

TRANSCRIPT = 30
"""Lines of a failed test's call that are shown, the last ones."""


@dataclass(frozen=True, slots=True)
class Report:
    """`coverage`: of the flows that were asked for."""

    results: tuple[Result, ...]
    coverage: tuple[Coverage, ...]

    @property
    def failed(self) -> int:
        return sum(bool(result.why) for result in self.results)


def run(home: Path, names: Sequence[str]) -> tuple[Report | None, list[Problem]]:
    """`names`: flows or their files; none: all. None when files have errors."""
    definitions, problems = load_definitions(home)
    if definitions is None:
        return None, problems
    flows: Mapping[str, Flow] = definitions.flows
    tests, found = load_flow_tests(home, flows)
    if found:
        return None, found
    chosen_flows = [one_flow(name, flows) for name in names]
    unknown = sorted({problem for _, problems in chosen_flows for problem in problems})
    if unknown:
        return None, unknown
    wanted = {flow.id for flow, _ in chosen_flows if flow is not None}
    chosen = [test for test in tests if not wanted or test.flow in wanted]
    numbers = {number: each.flow for number, each in definitions.dialled_numbers.items()}
    results = tuple(run_test(test, flows, definitions.calendars, numbers) for test in chosen)
    looked_at = sorted(wanted or definitions.written_flows)
    return Report(results, tuple(coverage((flows[name] for name in looked_at), results))), []


def one_flow(name: str, flows: Mapping[str, Flow]) -> tuple[Flow | None, list[Problem]]:
    """By its id or its file."""
    id_ = Path(name).name.split(".")[0]
    if id_ in flows:
        return flows[id_], []
    hint = did_you_mean(id_, flows) or f"there are {', '.join(sorted(flows))}"
    return None, [Problem(f"ivr_flows/{id_}.yaml", 0, 0, "", ERROR, "there is no such flow", hint)]


def show(report: Report, console: Console) -> None:
    for result in report.results:
        if result.why:
            _show_failed(result, console)
    table = Table(box=SIMPLE_HEAD, header_style="bold")
    for name in ("flow", "tests", "ways tried", "not tried"):
        table.add_column(
            name, justify="right" if name in ("tests", "ways tried") else "left", overflow="fold"
        )
    for each in report.coverage:
        tests = sum(result.test.flow == each.flow for result in report.results)
        left = [f"{step} {way}" for _, step, way in each.left] + [f"step {name}" for name in each.steps_left]
        table.add_row(each.flow, str(tests), f"{each.share:.0%}", escape(", ".join(left)))
    console.print(table)
    passed = len(report.results) - report.failed
    color = "red" if report.failed else "green"
    console.print(f"[{color}]{passed} passed, {report.failed} failed[/]")


def _show_failed(result: Result, console: Console) -> None:
    where = f"{result.test.file}:{result.line}"
    console.print(f"[bold red]{where}[/] {escape(result.test.name)}: {escape(result.why)}")
    for entry in result.transcript[-TRANSCRIPT:]:
        console.print(f"  {line_of(entry)}", style="dim", markup=False)


def line_of(entry: Entry) -> str:
    minutes, seconds = divmod(entry.at, 60)
    return f"{int(minutes):02}:{seconds:04.1f}  {entry.who + ' ' + entry.language:9} {entry.text}"


def write_json(report: Report, to: TextIO) -> None:
    found = {
        "tests": [
            {
                "file": result.test.file,
                "flow": result.test.flow,
                "name": result.test.name,
                "passed": not result.why,
                "line": result.line,
                "why": result.why,
                "seconds": round(result.seconds, 3),
            }
            for result in report.results
        ],
        "coverage": [
            {
                "flow": each.flow,
                "share": round(each.share, 4),
                "ways_left": [{"step": step, "way": way} for _, step, way in each.left],
                "steps_left": list(each.steps_left),
            }
            for each in report.coverage
        ],
    }
    json.dump(found, to, ensure_ascii=False, indent=1)
    to.write("\n")


def write_junit(report: Report, file: Path) -> None:
    """As continuous integration reads it. Raises OSError."""
    suites = ElementTree.Element("testsuites")
    for flow in sorted({result.test.flow for result in report.results}):
        results = [result for result in report.results if result.test.flow == flow]
        failures = str(sum(bool(result.why) for result in results))
        suite = ElementTree.SubElement(
            suites, "testsuite", name=flow, tests=str(len(results)), failures=failures
        )
        for result in results:
            case = ElementTree.SubElement(
                suite, "testcase", classname=flow, name=result.test.name, time=f"{result.seconds:.3f}"
            )
            if result.why:
                fault = ElementTree.SubElement(
                    case, "failure", message=f"{result.test.file}:{result.line}: {result.why}"
                )
                fault.text = "\n".join(line_of(entry) for entry in result.transcript)
    ElementTree.ElementTree(suites).write(file, encoding="utf-8", xml_declaration=True)
