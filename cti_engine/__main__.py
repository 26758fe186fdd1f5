"""The command line: `cti-engine COMMAND`. Exit codes: 0 ok, 1 problems, 2 usage, 3 environment."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from cti_engine.commands.arguments import command_parser
from cti_engine.core.definitions import CenterDefinitions
from cti_engine.definitions.report import as_text
from cti_engine.definitions.settings import OVERRIDES, Settings, load_settings
from cti_engine.ports import Store, StoreTaken, StoreUnavailable

OK, PROBLEMS, USAGE, ENVIRONMENT = 0, 1, 2, 3


def _settings(options: argparse.Namespace) -> Settings:
    """Raises SystemExit with the problems on the terminal."""
    given: dict[str, object] = {name: getattr(options, f"set_{name}", None) for name in OVERRIDES}
    given |= {"home": options.home, "var": options.var}
    if getattr(options, "lan", False):
        from cti_engine.commands.lan import default_route_address

        given["bind"] = given["bind"] or default_route_address()
    settings, problems = load_settings(None, os.environ, given)
    if problems:
        print(as_text(problems), file=sys.stderr)
    if settings is None:
        raise SystemExit(PROBLEMS)
    return settings


def _home(options: argparse.Namespace) -> Path:
    """Where the files are, whatever the settings say."""
    return Path(options.home or os.environ.get("CTI_HOME") or ".").resolve()


def _definitions(settings: Settings) -> CenterDefinitions:
    """The admin's files. Raises SystemExit with the problems on the terminal when they have errors."""
    from cti_engine.definitions.library import load_definitions

    definitions, problems = load_definitions(settings.home)
    if definitions is None:
        print(as_text(problems), file=sys.stderr)
        raise SystemExit(PROBLEMS)
    return definitions


def _stored(settings: Settings, state: Path | None = None) -> closing[Store]:
    """The store to read, or the file `state` in its place; closed at the end of a `with`."""
    from cti_engine.runtime.stores import open_store

    url = settings.store_url if state is None else f"sqlite:{state}"
    return closing(open_store(url, read_only=True, folder=settings.var))


def _told(report: Any, found: Any, options: argparse.Namespace, console: Console) -> int:
    """`report` is a module of commands: it shows what was found, or writes it as JSON."""
    if options.json:
        report.write_json(found, sys.stdout)
    else:
        report.show(found, console)
    return OK


def _run(options: argparse.Namespace, console: Console) -> int:
    from cti_engine.commands.run_center import run

    settings = _settings(options)
    if not options.demo:
        return run(settings, console)
    from cti_engine.runtime.demo.beside import start_beside

    with start_beside(settings.var) as start:
        return run(settings, console, start)


def _demo(options: argparse.Namespace, console: Console) -> int:
    from cti_engine.runtime.demo import run_demo
    from cti_engine.runtime.places import Places

    run_json = Places(_settings(options).var).run_json
    if not run_json.exists():
        console.print(f"No center runs here (no {run_json}): start one with cti-engine run.", markup=False)
        return ENVIRONMENT
    return run_demo(run_json, options.calls_per_minute, options.seed, options.minutes)


def _demo_services(options: argparse.Namespace, console: Console) -> int:
    from cti_engine.runtime.demo.services import run_services

    return run_services(_settings(options).home, options.port, console)


def _doctor(options: argparse.Namespace, console: Console) -> int:
    from cti_engine.runtime.doctor import doctor

    return doctor(_settings(options), console, as_json=options.json)


def _check(options: argparse.Namespace, console: Console) -> int:
    from cti_engine.commands import check
    from cti_engine.definitions.library import load_definitions
    from cti_engine.runtime.word_judge import InstalledWords

    settings, problems = load_settings(None, os.environ, {"home": options.home, "var": options.var})
    home = settings.home if settings else _home(options)
    definitions, more = load_definitions(home, review=True, words=InstalledWords(settings))
    found = [*problems, *(p for p in more if p not in problems)]
    if options.json:
        check.write_json(found, definitions, sys.stdout)
    else:
        check.show(found, definitions, console)
    return OK if settings is not None and definitions is not None else PROBLEMS


