"""The command line as its user meets it: real processes, exit codes, one clear line for each fault."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cti_engine.runtime.start import only_one

ROOT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name in ("config", "ivr_flows", "routing_rules"):
        shutil.copytree(ROOT / name, tmp_path / "home" / name)
    return tmp_path / "home"


def cti(home: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    var = home.parent / "var"
    return subprocess.run(
        [sys.executable, "-m", "cti_engine", "--home", str(home), "--var", str(var), *words],
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_check_says_that_all_is_well(home: Path) -> None:
    """The shipped files have no problem: exit code 0 and a line that counts them."""
    done = cti(home, "check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("No problems: 16 flows, 4 queues, 3 agents")


def test_check_tells_how_long_a_call_may_be_passed_over(home: Path) -> None:
    """A table of all queues, and the same as JSON: 120 points at one a second are two minutes."""
    (home / "routing_rules/priorities.yaml").write_text(
        'priorities: [{when: call.segment == "gold", add: 120}]\n'
    )
    done = cti(home, "check")
    assert done.returncode == 0
    assert "sales_es" in done.stdout and "2m" in done.stdout
    found = json.loads(cti(home, "check", "--json").stdout)
    assert found["problems"] == []
    assert {q["queue"]: q["passed_over_at_most_s"] for q in found["queues"]}["sales_en"] == 119.999
    assert {q["why"] for q in found["queues"]} == {"ageing"}


def test_check_names_file_and_line(home: Path) -> None:
    """All problems at once, as file:line, exit code 1; the same as JSON."""
    queues = home / "routing_rules/queues.yaml"
    queues.write_text(queues.read_text().replace("treatment: queue_treatment", "treatment: queue_treatmint"))
    numbers = home / "routing_rules/dialled_numbers.yaml"
    numbers.write_text(numbers.read_text().replace("main_es", "mian_es"))
    done = cti(home, "check")
    assert done.returncode == 1
    assert "routing_rules/queues.yaml:" in done.stdout
    assert "queue_treatment" in done.stdout
    assert "routing_rules/dialled_numbers.yaml:" in done.stdout
    problems = json.loads(cti(home, "check", "--json").stdout)["problems"]
    assert {p["file"] for p in problems} >= {
        "routing_rules/queues.yaml",
        "routing_rules/dialled_numbers.yaml",
    }


def test_run_refuses_files_with_errors(home: Path) -> None:
    """A center never starts on broken files: the problems are told, exit code 1, nothing runs."""
    (home / "config/agents.yaml").write_text("agents: [")
    done = cti(home, "run")
    assert done.returncode == 1
    assert "config/agents.yaml:2" in done.stdout
    assert not (home.parent / "var/run.json").exists()


def test_run_tells_which_port_is_taken(home: Path) -> None:
    """A taken port is one line that names it and the setting to change; exit code 3, no traceback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        done = cti(home, "run", CTI_SIP_PORT=port, CTI_CONSOLE_PORT="0", CTI_BROKER_PORT="0")
    assert done.returncode == 3
    assert f"UDP 127.0.0.1:{port} cannot be taken" in done.stdout
    assert "CTI_SIP_PORT" in done.stdout
    assert "Traceback" not in done.stderr


def test_cdr_before_the_first_run_says_what_to_do(home: Path) -> None:
    """No store yet: one line and exit code 3."""
    done = cti(home, "cdr")
    assert done.returncode == 3
    assert len(done.stderr.strip().splitlines()) == 1


def test_demo_without_a_center_says_so(home: Path) -> None:
    """Robots need a running center: exit code 3 and how to start one."""
    done = cti(home, "demo")
    assert done.returncode == 3
    assert "cti-engine run" in done.stdout


def test_a_wrong_word_is_a_usage_error(home: Path) -> None:
    """An unknown command is exit code 2 with the known ones."""
    done = cti(home, "dial")
    assert done.returncode == 2
    assert "doctor" in done.stderr


def test_a_second_center_in_the_same_folder_is_refused(home: Path) -> None:
    """Two centers never share their state: the second says who is there, exit code 3."""
    var = home.parent / "var"
    with only_one(var):
        done = cti(home, "run", CTI_SIP_PORT="0", CTI_CONSOLE_PORT="0", CTI_BROKER_PORT="0")
    assert done.returncode == 3
    assert "a center runs already in" in done.stdout
