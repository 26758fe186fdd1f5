"""The scripts behind `make`: what is missing is named and installed once, or one clear line says what to type."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RUN = {
    "python3-venv", "espeak-ng", "mosquitto", "asterisk-core-sounds-en-wav", "asterisk-core-sounds-es-wav",
    "asterisk-moh-opsound-wav",
}  # fmt: skip
TEST = {"baresip-core", "sip-tester", "chromium", "redis-server", "postgresql", "tshark", "graphviz"}


class Machine:
    """A PATH on which dpkg knows some packages, and apt-get, id and sudo do what a test wants, and are told."""

    def __init__(self, folder: Path, installed: set[str], *, user: int = 0, sudo: bool = False) -> None:
        self.folder = folder
        self.calls_file = folder / "calls"
        known = "|".join(sorted(installed)) or "-"
        self.program("dpkg-query", f'for p; do case "$p" in {known}) echo "ii  $p";; esac; done')
        self.program("apt-get", f'echo "$DEBIAN_FRONTEND apt-get $*" >> {self.calls_file}')
        self.program("id", f"echo {user}")
        for name in ("bash", "env", "sed", "tr", "grep", "dirname", "cat", "flock", "touch"):
            found = subprocess.run(["which", name], capture_output=True, text=True, check=True).stdout.strip()
            (folder / name).symlink_to(found)
        if sudo:
            self.program(
                "sudo", f'echo "sudo" >> {self.calls_file}; while [ "$1" = -n ]; do shift; done; "$@"'
            )

    def program(self, name: str, script: str) -> None:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def calls(self) -> list[str]:
        return self.calls_file.read_text().splitlines() if self.calls_file.exists() else []

    def system_packages(self, which: str) -> subprocess.CompletedProcess[str]:
        return self._run(ROOT / "packaging" / "system-packages.sh", which)

    def make_venv(self, which: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return self._run(ROOT / "packaging" / "make-venv.sh", which, **environment)

    def _run(self, *command: Path | str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(part) for part in command], env={"PATH": str(self.folder), **environment}, text=True,
            capture_output=True, stdin=subprocess.DEVNULL, timeout=20, check=False,
        )  # fmt: skip


def listed(name: str) -> set[str]:
    lines = (ROOT / "packaging" / name).read_text().splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def test_the_lists_hold_what_the_commands_need() -> None:
    """Running needs a broker, voices and sounds; testing adds the phones."""
    assert listed("apt-run.txt") == RUN
    assert listed("apt-test.txt") == TEST


def test_nothing_missing_is_quick_and_silent(tmp_path: Path) -> None:
    """apt-get is not even asked."""
    done = Machine(tmp_path, RUN | TEST).system_packages("test")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_is_missing_is_named_and_installed_in_one_go(tmp_path: Path) -> None:
    """One update, one install of only what is missing, without questions and recommendations."""
    machine = Machine(tmp_path, (RUN | TEST) - {"mosquitto", "tshark"})
    done = machine.system_packages("test")
    assert done.returncode == 0, done.stderr
    assert "mosquitto tshark" in done.stdout
    assert machine.calls() == [
        "noninteractive apt-get update -qq",
        "noninteractive apt-get install -y --no-install-recommends mosquitto tshark -q",
    ]


def test_who_is_not_root_uses_sudo(tmp_path: Path) -> None:
    """Without a terminal sudo must not ask for a password."""
    machine = Machine(tmp_path, RUN - {"espeak-ng"}, user=1000, sudo=True)
    assert machine.system_packages("run").returncode == 0
    assert machine.calls()[0] == "sudo"
    assert machine.calls()[-1].endswith("install -y --no-install-recommends espeak-ng -q")


def test_neither_root_nor_sudo_gets_the_line_to_type(tmp_path: Path) -> None:
    """Exit code 3 and a line that can be pasted."""
    machine = Machine(tmp_path, RUN - {"espeak-ng"}, user=1000)
    done = machine.system_packages("run")
    assert done.returncode == 3
    assert "apt-get update && apt-get install -y --no-install-recommends espeak-ng" in done.stderr
    assert machine.calls() == []


def test_a_failing_install_is_exit_code_3(tmp_path: Path) -> None:
    """No network: the line to type once it is back."""
    machine = Machine(tmp_path, RUN - {"espeak-ng"})
    machine.program("apt-get", "exit 100")
    done = machine.system_packages("run")
    assert done.returncode == 3
    assert "Could not install" in done.stderr


@pytest.mark.parametrize("script", ["system-packages.sh", "make-venv.sh"])
def test_wrong_usage_is_exit_code_2(script: str) -> None:
    """The usage line is told."""
    done = subprocess.run(
        [ROOT / "packaging" / script, "both"], capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 2 and "usage:" in done.stderr


def test_a_wrong_python_is_told_and_touches_nothing(tmp_path: Path) -> None:
    """3.10, and a shim of pyenv that has no version behind it, are refused in one line with exit code 3."""
    machine = Machine(tmp_path, set())
    machine.program("python3.10", "echo 3.10")
    machine.program("shim", "echo 'pyenv: command not found' >&2; exit 127")
    for python, found in (
        ("python3.10", "3.10"),
        ("shim", "not a Python that runs"),
        ("/no/such", "not a Python"),
    ):
        done = machine.make_venv("run", PYTHON=python)
        assert done.returncode == 3
        assert found in done.stderr and "3.11 or 3.12 is needed" in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_no_python_at_all_is_told(tmp_path: Path) -> None:
    """The line says what was found and how to name another."""
    machine = Machine(tmp_path, set())
    machine.program("python3", "echo 3.9")
    done = machine.make_venv("run")
    assert done.returncode == 3
    assert "python3 is '3.9'" in done.stderr and "PYTHON=" in done.stderr


def test_make_knows_every_command_of_the_interfaces() -> None:
    """Each target can be planned, and the two that matter do what they say."""
    environment = {**os.environ, "MAKEFLAGS": "", "MAKELEVEL": "0"}
    plans = {}
    for target in ("run", "demo", "test", "lint", "bench-calls", "bench-edge", "bench-engine", "screenshots"):
        done = subprocess.run(
            ["make", "-n", target, "LAN=1"], cwd=ROOT, env=environment, capture_output=True, text=True,
            timeout=20, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        plans[target] = done.stdout
    assert re.search(r"cti-engine run --lan$", plans["run"], re.MULTILINE)
    for step in ("ruff check", "ruff format --check", "-m mypy", "lint-imports", "-m pytest"):
        assert step in plans["test"]


def test_ci_runs_the_readmes_test_command() -> None:
    """.ci/run is `make test`, then what failed once more by itself: CI proves what the README says."""
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    commands = [line for line in lines if "make" in line and not line.startswith("#")]
    assert commands == [
        "make test </dev/null && exit 0",
        'exec make test ARGS="-n 0 --last-failed --last-failed-no-failures none" </dev/null',
    ]
