"""Python's collector of garbage looks through all objects that it does not know to stay.

For 10,000 agents that is 50 to 100 ms, in the midst of making them, in whatever thread: every thread stands still.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collections() -> Iterator[None]:
    """Nothing is collected meanwhile, and what has been made is never looked through: it lives as long as its set.

    What is replaced is freed all the same, by the count of its references.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
