"""Events: facts of the business, append-only, stored before they are published, folded into every report.

Each event is about one contact, agent or queue. Audience and permission stand in `wire/catalogue`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cti_engine.core.callback_events import CallbackAttempted as CallbackAttempted
from cti_engine.core.callback_events import CallbackDue as CallbackDue
from cti_engine.core.callback_events import CallbackEnded as CallbackEnded
from cti_engine.core.callback_events import CallbackRequested as CallbackRequested
from cti_engine.core.callback_events import CallbackScheduled as CallbackScheduled
from cti_engine.core.customer_events import (
    CustomerErased,
    CustomerFilledIn,
    GrantAsked,
    GrantMade,
    GrantRefused,
    GuideAnswered,
    TicketChanged,
)
from cti_engine.core.customer_events import SurveyAnswered as SurveyAnswered
from cti_engine.core.hint_events import HintAnswered, HintsGiven, HintsTakenBack
from cti_engine.core.line_quality import CallerLineChanged
from cti_engine.core.party_events import (
    CallHandedOver,
    ConsultEnded,
    ConsultStarted,
    MonitorEnded,
    MonitorModeChanged,
    MonitorStarted,
    ParkingEnded,
    PartyJoined,
    PartyLeft,
)


@dataclass(frozen=True, slots=True)
class CallArrived:
    """`kind`: `voice`, or `voicemail`: a message, left by the contact `origin`."""

    contact: str
    ani: str
    dnis: str
    name: str
    source: str
    kind: str = "voice"
    origin: str = ""


@dataclass(frozen=True, slots=True)
class CallAnswered:
    """The caller's leg is connected (200 sent): billing starts, the flow can speak."""

    contact: str


@dataclass(frozen=True, slots=True)
class CallAttributesSet:
    contact: str
    attributes: dict[str, object]


@dataclass(frozen=True, slots=True)
class IvrStepEntered:
    contact: str
    flow: str
    step: str


@dataclass(frozen=True, slots=True)
class CallerSpeaking:
    """What a caller seems to be saying, once a second at most; what was understood decides the next step."""

    contact: str
    flow: str
    step: str
    text: str


@dataclass(frozen=True, slots=True)
class FlowMessage:
    """What a flow's `send` step tells the world outside: `name` and `data` are the admin's own."""

    contact: str
    name: str
    data: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AfterCallStarted:
    """The agent has hung up, which ends the conversation; the caller goes on alone in `flow`. `customer` is empty for
    an unknown one, of whom `number` is known.
    """

    contact: str
    agent: str
    queue: str
    flow: str
    customer: str = ""
    number: str = ""


@dataclass(frozen=True, slots=True)
class MessageLeft:
    """The caller has left a message of so many seconds; it waits in `queue` as the contact `message`."""

    contact: str
    message: str
    queue: str
    seconds: float


