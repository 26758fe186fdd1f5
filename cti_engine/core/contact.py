"""A contact: the core's object, from a caller's INVITE to the closed record; a call is a voice contact.

    arriving -> in_flow -> queued <-> offered -> talking -> ended -> closed
    talking -> after_call -> ended
    offered -> calling -> talking
    offered -> resting -> queued
    in_flow -> transferring -> talking
    transferring -> in_flow
    talking -> transferring
    talking -> parked -> transferring
    talking -> in_flow
    parked -> in_flow
    calling -> resting
    arriving -> dialling -> talking
    arriving -> scheduled -> queued
    resting -> offered
In `queued` and `offered` the contact keeps its first queue time. In `after_call` the agent has hung up while the caller
is in a flow. Agents wrap up beside all this, several at once: it closes when the last has done so.
A callback begins in `queued`. Its agent answers first: `calling` until the caller is reached too, else `resting` until
its turn comes again. In both it keeps its place. One promised for a time is `scheduled` until then, and goes to
its own agent before all others, from `resting` too. `transferring`: a phone is rung for it (`transfers`), by a flow or
because an agent has handed it over; `parked`: it waits for any agent to pick it up. `dialling`: an agent calls somebody
(`outbound`), and first the agent's phone rings, then the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cti_engine.core.ivr.state import IvrState
from cti_engine.core.machine import table
from cti_engine.core.reporting.cdr import Cdr
from cti_engine.core.routing.model import Standing
from cti_engine.core.routing.wait_estimate import Law

CONTACT = table(
    "contact",
    {
        "arriving": {
            "flow_started": "in_flow",
            "enqueued": "queued",
            "dials": "dialling",
            "scheduled": "scheduled",
            "caller_gone": "ended",
            "system_ended": "ended",
        },
        "dialling": {
            "agent_answered": "dialling",
            "bridged": "talking",
            "agent_gone": "ended",
            "system_ended": "ended",
        },
        "in_flow": {
            "enqueued": "queued",
            "transfer": "transferring",
            "caller_gone": "ended",
            "system_ended": "ended",
        },
        "transferring": {
            "bridged": "talking",
            "not_reached": "in_flow",
            "caller_gone": "ended",
            "system_ended": "ended",
        },
        "queued": {
            "reserved": "offered",
            "left_queue": "in_flow",
            "caller_gone": "ended",
            "system_ended": "ended",
        },
        "offered": {
            "offer_failed": "queued",
            "bridged": "talking",
            "agent_answered": "calling",
            "put_off": "resting",
            "caller_gone": "ended",
            "system_ended": "ended",
        },
        "calling": {"bridged": "talking", "put_off": "resting", "system_ended": "ended"},
        "resting": {"rested": "queued", "reserved": "offered", "system_ended": "ended"},
        "scheduled": {"enqueued": "queued", "system_ended": "ended"},
        "talking": {
            "caller_gone": "ended",
            "agent_gone": "ended",
            "system_ended": "ended",
            "kept": "after_call",
            "transfer": "transferring",
            "parked": "parked",
            "let_go": "in_flow",
        },
        "parked": {
            "transfer": "transferring",
            "let_go": "in_flow",
            "caller_gone": "ended",
            "system_ended": "ended",
        },
        "after_call": {"caller_gone": "ended", "system_ended": "ended"},
        "ended": {"closed": "closed"},
    },
    late={"ended": ["caller_gone", "agent_gone", "system_ended", "offer_failed", "flow_started"]},
    final="closed",
)


IN_QUEUE = ("queued", "offered", "calling", "resting")


@dataclass(slots=True)
class Callback:
    """What a callback knows beside the rest. `target` is dialled, by `trunk` if there is one; times in wall seconds.

    `tried` of `tries` calls to the caller were begun, the last at `dialled_at`, meanwhile `playback` plays to the
    agent; `queue` is where it goes, then the one whose offer that agent took. An appointment is one that the agent
    `by` has promised for `due_at` (else 0), with a `note`, `own` to make it himself.
    """

    requested_at: float
    target: str
    trunk: str
    tries: int
    retry_after: float
    tried: int = 0
    dialled_at: float = 0.0
    playback: str = ""
    queue: str = ""
    due_at: float = 0.0
    by: str = ""
    own: bool = False
    note: str = ""

    @property
    def asked_at(self) -> float:
        """From when on it waits."""
        return self.due_at or self.requested_at


@dataclass(slots=True)
class Transfer:
    """A phone that is rung for the call: of `agent`, whose offer says the rest, or at `number`, by `trunk` if
    there is one, as `leg`; `seconds` long. `by`: the agent who has handed it over; empty: a flow wants it. Times in
    wall seconds, 0 = not yet.
    """

    agent: str
    number: str
    trunk: str
    seconds: float
    begun_at: float
    ringing_at: float = 0.0
    leg: str = ""
    by: str = ""


CONSULTED, CONFEREE = "consulted", "conferee"


@dataclass(slots=True)
class Guest:
    """Somebody in the conversation beside the caller and the agent who has the call: `agent`, or who answers `number`.

    `role`: consulted, who talks with that agent alone, or conferee, who talks with all. `by` asked for it, with a
    `note`. `leg` from the moment it is known; times in wall seconds, 0 = not yet: it rings until `talks_at`. `held`:
    hears `music`. `line`: by which leg the agent talks with them, who has called them from their phone's second line;
    empty: by their own. `refer`: the leg whose phone has asked (REFER) that they get the call when they answer.
    `ringback`: what plays to the agent while it rings.
    """

    role: str
    by: str
    agent: str = ""
    number: str = ""
    trunk: str = ""
    leg: str = ""
    begun_at: float = 0.0
    ringing_at: float = 0.0
    talks_at: float = 0.0
    held: bool = False
    muted: bool = False
    music: str = ""
    note: str = ""
    line: str = ""
    refer: str = ""
    ringback: str = ""

    @property
    def talks(self) -> bool:
        return self.talks_at > 0.0


@dataclass(slots=True)
class Monitor:
    """A supervisor who stands beside the agent `listened`; `mode` as in `supervising`. Times in wall seconds, 0 = not
    yet: the phone rings, as `leg`, until `began_at`.
    """

    supervisor: str
    listened: str
    mode: str
    leg: str
    rang_at: float
    began_at: float = 0.0

    @property
    def listens(self) -> bool:
        return self.began_at > 0.0


@dataclass(slots=True)
class Handed:
    """What the agent who handed the call over says to whoever gets it: `by` them, `how`, and the `note`."""

    by: str
    how: str
    note: str = ""


@dataclass(slots=True)
class Outbound:
    """A call that `agent` makes: `target` is dialled by `trunk` if there is one, when the agent is on the line. Times
    in wall seconds, 0 = not yet. `playback` is what the agent hears meanwhile; `outcome` and `sip_code` of a call that
    came to nothing.
    """

    agent: str
    target: str
    trunk: str
    seconds: float
    dialled_at: float = 0.0
    ringing_at: float = 0.0
    playback: str = ""
    outcome: str = ""
    sip_code: int = 0


VOICE, VOICEMAIL, OUTBOUND = "voice", "voicemail", "outbound"


@dataclass(slots=True)
class Message:
    """What a caller records alone. `queue`: where it goes, empty when only the flow wants it. `survey` and `question`:
    what it answers. `path` is empty as long as nothing is recorded; `seconds` long. `recording`: its id until the
    worker has told that it is stored.
    """

    queue: str = ""
    priority: int = 0
    path: str = ""
    seconds: float = 0.0
    recording: str = ""
    survey: str = ""
    question: str = ""


@dataclass(slots=True)
class Hints:
    """What `agent` was given to sell: `offers` with the customer's affinity to each. `held_out`: nothing is shown.
    `abstained`: the rules that forbid any. `answers` by offer, of all agents of the call.
    """

    agent: str
    offers: dict[str, float] = field(default_factory=dict)
    held_out: bool = False
    abstained: list[str] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Controls:
    """What the agent has set in the conversation. `music`: what plays to the caller on hold or between two agents."""

    held: bool = False
    muted: bool = False
    recording_paused: bool = False
    music: str = ""


@dataclass(slots=True)
class Grant:
    """What `agent` grants the customer: `state` asked, made or refused (`grants`). `at` wall seconds."""

    id: str
    agent: str
    amount: float
    reason: str
    state: str
    at: float


@dataclass(slots=True)
class Contact:
    """Row kind `contact`. Times are wall seconds. `deadlines` maps a name to when it falls due.

    `version` grows with every change of state; requests from pages must carry it (decision 13).
    `queued_at` is the first queue time, `queue_entered_at` this queue's. `flows_begun` counts the flows begun in
    the one moment `flows_begun_at`.
    `excluded` maps an agent to the time until which this call is not offered to them again. `standings`: its place
    in each queue where it waits; `queue` is the first of them, and the one it was answered in; it was joined with
    `step_priority` points of the flow. `laws`: by queue, of the wait that it was promised. `offers`: reservations
    that are out. `agent` and `agent_leg`: who has the call now, or had it last; after a transfer to the outside there
    is a leg without an agent. `guests`: who else talks or is rung; `wrapping_up`: agents who had a part in it.
    `transfer`: while a phone rings for it. `handed`: by the last agent who had it. `slot`: where it is parked since
    `parked_at`. `supervisor`: who has taken the call over and has it now, with `agent_leg` and without an agent,
    since `taken_at`; `noting`: who had until `noting_at`, and may still say how it ended. `refer_failed_at`: when the
    agent's phone was told that its transfer has failed. `monitor`: who listens in. `head_start`
    seconds count as having been waited.
    `guide`: what its agents are guided by, with what they have answered so far, by step.
    `kind`: `voice`, `outbound`, `callback` (`legless`) or `voicemail` (`messages`), which came of the contact `origin`.
    Of `outbound` and `callback` the caller is who is called. `message`:
    of a voicemail what it says, of a call what its caller has recorded in the flow. `recording`: the conversation's,
    until it is stored; `recorded`: the legs of which it records the caller's other side now. `re_caller`: had given up,
    or was cut off, and calls again.
    """

    id: str
    worker: str
    caller_leg: str
    ani: str
    dnis: str
    name: str
    source: str
    language: str
    priority: int
    state: str = "arriving"
    kind: str = "voice"
    version: int = 1
    definitions: str = ""
    attributes: dict[str, object] = field(default_factory=dict)
    profile: dict[str, object] = field(default_factory=dict)
    looked_up: bool = False
    flow: IvrState | None = None
    flows_begun: int = 0
    flows_begun_at: float = 0.0
    path: list[str] = field(default_factory=list)
    queue: str = ""
    queue_seq: int = 0
    queued_at: float = 0.0
    queue_entered_at: float = 0.0
    treatment: str = ""
    queue_priority: int = 0
    step_priority: int = 0
    head_start: float = 0.0
    standings: list[Standing] = field(default_factory=list)
    laws: dict[str, Law] = field(default_factory=dict)
    offers: list[str] = field(default_factory=list)
    agent: str = ""
    agent_leg: str = ""
    excluded: dict[str, float] = field(default_factory=dict)
    guests: list[Guest] = field(default_factory=list)
    recording: str = ""
    recorded: list[str] = field(default_factory=list)
    wrapping_up: list[str] = field(default_factory=list)
    deadlines: dict[str, float] = field(default_factory=dict)
    origin: str = ""
    message: Message | None = None
    cdr: Cdr = field(default_factory=Cdr)
    callback: Callback | None = None
    controls: Controls = field(default_factory=Controls)
    transfer: Transfer | None = None
    handed: Handed | None = None
    slot: int = 0
    parked_at: float = 0.0
    supervisor: str = ""
    taken_at: float = 0.0
    noting: str = ""
    noting_at: float = 0.0
    refer_failed_at: float = 0.0
    outbound: Outbound | None = None
    monitor: Monitor | None = None
    hints: Hints | None = None
    re_caller: bool = False
    grants: list[Grant] = field(default_factory=list)
    guide: str = ""
    guide_answers: dict[str, str] = field(default_factory=dict)

    @property
    def in_queue(self) -> bool:
        return self.state in IN_QUEUE

    @property
    def recordings(self) -> tuple[str, ...]:
        """Whose end the worker has not told yet."""
        of_caller = self.message.recording if self.message is not None else ""
        return tuple(each for each in (self.recording, of_caller) if each)

    def forget_recording(self, recording: str) -> None:
        """Nothing more will be told of it."""
        if self.recording == recording:
            self.recording = ""
        elif self.message is not None and self.message.recording == recording:
            self.message.recording = ""

    @property
    def has_call(self) -> bool:
        """False: nobody is on the line while it waits, so it hears nothing and cannot give up."""
        begun_here = self.callback is not None or self.outbound is not None
        return self.kind == VOICE or (begun_here and self.cdr.bridged_at > 0.0)

    @property
    def agents(self) -> list[str]:
        """Whoever has a part in it now: who has or had it last, guests, and those who wrap up."""
        named = [self.agent, *(guest.agent for guest in self.guests), *self.wrapping_up]
        return [agent for agent in named if agent]

    @property
    def holder(self) -> str:
        """Who has the call, or had it last: an agent, or the supervisor who took it over."""
        return self.supervisor or self.agent

    @property
    def supervisors(self) -> list[str]:
        """Who has it on their desk without being an agent."""
        return [each for each in (self.supervisor, self.noting) if each]

    @property
    def consulted(self) -> Guest | None:
        return next((guest for guest in self.guests if guest.role == CONSULTED), None)

    @property
    def conferees(self) -> list[Guest]:
        return [guest for guest in self.guests if guest.role == CONFEREE]

    def guest_on(self, leg: str) -> Guest | None:
        return next((guest for guest in self.guests if leg and guest.leg == leg), None)

    def guest_called(self, agent: str) -> Guest | None:
        return next((guest for guest in self.guests if agent and guest.agent == agent), None)
