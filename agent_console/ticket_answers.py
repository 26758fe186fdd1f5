"""What the REST API takes and answers of tickets and past cases, as types."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

Id = Annotated[str, msgspec.Meta(max_length=100)]
Line = Annotated[str, msgspec.Meta(max_length=200)]
Words = Annotated[str, msgspec.Meta(max_length=4000)]
State = Literal["new", "taken", "waiting", "resolved"]


class TicketQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`mine`: open ones of oneself. `queues`: that nobody has taken, of one's queues. `customer`: of the caller on
    one's desk (`contact`), or of `customer` for who may read records. `late` and `all`: open ones, for supervisors.
    """

    of: Literal["mine", "queues", "customer", "late", "all"] = "mine"
    contact: Id = ""
    customer: Id = ""


class NewTicket(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """About the caller on one's desk (`contact`), or about `customer`. `mine`: one's own, else for who of the queue
    takes it. Without `priority` it is the category's. `text` is the first note.
    """

    category: Id
    subject: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    text: Words = ""
    priority: Annotated[int, msgspec.Meta(ge=1, le=9)] | None = None
    contact: Id = ""
    customer: Id = ""
    queue: Id = ""
    mine: bool = True


class TicketChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`give` needs `to`; `comment` and `resolve` need `text` (what worked); `wait` may have `until` (wall seconds);
    with `call_back` the owner calls the customer then; `change` takes `priority` and `category`.
    """

    kind: Literal["take", "give", "release", "wait", "resume", "comment", "resolve", "reopen", "change"]
    text: Words = ""
    to: Id = ""
    until: Annotated[float, msgspec.Meta(ge=0, le=2**40)] | None = None
    priority: Annotated[int, msgspec.Meta(ge=1, le=9)] | None = None
    category: Id = ""
    call_back: bool = False


class TicketShown(msgspec.Struct, frozen=True):
    """`owner` empty: nobody has taken it. Times in wall seconds; `due_at` null: never. `told`: rungs of the ladder that
    have been. `name` is the customer's, `number` the caller's. `call_back_at`: when the owner calls back; `call_back`
    its contact, or why the center has none.
    """

    ticket: int
    customer: str
    name: str
    number: str
    category: str
    subject: str
    priority: int
    state: State
    owner: str
    queue: str
    segment: str
    contact: str
    opened_by: str
    opened_at: float
    due_at: float | None
    follow_up_at: float | None
    closed_at: float | None
    resolution: str
    told: list[str]
    call_back_at: float | None
    call_back: str


class TicketStep(msgspec.Struct, frozen=True):
    """`author` empty: the rules did it. `body` has what was said: text, to, rung, until, priority, category."""

    at: float
    author: str
    step: str
    body: dict[str, Any]


class FoundOut(msgspec.Struct, frozen=True, omit_defaults=True):
    """Question and answer: `texts` by language, else `text`."""

    at: float
    author: str
    text: str
    texts: dict[str, str] = {}


class TicketWithSteps(TicketShown, frozen=True, kw_only=True):
    """The oldest step first. `found_out`: what a guide has asked in the contact in which it was opened."""

    steps: list[TicketStep]
    found_out: list[FoundOut]


class Tickets(msgspec.Struct, frozen=True):
    tickets: list[TicketShown]


class CaseQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`text`: what has been typed so far. Cases of `category` come a little earlier."""

    text: Annotated[str, msgspec.Meta(max_length=1000)]
    category: Id = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=20)] = 5


class PastCase(msgspec.Struct, frozen=True):
    """`score` is comparable within one answer only."""

    ticket: int
    category: str
    subject: str
    resolution: str
    closed_at: float
    score: float


class PastCases(msgspec.Struct, frozen=True):
    """The best first."""

    cases: list[PastCase]