def _prompts(options: argparse.Namespace, console: Console) -> int:
    from cti_engine.commands import prompts

    try:
        settings = _settings(options)
        if options.what == "say":
            return prompts.say(options.text, options.language, options.out, settings, console)
        definitions = _definitions(settings)
        if options.what == "build":
            found = prompts.build(settings, definitions, Console(stderr=True))
        else:
            found = prompts.inventory(settings, definitions)
    except OSError as error:
        print(error, file=sys.stderr)
        return ENVIRONMENT
    _told(prompts, found, options, console)
    return OK if found.complete else PROBLEMS


def _cdr(options: argparse.Namespace, console: Console) -> int:
    from cti_engine.adapters.log_reading import all_records
    from cti_engine.commands import cdr_report

    with _stored(_settings(options)) as store:
        rows = list(all_records(store, options.since, options.until))
    rows = rows[-options.last :] if options.last else rows
    if options.csv is None:
        return _told(cdr_report, rows, options, console)
    if str(options.csv) == "-":
        cdr_report.write_csv(rows, sys.stdout)
    else:
        console.print(f"{cdr_report.export(rows, options.csv)} records in {options.csv}", markup=False)
    return OK


def _test(options: argparse.Namespace, console: Console) -> int:
    from cti_engine.commands import flow_test

    report, problems = flow_test.run(_home(options), options.flows)
    if report is None:
        print(as_text(problems))
        return PROBLEMS
    if options.junit:
        flow_test.write_junit(report, options.junit)
    if options.json:
        flow_test.write_json(report, sys.stdout)
    else:
        flow_test.show(report, console)
    least = (options.coverage_below or 0.0) / 100
    return PROBLEMS if report.failed or any(each.share < least for each in report.coverage) else OK


def _graph(options: argparse.Namespace, console: Console) -> int:
    from cti_engine.commands import graph

    if options.out is not None and options.out.suffix not in graph.FORMATS:
        print(f"{options.out}: the name has to end in {', '.join(graph.FORMATS)}", file=sys.stderr)
        return USAGE
    picture, problems = graph.load(_home(options), options.flow, with_coverage=options.coverage)
    if picture is None:
        print(as_text(problems), file=sys.stderr)
        return PROBLEMS
    if options.json:
        graph.write_json(picture, sys.stdout)
        return OK
    file = options.out or Path(f"{picture.flows[0].id}.svg")
    try:
        graph.draw(picture, file)
    except (graph.CannotDraw, OSError) as error:
        print(error, file=sys.stderr)
        return ENVIRONMENT
    console.print(str(file), markup=False, highlight=False)
    return OK


def _guide(options: argparse.Namespace, console: Console) -> int:
    from cti_engine.commands.guide import run

    return run(options, _home(options), console)


def _call(options: argparse.Namespace, console: Console) -> int:
    from cti_engine.commands import call

    definitions, flow, problems = call.load(_home(options), options.flow)
    if definitions is None or flow is None:
        print(as_text(problems), file=sys.stderr)
        return PROBLEMS
    try:
        names = call.assignments(shlex.join(options.set))
    except ValueError as error:
        print(f"--set {error}", file=sys.stderr)
        return USAGE
    for line in call.unused(tuple(names), flow, definitions.flows):
        print(line, file=sys.stderr)
    caller = call.Caller(options.language, options.at, names, options.keys_only)
    typed = call.TypedCall(definitions, flow, caller, *call.terminal(quiet=options.json))
    typed.go()
    if options.json:
        call.write_json(typed.call, sys.stdout)
    return OK


def _softphone(options: argparse.Namespace, console: Console) -> int:
    from cti_engine.commands import softphone
    from cti_engine.runtime.places import Places
    from cti_engine.runtime.running_center import CannotJoin
    from cti_engine.runtime.softphone import Manners

    if options.play is not None and not options.play.is_file():
        print(f"{options.play} is no file", file=sys.stderr)
        return USAGE
    run_json = Path() if options.server else Places(_settings(options).var).run_json
    try:
        account = softphone.account(run_json, options.account, options.server)
    except CannotJoin as error:
        print(error, file=sys.stderr)
        return ENVIRONMENT
    manners = Manners(
        options.auto_answer, options.play, options.tone, options.digits, options.record, options.hang_up_after
    )
    return softphone.run(
        account,
        manners,
        dial=options.dial,
        once=options.once,
        seconds=options.seconds,
        as_json=options.json,
    )


