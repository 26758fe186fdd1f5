"""What the REST API takes and answers, as types: the OpenAPI document is made of them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

import msgspec

from agent_console.labels import Labels
from agent_console.wire_types import Number, Told
from cti_engine.core.views import AgentView, QueueView


class LogIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    user: str
    password: str


class Face(msgspec.Struct, frozen=True):
    """Who is logged in. `agent`: the agent who this account is, null for one who takes no calls.

    `csrf` is for pages with a cookie; a program with a token has no use for it.
    """

    user: str
    role: str
    display: str
    agent: str | None
    permissions: list[str]
    csrf: str


class Opened(Face, frozen=True, kw_only=True):
    """`token` goes into `Authorization: Bearer ...`; it ends `idle_s` seconds after the last request for a change,
    later while the agent is in a contact, and in any case hours after the log-in."""

    token: str
    idle_s: float


class Me(Face, frozen=True, kw_only=True):
    """`labels`: what the admin calls reasons and dispositions, by code and language."""

    labels: Labels
    browser_phone: bool


class Done(msgspec.Struct, frozen=True):
    ok: bool


class Answer(msgspec.Struct, frozen=True):
    """`result` is what the request's reply holds beside its success; mostly nothing."""

    result: dict[str, Any]


class StateNow(msgspec.Struct, frozen=True):
    """What a page starts from. `seq`: the last event that these views hold, null before the first; events follow it.

    `supervisors`: the calls that some have taken over, by their account, as an agent has a call. `engine`: whether the
    engine answers requests now. `now` is the center's clock, in wall seconds.
    """

    now: float
    seq: int | None
    engine: bool
    agents: dict[str, AgentView]
    queues: dict[str, QueueView]
    supervisors: dict[str, AgentView]


class EventsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Events with a number above `since`; `limit` is how many numbers are looked at, seen or not."""

    since: Number
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 500


class Events(msgspec.Struct, frozen=True):
    """Those that this account may see. Ask again with `since` = `next`; at once while there are `more`."""

    events: list[Told]
    next: int
    more: bool


class HistoryQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Contacts of `agent`, default oneself; newest first. `text`: words, each of which stands in number, name, note,
    result or queue. `day`: of the center; without one the last seven. `before`: the `next` of the answer before.
    """

    agent: str = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20
    text: Annotated[str, msgspec.Meta(max_length=100)] = ""
    day: date | None = None
    before: Annotated[str, msgspec.Meta(max_length=100)] = ""


class PastContact(msgspec.Struct, frozen=True):
    """One record; what it has none of is null."""

    contact: str
    ani: str | None
    name: str | None
    segment: str | None
    language: str | None
    queue: str | None
    agent: str | None
    arrived_at: float | None
    bridged_at: float | None
    ended_at: float | None
    wait_s: float | None
    talk_s: float | None
    outcome: str | None
    cause: str | None
    disposition: str | None
    note: str | None


class History(msgspec.Struct, frozen=True):
    """`next`: where to go on, null when these are the last."""

    contacts: list[PastContact]
    next: str | None


class DayQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The day of `agent`, default oneself."""

    agent: str = ""


class Day(msgspec.Struct, frozen=True):
    """Since the center's midnight `since` (wall seconds); seconds with the times that still run.

    `talk_s` is without hold; `handle_s` the mean of talk, hold and wrap-up a call, `occupancy` the share of the ready
    time in a contact, null before there is any; `reasons` are those of `not_ready_s`.
    """

    agent: str
    since: float
    calls: int
    offers: int
    missed: int
    talk_s: float
    hold_s: float
    wrap_up_s: float
    handle_s: float | None
    ready_s: float
    not_ready_s: float
    reasons: dict[str, float]
    occupancy: float | None


class Colleague(msgspec.Struct, frozen=True, rename={"is_": "is"}):
    name: str
    is_: Literal["free", "busy", "away"]


class Colleagues(msgspec.Struct, frozen=True):
    """By id."""

    colleagues: dict[str, Colleague]


class RetentionCustomer(msgspec.Struct, frozen=True):
    """Figures that are not known are left out; `at`: when they were made, wall seconds."""

    campaign: str
    customer: str
    name: str
    segment: str
    kind: str
    language: str
    numbers: list[str]
    at: float
    value: float
    score: float
    retention_risk: float
    growth: float
    days_since_complaint: float | None = None
    days_to_contract_end: float | None = None


class RetentionList(msgspec.Struct, frozen=True):
    """`of` so many customers the most valuable; without a `queue` nobody can be called."""

    campaign: str
    name: dict[str, str]
    action: dict[str, str]
    queue: str
    of: int
    customers: list[RetentionCustomer]


class RetentionLists(msgspec.Struct, frozen=True):
    campaigns: list[RetentionList]


class WaitingCall(msgspec.Struct, frozen=True):
    contact: str
    number: str
    name: str
    queued_at: float
    step: int
    rings: bool


class WaitingCalls(msgspec.Struct, frozen=True):
    calls: list[WaitingCall]


class StoryEvent(msgspec.Struct, frozen=True):
    at: float
    event: str
    data: dict[str, Any]


class Explanation(msgspec.Struct, frozen=True):
    """`waiting` is null while the engine is away; see docs/explain.md."""

    contact: str
    story: list[StoryEvent]
    state: str
    waiting: list[dict[str, Any]] | None


class Promise(msgspec.Struct, frozen=True):
    """Quantiles of the wait in seconds; null while there is nothing to go by."""

    p50: float | None = None
    p80: float | None = None
    p95: float | None = None


class WishTaken(msgspec.Struct, frozen=True):
    """`already`: this number had one open."""

    id: str
    contact: str
    queue: str
    state: str
    already: bool
    wait_s: Promise | None


class WishState(msgspec.Struct, frozen=True):
    id: str
    contact: str
    queue: str
    state: str
    asked_at: str
    calls: int
    wait_s: Promise | None


class Health(msgspec.Struct, frozen=True):
    ok: bool
    broker: bool
    engine: bool
    pages: int
    seq: int | None
    malformed: int
    events_given_up: int
