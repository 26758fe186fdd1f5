"""The store's thread: one thing after another, answers and errors to whoever asked."""

from __future__ import annotations

import asyncio
import threading

import pytest

from cti_engine.runtime.store_thread import StoreThread
from tests.phones.waiting import until


async def test_what_is_asked_is_done_in_order_in_one_thread() -> None:
    """Calls made at once run one after another, outside the loop's thread, and each gets its own answer."""
    thread, seen = StoreThread(), []

    def work(number: int) -> int:
        seen.append((number, threading.current_thread().name))
        return number * number

    answers = await asyncio.gather(*(thread.call(work, number) for number in range(50)))
    assert answers == [number * number for number in range(50)]
    assert seen == [(number, "store") for number in range(50)]
    thread.close()


async def test_an_error_reaches_who_asked_and_nobody_else() -> None:
    """What the function raises is raised where it was asked for; the next call is done as ever."""
    thread = StoreThread()
    with pytest.raises(ZeroDivisionError):
        await thread.call(lambda: 1 / 0)
    assert await thread.call(lambda: "next") == "next"
    thread.close()


async def test_an_answer_that_nobody_awaits_any_more_is_dropped() -> None:
    """Who gives up waiting stops nothing: the work is finished, and the next one is done."""
    thread, go_on, done = StoreThread(), threading.Event(), threading.Event()

    def slow() -> None:
        go_on.wait(5)
        done.set()

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(thread.call(slow), 0.01)
    go_on.set()
    assert await thread.call(done.is_set)
    thread.close()


def test_a_loop_that_ended_first_is_no_error() -> None:
    """A store that answers after the loop has ended, as when the engine is stopped hard, ends its thread quietly."""
    go_on = threading.Event()
    failed: list[threading.ExceptHookArgs] = []
    before = threading.excepthook
    threading.excepthook = failed.append
    try:

        async def leave() -> None:
            thread = StoreThread()
            waiting = asyncio.ensure_future(thread.call(go_on.wait, 5))
            await asyncio.sleep(0)
            waiting.cancel()
            thread.close()

        threads = set(threading.enumerate())
        asyncio.run(leave())
        (store,) = set(threading.enumerate()) - threads
        go_on.set()
        store.join(5)
    finally:
        threading.excepthook = before
    assert not store.is_alive()
    assert failed == []


async def test_close_lets_the_thread_end() -> None:
    """After `close` the thread does what was asked before, and is gone."""
    thread, names = StoreThread(), []
    asked = asyncio.ensure_future(thread.call(lambda: names.append(threading.current_thread())))
    await asyncio.sleep(0)
    thread.close()
    await asked
    await until(lambda: not names[0].is_alive(), "the thread is gone")
