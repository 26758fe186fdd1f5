"""No exception leaves a callback: pjsua2 would drop the call or abort the process. Logged, counted, call goes on."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any, ParamSpec

_P = ParamSpec("_P")
_log = logging.getLogger("cti.worker")


class Faults:
    """How many callbacks have failed in this process; a worker with faults is recycled, not reused."""

    count = 0


def survives(callback: Callable[_P, Any]) -> Callable[_P, None]:
    """Wrap a callback that native code calls. Its result is dropped: no callback of ours returns one."""

    @functools.wraps(callback)
    def guarded(*args: _P.args, **kwargs: _P.kwargs) -> None:
        try:
            callback(*args, **kwargs)
        except Exception:
            Faults.count += 1
            _log.exception("%s failed; the call goes on", callback.__qualname__)

    return guarded
