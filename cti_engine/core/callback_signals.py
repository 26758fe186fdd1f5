"""Signals: what an agent asks for about callbacks promised for a time. Part of `signals.Signal`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScheduleCallbackRequested:
    """Promise a callback `at` a time such as 2026-12-01T10:30 by the clock of the center or the customer (`zone`).

    `of`: the contact on the agent's desk in which it is promised; its caller is called unless another `number` is
    given, and its queue counts unless another `queue` is. Without it a number has to be given, and the queue is the
    first that the agent serves. `own`: the agent makes it himself while he is there; else anybody of the queue does.
    """

    request: str
    agent: str
    at: str
    zone: str = "center"
    of: str = ""
    number: str = ""
    name: str = ""
    own: bool = True
    queue: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class MoveCallbackRequested:
    """Another time for one that is not due yet."""

    request: str
    agent: str
    callback: str
    at: str
    zone: str = "center"


@dataclass(frozen=True, slots=True)
class CancelCallbackRequested:
    """It is not made: given up, or `settled` in another call. Possible until agent and customer talk."""

    request: str
    agent: str
    callback: str
    settled: bool = False


@dataclass(frozen=True, slots=True)
class ListCallbacksRequested:
    """What has this agent promised, and the customer not been reached yet?"""

    request: str
    agent: str


CallbackSignal = (
    ScheduleCallbackRequested | MoveCallbackRequested | CancelCallbackRequested | ListCallbacksRequested
)
