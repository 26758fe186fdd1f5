"""What the admin wrote, validated: agents, queues, dialled numbers and flows as one immutable, versioned set.

Built from YAML by `cti_engine.definitions`; a running call keeps the version it began with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cti_engine.core.customers.crm import Crm
from cti_engine.core.customers.guides import Guide
from cti_engine.core.customers.offer_rules import OfferRules
from cti_engine.core.customers.segment_rules import UNSEGMENTED, Campaign, SegmentRules
from cti_engine.core.customers.ticket_rules import NO_TICKETS, TicketRules
from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.values import Type
from cti_engine.core.hours import DAY, UTC_ZONE, Calendar, Spans, Zone
from cti_engine.core.ivr.flow import Flow
from cti_engine.core.routing.handle_times import DEFAULT, LevelLimits
from cti_engine.core.routing.model import ProfileQueue, ServiceClasses, StepRule
from cti_engine.core.services import Service, Webhook


@dataclass(frozen=True, slots=True)
class AgentDefinition:
    """`id` is the SIP user too, `extension` the number that callers know. `attributes`: bool, proficiency 1-10, or a
    declared text. `cost` in cents an hour. `capacity`: contacts at once. `shift` names when they work, empty: at any
    hour. `group`: whose handle times theirs are learned with. `auto_answer`: the phone answers by itself.
    """

    id: str
    name: str
    attributes: Mapping[str, bool | int | str] = field(default_factory=dict)
    site: str = "main"
    profile: str = ""
    capacity: int = 1
    cost: int = 0
    shift: str = ""
    group: str = ""
    extension: str = ""
    auto_answer: bool = False

    @property
    def team(self) -> str:
        """The group; without one the profile, without that the site."""
        return self.group or self.profile or self.site


@dataclass(frozen=True, slots=True)
class AfterCall:
    """The flow for callers whose agent has hung up: for a `share` of them, each number and each customer once in
    `at_most_every` seconds (0: as often as they call).
    """

    flow: str
    share: float = 1.0
    at_most_every: float = 0.0


@dataclass(frozen=True, slots=True)
class QueueDefinition:
    """Times in seconds. `members`: agents who could serve it, worked out from `members:`, `require:` or `steps:`.

    Without `steps` its one step takes exactly the `members`. `exhausted`: stay_on_last, any_member or overflow, then
    to the queue or flow `overflow_to`; so `full_to` when `full_over` calls wait (0: never full). `ageing`: points a
    second. `on_time_out` names the flow for a caller who has waited `max_wait`; empty: the call is ended.
    `abandons` ignore, penalise or credit: how the shown service level counts them; below `short_abandon` never.
    `value`: (attribute, weight), an agent's points in a burst. `source`: file and line.
    `auto_answer`: its agents' phones answer by themselves.
    """

    id: str
    name: str
    members: tuple[str, ...]
    treatment: str = ""
    priority: int = 0
    ring_timeout: float = 20.0
    wrap_up: float = 30.0
    max_wait: float = 600.0
    on_time_out: str = ""
    service_level_threshold: float = 20.0
    service_level_target: float = 0.8
    abandons: str = "ignore"
    short_abandon: float = 5.0
    steps: tuple[StepRule, ...] = ()
    from_enqueue: bool = False
    exhausted: str = "stay_on_last"
    overflow_to: str = ""
    full_over: int = 0
    full_to: str = ""
    ageing: float = 1.0
    longest_wait_cap: float | None = None
    classes: ServiceClasses | None = None
    source: str = ""
    levels: LevelLimits = DEFAULT
    value: tuple[tuple[str, int], ...] = ()
    after_call: AfterCall | None = None
    auto_answer: bool = False


@dataclass(frozen=True, slots=True)
class DialledNumber:
    """`priority` (points) and `head_start` (seconds) are given to every call that came in on this number."""

    number: str
    flow: str
    language: str
    priority: int = 0
    head_start: float = 0.0


@dataclass(frozen=True, slots=True)
class PriorityRule:
    """A call for which `when` holds as it is queued gets so many points and seconds."""

    when: Condition
    add: int = 0
    head_start: float = 0.0


@dataclass(frozen=True, slots=True)
class Site:
    """`callers`: beginnings of the numbers (E.164) that belong here. `near`: other sites, nearest first."""

    id: str
    callers: tuple[str, ...] = ()
    near: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Region:
    """Where callers are, by the beginnings of their numbers, the languages likely there, and their `zone` if known."""

    id: str
    callers: tuple[str, ...]
    languages: tuple[str, ...] = ()
    zone: Zone | None = None


@dataclass(frozen=True, slots=True)
class Shift:
    """`days`: 0 is Monday. `begins` and `ends` in minutes after midnight; an end before the begin is next day's."""

    id: str
    days: tuple[int, ...]
    begins: int
    ends: int