def _explain(options: argparse.Namespace, console: Console) -> int:
    from cti_engine.commands import explain

    settings = _settings(options)
    definitions = _definitions(settings)
    with _stored(settings) as store:
        explanation = explain.explain(store, definitions, options.contact, _now())
    if explanation is None:
        print(f"Nothing is known of a contact {options.contact}: cti-engine cdr lists them.", file=sys.stderr)
        return PROBLEMS
    return _told(explain, explanation, options, console)


def _now() -> float:
    """Wall seconds."""
    from cti_engine.wire.clock import Clock

    return Clock().now()


def _midnight(now: float) -> float:
    """When today began, wall seconds."""
    today = datetime.fromtimestamp(now).astimezone()
    return today.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


def _fairness(options: argparse.Namespace, console: Console) -> int:
    from cti_engine.commands import fairness_report

    settings = _settings(options)
    definitions, now = _definitions(settings), _now()
    since = _midnight(now) if options.since is None else options.since
    with _stored(settings) as store:
        found = fairness_report.fairness(store, definitions, since, now)
    return _told(fairness_report, found, options, console)


def _callbacks(options: argparse.Namespace, console: Console) -> int:
    from cti_engine.commands import callback_report

    settings = _settings(options)
    since = _midnight(_now()) if options.since is None else options.since
    with _stored(settings) as store:
        found = callback_report.callbacks(store, since)
    return _told(callback_report, found, options, console)


def _surveys(options: argparse.Namespace, console: Console) -> int:
    from cti_engine.commands import survey_report

    return survey_report.run(options, _settings(options), console, _now())


def _levels(options: argparse.Namespace, console: Console) -> int:
    from cti_engine.commands import levels

    settings = _settings(options)
    definitions = _definitions(settings)
    with _stored(settings) as store:
        found = levels.levels(store, definitions)
    return _told(levels, found, options, console)


def _waits(options: argparse.Namespace, console: Console) -> int:
    from cti_engine.commands import wait_report

    with _stored(_settings(options)) as store:
        rows = wait_report.report(store, options.since)
    if not (rows or options.json):
        print("No call has waited in a queue since then.")
        return OK
    return _told(wait_report, rows, options, console)


def _plan(options: argparse.Namespace, console: Console) -> int:
    from cti_engine.commands import plan
    from cti_engine.definitions.library import load_definitions
    from cti_engine.runtime.places import Places

    settings = _settings(options)
    if not options.rules.is_dir():
        print(f"{options.rules} is not a folder", file=sys.stderr)
        return USAGE
    present, problems = load_definitions(Places(settings.var).last_good)  # the files may have changed since
    if present is None:
        present, problems = load_definitions(settings.home)
    new, found = load_definitions(settings.home, over=options.rules, review=True)
    if present is None or new is None:
        print(as_text(found if new is None else problems), file=sys.stderr)
        return PROBLEMS
    if found and not options.json:
        print(as_text(found), file=sys.stderr)
    with _stored(settings, options.state) as store:
        state = store.load()
        now = _now() if options.state is None else plan.recorded_at(store, state)
    planned = plan.plan(state, present, new, now, replan=options.replan)
    _told(plan, planned, options, console)
    return PROBLEMS if planned.unroutable else OK


def _simulate(options: argparse.Namespace, console: Console) -> int:
    from cti_engine.commands import plots, simulate

    request = simulate.Request(_home(options), options.scenario, options.seed, options.replications)
    scenario, problems = simulate.load(request)
    if problems:
        print(as_text(problems), file=sys.stderr)
    if scenario is None:
        return PROBLEMS
    found = simulate.simulate(request, scenario, options.jobs or os.cpu_count() or 1, Console(stderr=True))
    _told(simulate, found, options, console)
    if options.plots is not None:
        try:
            for file in plots.draw(found, options.plots):
                print(file, file=sys.stderr)
        except plots.NoPlots as error:
            print(error, file=sys.stderr)
            return ENVIRONMENT
    return OK


