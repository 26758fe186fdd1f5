"""What the command line takes: each command with its options; `cti_engine.__main__` does them."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

from cti_engine.definitions.settings import OVERRIDES

PHONE_PASSWORD = "CTI_PHONE_PASSWORD"  # the name of the variable


def command_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cti-engine", description="Contact-center routing engine")
    parser.add_argument("--home", help="folder with config/, ivr_flows/ and routing_rules/ (CTI_HOME)")
    parser.add_argument("--var", help="folder for state, logs and recordings (CTI_VAR)")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="run the whole center until Ctrl-C")
    run.add_argument("--lan", action="store_true", help="listen on the default route's address")
    run.add_argument("--demo", action="store_true", help="robot callers and agents join at once")
    for name in sorted(OVERRIDES):
        run.add_argument(f"--{name.replace('_', '-')}", dest=f"set_{name}", metavar="VALUE")

    demo = commands.add_parser("demo", help="robot callers and agents join the running center")
    demo.add_argument("--calls-per-minute", type=float, default=6.0)
    demo.add_argument("--seed", type=int, default=1)
    demo.add_argument("--minutes", type=float, default=0.0, help="stop by itself; 0: until Ctrl-C")

    services = commands.add_parser(
        "demo-services", help="answer what the shipped flows look up, on this machine"
    )
    services.add_argument("--port", type=int, default=18090)

    doctor = commands.add_parser("doctor", help="check this machine and say what to do")
    doctor.add_argument("--json", action="store_true")

    check = commands.add_parser("check", help="check all YAML: every problem with file and line")
    check.add_argument("--json", action="store_true")

    prompts = commands.add_parser("prompts", help="what callers hear: make it, list it, try a voice")
    of_prompts = prompts.add_subparsers(dest="what", required=True, metavar="build | list | say")
    for name, text in (
        ("build", "make all that flows can say"),
        ("list", "what is made, by whom, what is missing"),
    ):
        of_prompts.add_parser(name, help=text).add_argument("--json", action="store_true")
    say = of_prompts.add_parser("say", help="speak a text into a WAV, as callers would hear it")
    say.add_argument("text", metavar="TEXT")
    say.add_argument("--language", default="en", metavar="LANGUAGE")
    say.add_argument("--out", type=Path, required=True, metavar="FILE")

    test = commands.add_parser("test", help="play the tests that stand beside the flows (*.test.yaml)")
    test.add_argument("flows", metavar="FLOW", nargs="*", help="a flow or its file; none: all of them")
    test.add_argument("--junit", type=Path, metavar="FILE", help="the results as JUnit XML")
    test.add_argument("--coverage-below", type=float, metavar="PERCENT", help="fail where less is tried")
    test.add_argument("--json", action="store_true")

    graph = commands.add_parser("graph", help="draw a flow: its steps, and the ways between them")
    graph.add_argument("flow", metavar="FLOW", help="a flow or its file")
    graph.add_argument("--out", type=Path, metavar="FILE", help=".svg, .png, .pdf or .dot; default: FLOW.svg")
    graph.add_argument("--coverage", action="store_true", help="green: its tests go there; red: none does")
    graph.add_argument("--json", action="store_true", help="steps and ways, and no picture")

    guide = commands.add_parser("guide", help="what agents are guided by: list, show, preview, graph")
    of_guide = guide.add_subparsers(dest="todo", required=True, metavar="list | show | preview | graph")
    of_guide.add_parser("list", help="every guide, and which calls it is for").add_argument(
        "--json", action="store_true"
    )
    for name, text in (
        ("show", "its steps"),
        ("preview", "walk through it in this terminal"),
        ("graph", "draw it"),
    ):
        one = of_guide.add_parser(name, help=text)
        one.add_argument("guide", metavar="GUIDE")
        one.add_argument("--language", default="", metavar="LANGUAGE", help="default: the guide's first")
        if name == "show":
            one.add_argument("--json", action="store_true")
        if name == "graph":
            one.add_argument(
                "--out", type=Path, metavar="FILE", help=".svg, .png, .pdf or .dot; default: GUIDE.svg"
            )

    call = commands.add_parser("call", help="try a flow by typing keys and words, in virtual time")
    call.add_argument("flow", metavar="FLOW", help="a flow or its file")
    call.add_argument("--language", default="", help="the call's; default: the flow's first")
    call.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="e.g. call.segment=gold"
    )
    call.add_argument(
        "--at", type=_wall_clock, metavar="TIME", help='"2026-12-25 10:00"; default: a Monday at 10'
    )
    call.add_argument("--keys-only", action="store_true", help="as if no recogniser were there")
    call.add_argument("--json", action="store_true", help="the whole call as JSON when it is over")

    phone = commands.add_parser("softphone", help="a phone in this terminal: keys, or a line an order")
    phone.add_argument(
        "account", metavar="ACCOUNT", help="as accounts.txt names it; its password stands there"
    )
    phone.add_argument(
        "--server",
        default="",
        metavar="HOST[:PORT]",
        help=f"another center; {PHONE_PASSWORD} has the password",
    )
    phone.add_argument("--dial", default="", metavar="NUMBER", help="call it as soon as registered")
    phone.add_argument(
        "--digits", default="", metavar="KEYS", help="press them when answered; a comma waits 1 s"
    )
    phone.add_argument(
        "--auto-answer",
        type=float,
        nargs="?",
        const=0.0,
        metavar="SECONDS",
        help="answer by itself after so long",
    )
    phone.add_argument("--play", type=Path, metavar="WAV", help="say this file, over and over")
    phone.add_argument("--tone", type=float, default=0.0, metavar="HZ", help="say a tone")
    phone.add_argument("--record", type=Path, metavar="FOLDER", help="what is heard, a WAV a call")
    phone.add_argument("--hang-up-after", type=float, default=0.0, metavar="SECONDS", help="of talk")
    phone.add_argument("--once", action="store_true", help="end with the first call")
    phone.add_argument("--seconds", type=float, default=0.0, help="end by itself; 0: until q or Ctrl-C")
    phone.add_argument("--json", action="store_true", help="each fact as a line of JSON")

    cdr = commands.add_parser("cdr", help="call detail records")
    cdr.add_argument("--since", type=_moment, default=0.0, metavar="TIME", help="2026-11-22 or ...T09:30")
    cdr.add_argument("--until", type=_moment, metavar="TIME")
    cdr.add_argument("--last", type=int, metavar="N", help="only the last N")
    cdr.add_argument("--csv", type=Path, metavar="FILE", help="export; - is standard output")
    cdr.add_argument("--json", action="store_true", help="one record a line")

    explain = commands.add_parser("explain", help="why a contact got its agent, or why it still waits")
    explain.add_argument("contact", metavar="CONTACT", help="as cti-engine cdr shows it, e.g. c12")
    explain.add_argument("--json", action="store_true")

    callbacks = commands.add_parser("callbacks", help="who was called back, and whether in the promised time")
    callbacks.add_argument(
        "--since", type=_moment, metavar="TIME", help="2026-11-22 or ...T09:30; else today"
    )
    callbacks.add_argument("--json", action="store_true")

    fairness = commands.add_parser("fairness", help="how evenly work is spread over agents, queues and sites")
    fairness.add_argument("--since", type=_moment, metavar="TIME", help="2026-11-22 or ...T09:30; else today")
    fairness.add_argument("--json", action="store_true")

    surveys = commands.add_parser("surveys", help="what callers answered, by agent and by queue")
    surveys.add_argument(
        "--since", type=_moment, metavar="TIME", help="2026-11-22 or ...T09:30; else the last 30 days"
    )
    surveys.add_argument("--until", type=_moment, metavar="TIME")
    surveys.add_argument("--question", default="", metavar="NAME", help="only answers to this one")
    surveys.add_argument("--weighted", action="store_true", help="each by what the customer is worth")
    surveys.add_argument("--comments", action="store_true", help="instead: what was said, and where it lies")
    surveys.add_argument("--json", action="store_true")

    levels = commands.add_parser("levels", help="handle times of agent groups, and who serves a queue last")
    levels.add_argument("--json", action="store_true")

    waits = commands.add_parser("waits", help="did callers wait as long as they were promised")
    waits.add_argument("--since", type=_moment, default=0.0, metavar="DAY", help="2026-11-22 or ...T09:30")
    waits.add_argument("--json", action="store_true")

    plan = commands.add_parser("plan", help="what other rules would change for the calls that wait now")
    plan.add_argument("rules", type=Path, metavar="NEW_RULES", help="a folder with config/, routing_rules/ "
                      "or ivr_flows/, or a routing_rules folder; what it lacks is taken from --home")  # fmt: skip
    plan.add_argument("--state", type=Path, metavar="FILE", help="a copy of engine.db; default: the live one")
    plan.add_argument("--replan", action="store_true", help="as if waiting calls were taken to the new steps")
    plan.add_argument("--json", action="store_true")

    simulate = commands.add_parser("simulate", help="play days of a scenario through the rules")
    simulate.add_argument("scenario", type=Path, metavar="SCENARIO", help="a YAML file, see scenarios/")
    simulate.add_argument("--seed", type=_count(0), metavar="N", help="default: the scenario's")
    simulate.add_argument("--replications", type=_count(1), metavar="N", help="default: the scenario's")
    simulate.add_argument("--jobs", type=_count(1), metavar="N", help="processes; default: one a core")
    simulate.add_argument("--plots", type=Path, metavar="FOLDER", help="SVG and PNG")
    simulate.add_argument("--json", action="store_true")

    replay = commands.add_parser("replay", help="play a recorded day under other rules")
    replay.add_argument(
        "day", type=date.fromisoformat, metavar="DAY", help="2026-11-22, in the center's time zone"
    )
    replay.add_argument("--rules", type=Path, required=True, metavar="NEW", help="a folder as for plan")
    replay.add_argument(
        "--state", type=Path, metavar="FILE", help="a copy of engine.db; default: the live one"
    )
    replay.add_argument("--seed", type=_count(0), default=1, metavar="N")
    replay.add_argument("--replications", type=_count(2), default=40, metavar="N")
    replay.add_argument("--jobs", type=_count(1), metavar="N", help="processes; default: one a core")
    replay.add_argument("--json", action="store_true")

    speech = commands.add_parser("speech", help="who understands callers; fetch models")
    todo = speech.add_subparsers(dest="todo", required=True, metavar="status | install")
    status = todo.add_parser("status", help="which engine answers for which language, and why")
    status.add_argument("--json", action="store_true")
    fetch = todo.add_parser("install", help="fetch a language's Vosk model")
    fetch.add_argument("language", metavar="LANGUAGE", help="such as es or en")

    accounts = commands.add_parser("accounts", help="list accounts, or give them new passwords")
    accounts.add_argument("--rotate", nargs="*", metavar="USER", help="new passwords (no USER: for all)")
    accounts.add_argument("--json", action="store_true")
    _customers(
        commands.add_parser(
            "customers", help="customers: import, show, export, erase, merge; segments, retention"
        )
    )
    _tickets(commands.add_parser("tickets", help="open tickets, one with its history, similar past cases"))
    _offers(
        commands.add_parser(
            "offers", help="learn what goes together; what hints gain; why who is offered what"
        )
    )
    return parser


def _offers(offers: argparse.ArgumentParser) -> None:
    todo = offers.add_subparsers(dest="todo", required=True, metavar="train | report | explain")
    train = todo.add_parser("train", help="learn affinities from all purchases, judged by a time split")
    train.add_argument("--dry-run", action="store_true", help="judge them, store nothing")
    report = todo.add_parser("report", help="sales, handle time and survey against the calls held out")
    report.add_argument("--days", type=_count(1), default=90, metavar="DAYS", help="of the last days (90)")
    why = todo.add_parser(
        "explain", help="what a call's agents were shown, or what a customer would be offered now"
    )
    why.add_argument("who", metavar="CONTACT|CUSTOMER", help="a contact, a customer's id, or a number")
    for each in (train, report, why):
        each.add_argument("--json", action="store_true")


def _customers(customers: argparse.ArgumentParser) -> None:
    todo = customers.add_subparsers(dest="todo", required=True, metavar="import | show | ...")
    segments = todo.add_parser("segments", help="make every customer's figures and segment anew")
    segments.add_argument("--explain", metavar="ID", help="how the figures of this customer came about")
    segments.add_argument("--json", action="store_true")
    retention = todo.add_parser("retention", help="who is on the lists of config/campaigns.yaml")
    retention.add_argument("--campaign", default="", metavar="NAME", help="one list; default: all")
    retention.add_argument("--json", action="store_true")
    taken = todo.add_parser("import", help="take a CSV file in, beside the running center")
    taken.add_argument("file", type=Path, nargs="?", metavar="FILE", help="customers: docs/guides/admin.md")
    taken.add_argument("--purchases", type=Path, metavar="FILE", help="what they bought")
    show = todo.add_parser("show", help="the profile that calls and agents see")
    export = todo.add_parser("export", help="all that is known of a customer, as JSON")
    erase = todo.add_parser("erase", help="forget a customer, and say what stays and why")
    erase.add_argument("--keep-recordings", action="store_true", help="do not delete what was recorded")
    for each in (show, export, erase):
        each.add_argument("customer", metavar="CUSTOMER", help="the id, or for show a number")
    doubles = todo.add_parser("doubles", help="who may stand twice in it: the same e-mail address or name")
    merge = todo.add_parser("merge", help="two entries of one customer become one")
    merge.add_argument("kept", metavar="KEPT")
    merge.add_argument("gone", metavar="GONE")
    unmerge = todo.add_parser("unmerge", help="undo a merge")
    unmerge.add_argument("merge", type=int, metavar="MERGE", help="its number, as merge has said")
    rights = todo.add_parser("rights", help="who exported, merged and erased, and what of it is not done yet")
    for each in (taken, show, export, erase, rights, doubles, merge, unmerge):
        each.add_argument("--json", action="store_true")


def _tickets(tickets: argparse.ArgumentParser) -> None:
    todo = tickets.add_subparsers(dest="todo", required=True, metavar="list | show | ...")
    listed = todo.add_parser("list", help="open tickets as they are due")
    which = listed.add_mutually_exclusive_group()
    which.add_argument("--late", action="store_true", help="only those that are late")
    which.add_argument("--nobodys", action="store_true", help="only those that nobody has taken")
    which.add_argument("--owner", default="", metavar="AGENT", help="only this agent's")
    which.add_argument(
        "--customer", default="", metavar="CUSTOMER", help="this customer's, resolved ones too"
    )
    show = todo.add_parser("show", help="a ticket with its history")
    show.add_argument("ticket", type=_count(1), metavar="TICKET", help="its number")
    cases = todo.add_parser("cases", help="resolved tickets like a text, and what worked")
    cases.add_argument("text", nargs="+", metavar="WORD")
    cases.add_argument("--category", default="", metavar="CATEGORY", help="these a little before others")
    taken = todo.add_parser(
        "import", help="take tickets and past cases in from a CSV file: config/tickets.csv"
    )
    taken.add_argument("file", type=Path, metavar="FILE")
    for each in (listed, show, cases, taken):
        each.add_argument("--json", action="store_true")


def _count(least: int) -> Callable[[str], int]:
    def whole(text: str) -> int:
        if int(text) < least:
            raise ValueError
        return int(text)

    whole.__name__ = f"number from {least} on"  # argparse names it so
    return whole


def _wall_clock(text: str) -> float:
    """As if the time were UTC: rehearsals know no zones."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def _moment(text: str) -> float:
    """Local time of this machine unless the text has an offset."""
    return datetime.fromisoformat(text).astimezone().timestamp()
