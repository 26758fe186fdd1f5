"""Other people's packages in an environment of their own, made once below `.venv`, so that ours stays as it is.

`ask` runs one function of a script there and gets its JSON; a package that cannot be installed is said to be missing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HOME = Path(__file__).parents[1] / ".venv" / "peers"
PACKAGES = {
    "call-center-tools": "1.0.0", "callcenterdim": "0.0.3", "ciw": "3.2.7", "pyqueueing": "0.1.1",
    "pyworkforce": "0.5.1", "simpy": "4.1.2", "turbotab": "0.8.0",
}  # fmt: skip
INSTALL_SECONDS = 300


def install(names: list[str]) -> list[str]:
    """Those of the packages that are there afterwards."""
    python = HOME / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", HOME], check=True)
    return [name for name in names if _installed(python, name)]


def _installed(python: Path, name: str) -> bool:
    pinned = f"{name}=={PACKAGES[name]}"
    known = subprocess.run(
        [python, "-m", "pip", "list", "--format=freeze", "--disable-pip-version-check"],
        capture_output=True, text=True, check=True,
    ).stdout.lower()  # fmt: skip
    if pinned in known:
        return True
    try:
        done = subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", pinned],
            capture_output=True, text=True, check=False, timeout=INSTALL_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def ask(script: Path, question: Any) -> Any:
    """What the script prints as JSON when it is given this JSON. Raises CalledProcessError when it fails."""
    done = subprocess.run(
        [HOME / "bin" / "python", script],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)