def _replay(options: argparse.Namespace, console: Console) -> int:
    from cti_engine.commands import replay
    from cti_engine.definitions.library import load_definitions
    from cti_engine.runtime.engine_config import utc_offset
    from cti_engine.runtime.places import Places

    settings = _settings(options)
    if not options.rules.is_dir():
        print(f"{options.rules} is not a folder", file=sys.stderr)
        return USAGE
    last_good = Places(settings.var).last_good  # the files may have changed since
    old = last_good if load_definitions(last_good)[0] is not None else settings.home
    for home, over in ((old, None), (settings.home, options.rules)):
        definitions, problems = load_definitions(home, over=over)
        if definitions is None:
            print(as_text(problems), file=sys.stderr)
            return PROBLEMS
    offset = utc_offset(settings.time_zone)
    begins = (options.day - date(1970, 1, 1)).total_seconds() - offset
    with _stored(settings, options.state) as store:
        found = replay.recorded(store, begins, begins + 86_400.0)
    new = (settings.home, options.rules)
    request = replay.Request((old, None), new, offset, options.seed, options.replications)
    try:
        replayed = replay.replay(request, found, options.jobs or os.cpu_count() or 1, Console(stderr=True))
    except ValueError as error:
        print(f"{options.day}: {error}", file=sys.stderr)
        return PROBLEMS
    return _told(replay, replayed, options, console)


def _speech(options: argparse.Namespace, console: Console) -> int:
    from cti_engine.commands import speech
    from cti_engine.runtime.places import Places
    from cti_engine.runtime.recognisers import choices_for, spoken_languages
    from speech.recognition.install import CannotInstall

    settings = _settings(options)
    if options.todo == "status":
        languages = spoken_languages(_definitions(settings).flows.values())
        return _told(speech, choices_for(languages, settings), options, console)
    try:
        folder = speech.fetch(options.language, Places(settings.var).models, Console(stderr=True))
    except CannotInstall as error:
        print(error, file=sys.stderr)
        return ENVIRONMENT
    console.print(f"{folder} is used from the next start on.", markup=False)
    return OK


def _accounts(options: argparse.Namespace, console: Console) -> int:
    from cti_engine.commands.account_report import rotate, show

    settings = _settings(options)
    if options.rotate is None:
        return show(settings, console, as_json=options.json)
    return rotate(settings, console, options.rotate)


def _customers(options: argparse.Namespace, console: Console) -> int:
    from cti_engine.commands import customers

    return customers.run(options, _settings(options), console, _now())


def _tickets(options: argparse.Namespace, console: Console) -> int:
    from cti_engine.commands import tickets

    settings = _settings(options)
    return tickets.run(options, settings, _definitions(settings), console, _now())


def _offers(options: argparse.Namespace, console: Console) -> int:
    from cti_engine.commands import offers

    settings = _settings(options)
    return offers.run(options, settings, _definitions(settings), lambda: _stored(settings), console, _now())


COMMANDS = {
    "run": _run,
    "demo": _demo,
    "demo-services": _demo_services,
    "doctor": _doctor,
    "check": _check,
    "prompts": _prompts,
    "cdr": _cdr,
    "explain": _explain,
    "test": _test,
    "graph": _graph,
    "guide": _guide,
    "call": _call,
    "softphone": _softphone,
    "fairness": _fairness,
    "callbacks": _callbacks,
    "surveys": _surveys,
    "levels": _levels,
    "waits": _waits,
    "plan": _plan,
    "simulate": _simulate,
    "replay": _replay,
    "speech": _speech,
    "accounts": _accounts,
    "customers": _customers,
    "tickets": _tickets,
    "offers": _offers,
}


def main(arguments: list[str] | None = None) -> int:
    options = command_parser().parse_args(arguments)
    console = Console()
    try:
        return COMMANDS[options.command](options, console)
    except (StoreUnavailable, StoreTaken) as error:
        print(error, file=sys.stderr)
        return ENVIRONMENT
    except BrokenPipeError:  # `cti-engine cdr | head`
        sys.stderr.close()
        return OK


if __name__ == "__main__":
    sys.exit(main())