@dataclass(frozen=True, slots=True)
class OverflowLink:
    """Calls of `queue` wait in `lender` too while it is open: from the moment somebody waits `open_wait` seconds or
    service level falls under `open_level`, until nobody waits over `close_wait` and it is over `close_level`;
    never while the lender's own service level is below `lend_above`.
    """

    queue: str
    lender: str
    open_wait: float | None = None
    open_level: float | None = None
    close_wait: float = 0.0
    close_level: float = 0.0
    lend_above: float = 0.0


@dataclass(frozen=True, slots=True)
class CallLimits:
    """Seconds. `pop_wait`: how long a ring waits for the painted pop (decision 3)."""

    pop_wait: float = 0.15
    look_up: float = 0.25
    answer: float = 10.0
    maximum_length: float = 7200.0
    rona_before_not_ready: int = 1
    rona_cool_down: float = 30.0


@dataclass(frozen=True, slots=True)
class CallbackRules:
    """`numbers`: beginnings of the numbers that may be dialled beside the caller's own; `trunk`: by which, if not by
    the one the call came in on. `within`, `tries` and `retry_after` are for callbacks that no flow asks for. Seconds.
    """

    numbers: tuple[str, ...] = ()
    trunk: str = ""
    ring_timeout: float = 30.0
    within: float = 14_400.0
    tries: int = 3
    retry_after: float = 300.0
    zone: Zone = UTC_ZONE
    hours: str = ""
    customer_hours: Spans = ()
    ahead: float = 60.0 * DAY
    grace: float = 300.0


@dataclass(frozen=True, slots=True)
class TransferRules:
    """`numbers`: beginnings of the numbers that a flow may dial as its caller wants, beside those written in it, and
    that agents may; `trunk`: by which, when the step says none (empty: phones registered here). `supervisors`: agents
    to whom others escalate calls, in that order; `escalation_queue`: where to when none is free. `park_for` seconds.
    """

    numbers: tuple[str, ...] = ()
    trunk: str = ""
    supervisors: tuple[str, ...] = ()
    escalation_queue: str = ""
    park_for: float = 120.0


@dataclass(frozen=True, slots=True)
class DialPermission:
    """These `agents` and the agents of these `profiles` may call numbers that begin so, and show the number `shows`
    (empty: the rules').
    """

    numbers: tuple[str, ...]
    agents: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    shows: str = ""


@dataclass(frozen=True, slots=True)
class OutboundRules:
    """Calls that agents make; without `permissions` nobody may. `never`: beginnings of numbers that nobody calls, such
    as those that cost much. `trunk`: by which (empty: phones registered here). `ring_timeout`: seconds.
    """

    permissions: tuple[DialPermission, ...] = ()
    never: tuple[str, ...] = ()
    trunk: str = ""
    shows: str = ""
    ring_timeout: float = 45.0


@dataclass(frozen=True, slots=True)
class EmergencyRules:
    """What phones registered here, and agents' pages, may dial before all other rules (`policy` allow), by `trunk`,
    or are told that they may not (refuse). Without `numbers` nothing has been decided. `language`: of a refusal.
    """

    numbers: tuple[str, ...] = ()
    policy: str = "refuse"
    trunk: str = ""
    language: str = "en"

    @property
    def allowed(self) -> bool:
        return self.policy == "allow" and bool(self.trunk)

    @staticmethod
    def flow(number: str) -> str:
        """The id of the flow of a phone that dials this number."""
        return f"emergency_{number}"


