"""Events about a customer: what is known later, granted, found out, answered, done about a ticket."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CustomerFilledIn:
    """The CRM has answered, or will not: what nothing was known of before, by the profile's keys, and with `crm` how it
    stands now (answered, away). `agent`: on whose page it is.
    """

    contact: str
    agent: str
    profile: dict[str, object]


@dataclass(frozen=True, slots=True)
class TicketChanged:
    """As it is after the change. `contact`: in which it was opened. `due_at`: wall seconds, 0 for never. `steps`:
    what happened, {at, author, step}; `author` is empty for what the rules did.
    """

    contact: str
    ticket: int
    customer: str
    category: str
    subject: str
    state: str
    priority: int
    owner: str
    queue: str = ""
    due_at: float = 0.0
    resolution: str = ""
    steps: tuple[dict[str, object], ...] = ()


@dataclass(frozen=True, slots=True)
class GrantAsked:
    """`agent` wants to grant more than the `limit` of now: a supervisor decides. `grant` is its id."""

    contact: str
    agent: str
    grant: str
    customer: str
    segment: str
    amount: float
    currency: str
    reason: str
    limit: float


@dataclass(frozen=True, slots=True)
class GrantMade:
    """`agent` has granted `customer` so much, for this reason; above the limit because `approved_by` said so."""

    contact: str
    agent: str
    grant: str
    customer: str
    segment: str
    amount: float
    currency: str
    reason: str
    approved_by: str = ""


@dataclass(frozen=True, slots=True)
class GrantRefused:
    """The supervisor `by` does not want it."""

    contact: str
    agent: str
    grant: str
    by: str


@dataclass(frozen=True, slots=True)
class GuideAnswered:
    """`agent` has answered what the `step` of a `guide` asks; a later answer to it takes this one's place.

    `field` is what it is about, `into` where it belongs: `note`, among the customer's notes, or `ticket`.
    `said` is question and answer in words, by language.
    """

    contact: str
    agent: str
    customer: str
    guide: str
    step: str
    field: str
    into: str
    answer: str
    said: dict[str, str]


@dataclass(frozen=True, slots=True)
class SurveyAnswered:
    """The caller has answered the `question` of a `survey` (a flow): `answer` on `scale` (`1-5`) by `way` (key or
    voice), about the conversation with `agent` out of `queue`, both empty before one.

    A spoken comment has no scale and no answer: it is `recording`, so many seconds. `customer` and `number`: whose
    answer it is, as far as is known.
    """

    contact: str
    survey: str
    question: str
    scale: str
    answer: int | None
    way: str
    agent: str
    queue: str
    recording: str = ""
    seconds: float = 0.0
    customer: str = ""
    number: str = ""


@dataclass(frozen=True, slots=True)
class CustomerErased:
    """Records and events name somebody no more, by the `erasure` of this number; `pseudonym` stands where the customer
    and their numbers stood. How many of them, and how many recordings are deleted; `kept`: files that stay by wish.
    """

    erasure: int
    pseudonym: str
    records: int
    events: int
    recordings: int
    kept: tuple[str, ...] = ()
