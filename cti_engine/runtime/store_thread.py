"""The one thread in which the store is called: a queue and a future, half of what an executor costs for each batch."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

_T = TypeVar("_T")


class StoreThread:
    """Begins when it is made; a daemon, because a store that hangs must not keep the process."""

    def __init__(self) -> None:
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        threading.Thread(target=self._run, name="store", daemon=True).start()

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()

    async def call(self, function: Callable[..., _T], *args: Any) -> _T:
        """`function(*args)` in the thread, after whatever was asked before; raises what it raises."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[_T] = loop.create_future()

        def work() -> None:
            try:
                result = function(*args)
            except BaseException as error:
                _tell(loop, answer, answer.set_exception, error)
            else:
                _tell(loop, answer, answer.set_result, result)

        self._work.put(work)
        return await answer

    def close(self) -> None:
        """End when all that was asked is done; nothing may be asked any more."""
        self._work.put(None)


def _tell(
    loop: asyncio.AbstractEventLoop, answer: asyncio.Future[Any], set_: Callable[[Any], None], value: Any
) -> None:
    def set_once() -> None:
        if not answer.cancelled():
            set_(value)

    try:
        loop.call_soon_threadsafe(set_once)
    except RuntimeError:
        if not loop.is_closed():  # the loop ended before its store did: nobody asks for the answer
            raise
