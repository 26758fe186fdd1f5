"""`cti-engine doctor` as people and machines call it."""

from __future__ import annotations

import io
import json
import socket
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from cti_engine.runtime.checks.check import fault, ok, warn
from cti_engine.runtime.doctor import _show
from tests.phones.ports import free_port

HOME = Path(__file__).parents[2]


def run(tmp_path: Path, *arguments: str, sip_port: int) -> subprocess.CompletedProcess[str]:
    """doctor in a process of its own, as a user starts it, on ports that no running center has."""
    environment = {
        "PATH": "/usr/bin:/bin", "CTI_HOME": str(HOME), "CTI_VAR": str(tmp_path / "var"), "COLUMNS": "100",
        "CTI_SIP_PORT": str(sip_port), "CTI_CONSOLE_PORT": "0", "CTI_BROKER_PORT": "0",
    }  # fmt: skip
    command = [sys.executable, "-m", "cti_engine", "doctor", *arguments]
    return subprocess.run(
        command, cwd=HOME, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_doctor_is_well_on_a_machine_that_tests_run_on(tmp_path: Path) -> None:
    """Every subject is looked at, nothing is at fault, nothing is written; exit code 0."""
    done = run(tmp_path, "--json", sip_port=free_port())
    told = json.loads(done.stdout)
    assert (done.returncode, told["faults"]) == (0, 0), told
    names = {check["name"] for check in told["checks"]}
    assert {
        "Python",
        "SIP port",
        "RTP ports",
        "store",
        "broker",
        "pjsua2",
        "hold music",
        "disk",
        "clock",
    } <= names
    assert all(check["what_to_do"] for check in told["checks"] if check["verdict"] != "ok")
    assert not (tmp_path / "var").exists()


def test_a_taken_port_makes_exit_code_1_and_a_line_to_follow(tmp_path: Path) -> None:
    """The table names who has the port, and the arrow says what to do about it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        done = run(tmp_path, sip_port=port)
    assert done.returncode == 1
    assert f"UDP 127.0.0.1:{port} is taken by" in done.stdout
    assert "→ stop it" in done.stdout
    assert "Traceback" not in done.stderr


def test_the_table_shows_brackets_and_advice_as_they_are() -> None:
    """What a check found is text, never markup; advice stands below it."""
    out = io.StringIO()
    checks = [ok("a", "fine"), warn("b", "odd [bold]", "do [this]"), fault("c", "broken", "mend it")]
    _show(checks, 1, Console(file=out, width=80))
    shown = out.getvalue()
    assert "odd [bold]" in shown and "→ do [this]" in shown and "→ mend it" in shown
    assert shown.rstrip().endswith("see → above.")
