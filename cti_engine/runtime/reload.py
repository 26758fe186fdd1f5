"""New definitions while calls run: the files are read in a process of their own.

Reading 10,000 agents takes seconds of the interpreter and millions of short-lived objects: not beside the live loop.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
from pathlib import Path

from cti_engine.core.definitions import CenterDefinitions
from cti_engine.definitions.problems import Problem
from cti_engine.runtime.garbage import without_collections


async def read_apart(home: Path) -> tuple[CenterDefinitions | None, list[Problem]]:
    """`load_definitions(home)`, by a child. Raises OSError when it does not come to an end."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cti_engine.runtime.definitions_reader",
        str(home),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)},
    )
    try:
        printed, _ = await child.communicate()
    finally:
        if child.returncode is None:
            child.kill()
    if child.returncode != 0:
        raise OSError(f"reading the files ended with {child.returncode}")
    found: tuple[CenterDefinitions | None, list[Problem]]
    with without_collections():
        found = await asyncio.to_thread(pickle.loads, printed)
    return found
