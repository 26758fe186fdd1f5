"""New definitions while calls run: the files are read in a process of their own.

Reading 10,000 agents takes seconds of the interpreter and millions of short-lived objects: not beside the live loop.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import pickle
import signal
import socket
import warnings
from pathlib import Path
from typing import NoReturn

from cti_engine.core.definitions import CenterDefinitions
from cti_engine.definitions.library import load_definitions
from cti_engine.definitions.problems import Problem
from cti_engine.runtime.garbage import without_collections

MOST_FILES = 1 << 16
LENGTH = 8
"""Bytes before what was read, pickled: how many there are."""

_log = logging.getLogger("cti.engine")


async def read_apart(
    home: Path, *, sounds: Path | None = None
) -> tuple[CenterDefinitions | None, list[Problem]]:
    """`load_definitions(home)`, by a fork of us: all is imported there already, and no memory is kept for it.

    Raises OSError when there can be no more processes, or it does not come to an end.
    """
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            reader = _fork()
            if reader == 0:
                _read_and_end(theirs, home, sounds)
        ours.setblocking(False)
        try:
            printed = await _all_of(ours)
        finally:
            ours.close()  # whoever reads on for nobody ends
            await asyncio.to_thread(os.waitpid, reader, 0)
    if not printed:
        raise OSError("the reading of the files was broken off")
    found: tuple[CenterDefinitions | None, list[Problem]]
    with without_collections():
        found = await asyncio.to_thread(pickle.loads, printed)
    return found


def _fork() -> int:
    with warnings.catch_warnings():
        # Python 3.12 warns of other threads' locks, which nothing that reads files ever takes.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


async def _all_of(ours: socket.socket) -> bytes:
    """What comes until the end; nothing unless all has come."""
    loop, data = asyncio.get_running_loop(), bytearray()
    while more := await loop.sock_recv(ours, 1 << 20):
        data += more
    whole = int.from_bytes(data[:LENGTH]) == len(data) - LENGTH
    return bytes(data[LENGTH:]) if whole else b""


def _read_and_end(theirs: socket.socket, home: Path, sounds: Path | None) -> NoReturn:
    """In the fork. Nothing else of ours is kept open here, or others would not see us die."""
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        gc.disable()  # it reads once: nothing of it is worth looking for, and looking copies pages
        os.closerange(3, theirs.fileno())
        os.closerange(theirs.fileno() + 1, MOST_FILES)
        printed = pickle.dumps(load_definitions(home, sounds=sounds))
        theirs.sendall(len(printed).to_bytes(LENGTH) + printed)
    except BrokenPipeError:
        pass  # nobody waits for it any more
    except Exception:
        _log.exception("the files cannot be read")
    finally:
        os._exit(0)
