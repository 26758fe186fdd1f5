"""`cti-engine doctor`: looks at everything a center needs, changes nothing, and says what to do about each fault."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from cti_engine.definitions.library import load_definitions
from cti_engine.definitions.prompt_inventory import center_prompts
from cti_engine.definitions.settings import Settings
from cti_engine.runtime.checks import machine, media, outside, ports
from cti_engine.runtime.checks.check import Check, Verdict, ok
from cti_engine.runtime.places import Places
from cti_engine.runtime.ports_in_use import Wanted
from cti_engine.runtime.prompt_files import engines_of, prompt_cache
from cti_engine.runtime.recognisers import choices_for, spoken_languages

_STYLE = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAULT: "bold red"}


def run_doctor(settings: Settings) -> list[Check]:
    """All checks, in the order in which a center needs them. Takes some seconds: voices and pjsua2 are tried."""
    running = _running(Places(settings.var).run_json)
    return [
        ok("center", _where(running) if running else "does not run now"),
        machine.check_python(),
        *_definitions_and_prompts(settings),
        *_ports(settings, running),
        outside.check_store(settings.store_url, settings.var),
        *_trunks(settings, running),
        outside.check_broker(settings.broker_url, running.get("ports", {}).get("broker_port", 0)),
        media.check_pjsua2(),
        *media.check_text_to_speech(engines_of(settings)),
        *media.check_sounds(("es", "en")),
        media.check_music(),
        machine.check_disk(settings.var),
        machine.check_memory(settings.workers.max),
        machine.check_descriptors(),
        machine.check_clock(),
        machine.check_time_zone(settings.time_zone),
    ]


def doctor(settings: Settings, console: Console, *, as_json: bool) -> int:
    """Print the checks; exit code 1 when there is a fault, else 0."""
    checks = run_doctor(settings)
    faults = sum(check.verdict is Verdict.FAULT for check in checks)
    if as_json:
        print(
            json.dumps({"faults": faults, "checks": [asdict(check) for check in checks]}, ensure_ascii=False)
        )
    else:
        _show(checks, faults, console)
    return 1 if faults else 0


def _show(checks: list[Check], faults: int, console: Console) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for _ in range(3):
        table.add_column(overflow="fold")
    for check in checks:
        style = _STYLE[check.verdict]
        advice = f"\n→ {_plain(check.what_to_do)}" if check.what_to_do else ""
        table.add_row(
            f"[{style}]{check.verdict}[/]", check.name, f"{_plain(check.found)}[{style}]{advice}[/]"
        )
    console.print(table)
    console.print("No fault." if not faults else f"{faults} to mend before it runs well: see → above.")


def _plain(text: str) -> str:
    """Square brackets are not markup."""
    return text.replace("[", r"\[")


def _running(run_json: Path) -> dict[str, Any]:
    """What the center that runs from this CTI_VAR says of itself; empty when none runs or it died."""
    try:
        told: dict[str, Any] = json.loads(run_json.read_text())
        os.kill(int(told["supervisor"]), 0)
    except (OSError, ValueError, KeyError):
        return {}
    return told


def _ports(settings: Settings, running: dict[str, Any]) -> list[Check]:
    center = running.get("supervisor", 0)
    host, wanted = settings.network.bind, settings.ports
    checks = [
        ports.check_port("SIP port", Wanted("CTI_SIP_PORT", "udp", host, wanted.sip), center),
        ports.check_port("SIP port", Wanted("CTI_SIP_PORT", "tcp", host, wanted.sip), center),
        ports.check_port("console port", Wanted("CTI_CONSOLE_PORT", "tcp", host, wanted.console), center),
    ]
    if settings.broker_url.startswith("embedded"):
        broker = Wanted("CTI_BROKER_PORT", "tcp", "127.0.0.1", wanted.broker)
        checks.append(ports.check_port("broker port", broker, center))
    return [*checks, ports.check_rtp_ports(wanted.rtp_first, wanted.rtp_last, center)]


def _where(running: dict[str, Any]) -> str:
    """Its own ports, which an option or a variable that we were not given may have set."""
    host, ports = running.get("host", ""), running.get("ports", {})
    sip, console = ports.get("sip_port"), ports.get("console_port")
    return f"runs (process {running['supervisor']}): SIP {host}:{sip}, console http://{host}:{console}/"


def _trunks(settings: Settings, running: dict[str, Any]) -> list[Check]:
    """Our log-ins at carriers, as the running edge tells them in its ready file."""
    told: dict[str, Any] = {}
    if running:
        try:
            told = json.loads(Places(settings.var).ready_file("edge").read_text())["trunks"]
        except (OSError, ValueError, KeyError):
            told = {}  # it is just being started again
    return [
        outside.check_trunk_login(
            trunk.name, trunk.register.registrar, told.get(trunk.name, {}) if running else None
        )
        for trunk in settings.sip.trunks
        if trunk.register is not None
    ]


def _definitions_and_prompts(settings: Settings) -> list[Check]:
    definitions, problems = load_definitions(settings.home)
    if definitions is None:
        return [outside.check_definitions(problems, "")]
    counts = (
        f"{len(definitions.written_flows)} flows, {len(definitions.queues)} queues, {len(definitions.agents)} agents "
        f"in {settings.home}"
    )
    cache = prompt_cache(settings, definitions)
    prompts = sorted(center_prompts(definitions), key=repr)
    spoken = choices_for(spoken_languages(definitions.flows.values()), settings)
    return [
        outside.check_definitions(problems, counts),
        media.check_prompts(cache, prompts),
        *media.check_recognition(spoken),
    ]