@dataclass(frozen=True, slots=True)
class CallQueued:
    """`promised`: the wait in seconds by its quantiles 50, 80 and 95 %; zeros when an agent is free, None when there is
    nothing to go by.
    """

    contact: str
    queue: str
    priority: int
    position: int
    promised: tuple[float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class QueueStepAdvanced:
    """A call went from step `left` (-1: it joins) to `step` (from 0; -1: it leaves the queue) of its queue's rules.

    `skipped`: [step, why] with why `consider_if`, `clock` or `nobody`. `pool` agents could take it now, `free` of them
    are free; `condition` is what they meet.
    """

    contact: str
    queue: str
    step: int
    left: int = -1
    skipped: tuple[tuple[int, str], ...] = ()
    pool: int = 0
    free: int = 0
    condition: str = ""


@dataclass(frozen=True, slots=True)
class AgentReserved:
    """The decision: `why` is its record (docs/routing.md, 10)."""

    contact: str
    agent: str
    offer: str
    queue: str
    expires_in: float
    why: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CallOffered:
    """The screen pop (core/pop.py). `path` is what the caller chose, `contacts` the last contacts, newest first.
    `offers`: what to sell, best first, or `no_offers`: why nothing ({rule, ...}). `open_tickets`: theirs that are not
    resolved. `prefers`: the channel on which they like to be reached. `region`, `region_languages`: of a stranger, by
    the number. `calls_again`: how often they have called into this queue lately. `risk`: that they leave ({risk, why}).
    `grant`: what the agent may give ({limit, left, currency}). `crm`: that the outside CRM has not answered ({state,
    imported_at}, and what it has said since); empty where none is asked, or all that it knows is here.

    Of a `kind` other than `voice` no phone rings: the agent accepts it in the page. `message` is its file
    in the recordings folder, of so many seconds. `purpose`: `consult` (the agent `by` has the call and asks
    something), how the agent `by` has handed the call over, `appointment` (`by` has promised this callback), or empty;
    `note` is what they say of it. `appointments`: callbacks that were promised to this number, soonest first, as maps
    of callback, due_at, by, by_name, own, queue and note. `greeting`: in
    `language`. `guide`: by which the agent goes (AgentView).
    """

    contact: str
    offer: str
    agent: str
    number: str
    name: str
    segment: str
    language: str
    queue: str
    waited_s: float
    path: tuple[str, ...] = ()
    contacts: tuple[dict[str, object], ...] = ()
    hints: tuple[dict[str, object], ...] = ()
    offers: tuple[dict[str, object], ...] = ()
    no_offers: tuple[dict[str, object], ...] = ()
    open_tickets: tuple[dict[str, object], ...] = ()
    kind: str = "voice"
    message: str = ""
    message_s: float = 0.0
    purpose: str = ""
    by: str = ""
    by_name: str = ""
    note: str = ""
    appointments: tuple[dict[str, object], ...] = ()
    greeting: str = ""
    guide: str = ""
    company: bool = False
    prefers: str = ""
    region: str = ""
    region_languages: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    intent: str = ""
    calls_again: int = 0
    risk: dict[str, object] = field(default_factory=dict)
    grant: dict[str, object] = field(default_factory=dict)
    crm: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AgentDialled:
    """`shown`: the page had painted the pop; False when the deadline came first or no page is open."""

    contact: str
    agent: str
    offer: str
    leg: str
    shown: bool


@dataclass(frozen=True, slots=True)
class OfferEnded:
    """An offer that did not become a conversation. `outcome`: see `end_causes.OfferOutcome`."""

    contact: str
    agent: str
    offer: str
    outcome: str
    rang_s: float
    sip_code: int = 0


@dataclass(frozen=True, slots=True)
class AgentRona:
    contact: str
    agent: str
    offer: str
    rang_s: float


@dataclass(frozen=True, slots=True)
class CallRequeued:
    """Back in the queue with its first queue time: it stands where it stood."""

    contact: str
    queue: str
    position: int
    waited_s: float


@dataclass(frozen=True, slots=True)
class CallBridged:
    """`agent` has the call; out of no `queue` when a flow or another agent has given it to them."""

    contact: str
    agent: str
    queue: str
    waited_s: float
    rang_s: float


@dataclass(frozen=True, slots=True)
class CallHeld:
    contact: str
    agent: str
    held: bool


@dataclass(frozen=True, slots=True)
class RecordingPaused:
    """The agent has paused the recording (`paused`), or goes on with it."""

    contact: str
    agent: str
    paused: bool


@dataclass(frozen=True, slots=True)
class CallAbandoned:
    contact: str
    queue: str
    waited_s: float


@dataclass(frozen=True, slots=True)
class QueueLeft:
    """A call left a queue without an agent, and not by hanging up.

    `reason`: `time_out`, `flow`, `full` or `overflow` for a rule of the queue; `callback`: its place is a
    callback's; `answered_elsewhere` or `overflow_closed` where it waited in several queues; else the name of the
    cause that ended the call too
    (`end_causes`: maximum_length, worker_lost, leg_lost, engine_away, flow_fault, callback_cancelled, ...).
    """

    contact: str
    queue: str
    waited_s: float
    reason: str


@dataclass(frozen=True, slots=True)
class TransferStarted:
    """A flow has the phone of `agent`, or the one at `number` by `trunk`, rung for the call, `ring_s` seconds long."""

    contact: str
    agent: str
    number: str
    trunk: str
    ring_s: float


@dataclass(frozen=True, slots=True)
class TransferEnded:
    """`outcome`: `answered`, then both talk, or what `end_causes.OfferOutcome` says of a phone."""

    contact: str
    agent: str
    number: str
    outcome: str
    rang_s: float
    sip_code: int = 0


@dataclass(frozen=True, slots=True)
class DialStarted:
    """The first fact of a call that an agent makes: to `number`, by `trunk` if there is one, who sees `shown`. The
    agent's phone rings first.
    """

    contact: str
    agent: str
    number: str
    name: str
    trunk: str
    shown: str


@dataclass(frozen=True, slots=True)
class DialEnded:
    """`outcome`: `answered`, then both talk; what `end_causes.OfferOutcome` says of the other's phone, with `agent_` in
    front of the agent's own; `agent_gone` when the agent gave up; or the name of what ended the call.
    """

    contact: str
    agent: str
    number: str
    outcome: str
    rang_s: float
    sip_code: int = 0


@dataclass(frozen=True, slots=True)
class EmergencyCalled:
    """An emergency number is being dialled by `trunk`: by `agent`, or whoever has that account."""

    contact: str
    agent: str
    number: str
    trunk: str


@dataclass(frozen=True, slots=True)
class EmergencyRefused:
    """An emergency number was asked for and not dialled, by policy or for want of a trunk; `contact` may be empty."""

    contact: str
    agent: str
    number: str


@dataclass(frozen=True, slots=True)
class RecordingStored:
    contact: str
    path: str
    seconds: float


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The caller's leg is over. `cause` and `party` come from `end_causes`."""

    contact: str
    cause: str
    party: str
    sip_code: int
    q850: int


@dataclass(frozen=True, slots=True)
class WrapUpStarted:
    """Of `agent`, or of the `supervisor` who had taken the call over."""

    contact: str
    agent: str
    ends_in: float
    supervisor: str = ""


@dataclass(frozen=True, slots=True)
class WrapUpEnded:
    """`disposition` is empty when the time ran out. `supervisor` as in WrapUpStarted."""

    contact: str
    agent: str
    disposition: str
    note: str
    supervisor: str = ""


@dataclass(frozen=True, slots=True)
class ContactClosed:
    """The last fact of a contact; `cdr` is the record (see reporting.cdr)."""

    contact: str
    cdr: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AgentStateChanged:
    """Status is what the human chose, state what the engine knows; `was_for` seconds in the old pair."""

    agent: str
    status: str
    reason: str
    state: str
    contact: str
    was_status: str
    was_reason: str
    was_state: str
    was_for: float


@dataclass(frozen=True, slots=True)
class PhoneStateChanged:
    agent: str
    registered: bool


@dataclass(frozen=True, slots=True)
class AgentGroupLevelChanged:
    """The agents of `group` take calls of `queue` after their own (`level` 1), or like everybody again (0).

    Handle times in seconds, `ratio` of the group's to the fastest group's; `calls` counts what this rests on. All 0
    when nothing is known of the group any more.
    """

    queue: str
    group: str
    level: int
    handle_time_s: float
    fastest: str
    fastest_s: float
    ratio: float
    calls: float


Event = (
    CallbackRequested | CallbackScheduled | CallbackDue | CallbackAttempted | CallbackEnded | MessageLeft
    | SurveyAnswered | AfterCallStarted
    | CallArrived | CallAnswered | CallAttributesSet | IvrStepEntered | CallerSpeaking | FlowMessage
    | CallQueued | QueueStepAdvanced | AgentReserved | CallOffered | AgentDialled | OfferEnded | AgentRona
    | CallRequeued | CallBridged | CallHeld | RecordingPaused | CallAbandoned | QueueLeft | RecordingStored
    | TransferStarted | TransferEnded | CallEnded | WrapUpStarted | WrapUpEnded | ContactClosed
    | AgentStateChanged | PhoneStateChanged | AgentGroupLevelChanged | ConsultStarted | ConsultEnded
    | CallHandedOver | PartyJoined | PartyLeft | ParkingEnded | DialStarted | DialEnded | EmergencyCalled
    | EmergencyRefused | HintsGiven | HintAnswered | HintsTakenBack | CallerLineChanged
    | CustomerFilledIn | MonitorStarted
    | MonitorModeChanged | MonitorEnded | GrantAsked | GrantMade | GrantRefused | GuideAnswered | TicketChanged
    | CustomerErased
)  # fmt: skip