CONSENT = "recording_consent"
"""The attribute of a call whose caller was asked: `agreed` or `refused`."""


@dataclass(frozen=True, slots=True)
class RecordingNotice:
    """What callers of these dialled `numbers`, by these `trunks` (empty: all), are told before they are recorded.
    `consent`: `announce`, `ask` (who does not agree is not recorded) or `none`. `say`: the sentences by language.
    Of calls that we make the number is the one shown, and the trunk the one by which they go.
    """

    consent: str
    numbers: tuple[str, ...] = ()
    trunks: tuple[str, ...] = ()
    say: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def flow(index: int, target: str) -> str:
        """The id of the flow in front of `target`, of the notice at `index`."""
        return f"recording_{index}_{target}"


@dataclass(frozen=True, slots=True)
class SupervisionRules:
    """`visible`: an agent is shown who listens to them."""

    visible: bool = True


@dataclass(frozen=True, slots=True)
class CallMeRules:
    """What the company's web site may ask for: callbacks in these `queues`, while the calendar `hours` is open (empty:
    always), with these `attributes` of the call and their types. `number` counts as the one that was dialled, and is
    shown to the phone that is called. Which numbers are called: `CallbackRules`.
    """

    queues: tuple[str, ...]
    number: str = ""
    hours: str = ""
    attributes: Mapping[str, Type] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Disposition:
    code: str
    label: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CenterDefinitions:
    """The whole set. `version` changes with any file's content. `recordings`: by language and sentence its own file.

    `written_flows`: those of `flows` that have a file; the others follow from settings (emergency numbers, notices).
    """

    version: str
    agents: Mapping[str, AgentDefinition]
    queues: Mapping[str, QueueDefinition]
    dialled_numbers: Mapping[str, DialledNumber]
    flows: Mapping[str, Flow]
    not_ready_reasons: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    dispositions: Mapping[str, Disposition] = field(default_factory=dict)
    profiles: Mapping[str, Mapping[str, ProfileQueue]] = field(default_factory=dict)
    priorities: tuple[PriorityRule, ...] = ()
    re_caller_within: float = 0.0
    sites: Mapping[str, Site] = field(default_factory=dict)
    regions: Mapping[str, Region] = field(default_factory=dict)
    shifts: Mapping[str, Shift] = field(default_factory=dict)
    overflow: tuple[OverflowLink, ...] = ()
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    services: Mapping[str, Service] = field(default_factory=dict)
    webhooks: Mapping[str, Webhook] = field(default_factory=dict)
    crm: Crm | None = None
    recordings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    burst: bool = False
    limits: CallLimits = CallLimits()
    callbacks: CallbackRules = CallbackRules()
    call_me: CallMeRules | None = None
    transfers: TransferRules = TransferRules()
    outbound: OutboundRules = OutboundRules()
    emergency: EmergencyRules = EmergencyRules()
    supervision: SupervisionRules = SupervisionRules()
    segments: SegmentRules = UNSEGMENTED
    campaigns: Mapping[str, Campaign] = field(default_factory=dict)
    guides: Mapping[str, Guide] = field(default_factory=dict)
    tickets: TicketRules = NO_TICKETS
    record_calls: bool = True
    notices: tuple[RecordingNotice, ...] = ()
    written_flows: frozenset[str] = frozenset()
    offer_rules: OfferRules = field(default_factory=OfferRules)

    _teams: dict[str, tuple[str, ...]] = field(default_factory=dict, init=False, compare=False, repr=False)

    @property
    def all_numbers(self) -> frozenset[str]:
        """What the edge lets in; who of them may dial which is the core's to say."""
        return frozenset((*self.dialled_numbers, *self.emergency.numbers))

    def teams(self, queue: str) -> tuple[str, ...]:
        """The groups with an agent who could serve the queue, sorted. Found once: a look at all its members."""
        found = self._teams.get(queue)
        if found is None:
            members = self.queues[queue].members
            there = {self.agents[member].team for member in members if member in self.agents}
            found = self._teams[queue] = tuple(sorted(there))
        return found
