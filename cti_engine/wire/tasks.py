"""The one place where tasks are started: kept alive until done, and a crash is told, never swallowed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")
_log = logging.getLogger("cti.tasks")
_running: set[asyncio.Task[Any]] = set()


def spawn(
    work: Coroutine[Any, Any, _T], name: str, *, on_crash: Callable[[BaseException], None] | None = None
) -> asyncio.Task[_T]:
    """Run `work` in the running loop. `on_crash` is told of an exception after it has been logged."""
    task = asyncio.get_running_loop().create_task(work, name=name)
    _running.add(task)

    def finished(done: asyncio.Task[_T]) -> None:
        _running.discard(done)
        if done.cancelled():
            return
        error = done.exception()
        if error is not None:
            _log.error("task %s crashed: %s", name, error, exc_info=error)
            if on_crash is not None:
                on_crash(error)

    task.add_done_callback(finished)
    return task
