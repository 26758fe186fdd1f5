"""The call detail record: a pure fold over one contact's events; a day's event log can rebuild every record.

Who talked with the caller has a segment, in the order of beginning; in a conference several run at once. Of the call as
a whole: wait, ring and `bridged_at` are the first conversation's (wait from the first queueing to it, or to leaving;
ring from the phone's first 180 to its answer), talk and hold are of all, and of the time in which the caller had
somebody; hold is not talk. `agent` is who had the call last, disposition and note the last that an agent gave.
`queue` is the last one it stood in. `transfers` are `who:outcome`.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from cti_engine.core import events as ev
from cti_engine.core import party_events
from cti_engine.core.end_causes import AGENT_HANG_UP


@dataclass(slots=True)
class Segment:
    """The part of `agent`, or of whoever answered `number`: `role` is `agent`, `conferee` from the joining on, or
    `supervisor` who has taken the call over.

    `queue`, `waited_s` and `ring_s`: how the agent got the call; no queue when a flow or an agent gave it. `ended`: the
    call's cause, `left`, or how it was handed over, as `blind:john`. Times as in `Cdr`.
    """

    agent: str
    number: str
    role: str
    bridged_at: float
    queue: str = ""
    waited_s: float = 0.0
    ring_s: float = 0.0
    ended_at: float = 0.0
    talk_s: float = 0.0
    hold_s: float = 0.0
    wrap_up_s: float = 0.0
    disposition: str = ""
    note: str = ""
    ended: str = ""
    wrap_up_at: float = 0.0

    @property
    def handled_s(self) -> float:
        return self.ring_s + self.talk_s + self.hold_s + self.wrap_up_s


@dataclass(slots=True)
class Monitored:
    """`supervisor` listened to `agent` from `began_at` on, so many seconds in each mode. `ended`: how."""

    supervisor: str
    agent: str
    began_at: float
    listen_s: float = 0.0
    whisper_s: float = 0.0
    barge_s: float = 0.0
    ended: str = ""
    mode: str = ""
    mode_at: float = 0.0


@dataclass(slots=True)
class Cdr:
    """Times `..._at` in wall seconds (0 = never), `..._s` in seconds. `cause` is `party/name`. `recording_consent`:
    `agreed` or `refused`, of a caller who was asked. `due_at`: for when the agent `promised_by` has promised it.

    `segments`: who talked with the caller; `monitored`: who listened in. `survey`: answers by question; of a spoken one
    its file. Where an agent hung up and the caller went on in a flow, `cause` and talk are the conversation's, and the
    rest is `after_call_s`.
    """

    contact: str = ""
    kind: str = "voice"
    origin: str = ""
    ani: str = ""
    dnis: str = ""
    name: str = ""
    source: str = ""
    customer: str = ""
    segment: str = ""
    language: str = ""
    arrived_at: float = 0.0
    due_at: float = 0.0
    promised_by: str = ""
    answered_at: float = 0.0
    queued_at: float = 0.0
    bridged_at: float = 0.0
    ended_at: float = 0.0
    closed_at: float = 0.0
    queue: str = ""
    agent: str = ""
    wait_s: float = 0.0
    ring_s: float = 0.0
    talk_s: float = 0.0
    hold_s: float = 0.0
    wrap_up_s: float = 0.0
    offers: int = 0
    missed_offers: list[str] = field(default_factory=list)
    transfers: list[str] = field(default_factory=list)
    flow_path: list[str] = field(default_factory=list)
    outcome: str = ""
    cause: str = ""
    party: str = ""
    sip_code: int = 0
    q850: int = 0
    disposition: str = ""
    note: str = ""
    recording_consent: str = ""
    recording: str = ""
    recording_s: float = 0.0
    after_call_s: float = 0.0
    survey: dict[str, object] = field(default_factory=dict)
    segments: list[Segment] = field(default_factory=list)
    monitored: list[Monitored] = field(default_factory=list)
    held_at: float = 0.0
    talking_since: float = 0.0
    spoken_s: float = 0.0
    after_call_at: float = 0.0

    def apply(self, event: ev.Event, at: float) -> None:
        """Take one event of this contact that happened at wall time `at`."""
        match event:
            case ev.CallArrived():
                self.contact, self.ani, self.dnis = event.contact, event.ani, event.dnis
                self.name, self.source, self.arrived_at = event.name, event.source, at
                self.kind, self.origin = event.kind, event.origin
                self.outcome = "left_in_menu"
            case ev.CallbackRequested():
                self.contact, self.ani, self.dnis = event.contact, event.number, event.dnis
                self.name, self.source, self.arrived_at = event.name, event.source, at
                self.kind, self.origin = "callback", event.origin
            case ev.CallbackScheduled():
                self.due_at, self.promised_by = event.due_at, event.agent
            case ev.CallbackEnded():
                self.outcome = self.outcome or event.outcome
            case ev.DialStarted():
                self.contact, self.ani, self.dnis = event.contact, event.number, event.shown
                self.name, self.source, self.arrived_at = event.name, f"agent:{event.agent}", at
                self.kind, self.agent, self.outcome = "outbound", event.agent, "not_reached"
            case ev.CallAnswered():
                self.answered_at = at
            case ev.CallAttributesSet():
                known = event.attributes
                self.customer = str(known.get("customer", self.customer))
                self.segment = str(known.get("segment", self.segment))
                self.language = str(known.get("language", self.language))
                self.name = str(known.get("name", self.name))
                self.recording_consent = str(known.get("recording_consent", self.recording_consent))
            case ev.IvrStepEntered():
                self.flow_path.append(f"{event.flow}.{event.step}")
            case ev.SurveyAnswered():
                self.survey[event.question] = event.recording if event.answer is None else event.answer
            case ev.MessageLeft():
                self.outcome = "left_message"
            case ev.CallQueued():
                self.queue, self.outcome = event.queue, "abandoned"
                self.queued_at = self.queued_at or at
            case ev.CallOffered():
                self.offers += 1
            case ev.OfferEnded():
                self.missed_offers.append(f"{event.agent}:{event.outcome}")
            case ev.CallBridged():
                self.agent, self.outcome = event.agent, "answered"
                self._begins(at, event.agent, "", "agent", event.queue, event.waited_s, event.rang_s)
            case ev.TransferEnded():
                self.transfers.append(f"{event.agent or event.number}:{event.outcome}")
                if event.outcome == "answered" and not event.agent:
                    self.outcome = "transferred"
                    self._begins(at, "", event.number, "agent", "", self.wait_s, event.rang_s)
            case party_events.PartyJoined():
                self._begins(at, event.agent, event.number, "conferee")
            case party_events.PartyLeft():
                self._ends(
                    at,
                    self._part_of(event.agent, event.number),
                    f"dropped:{event.by}" if event.by else "left",
                )
            case party_events.CallHandedOver():
                self._handed_over(event, at)
            case party_events.MonitorStarted():
                self.monitored.append(
                    Monitored(event.supervisor, event.listened, at, mode=event.mode, mode_at=at)
                )
            case party_events.MonitorModeChanged():
                self._mode_over(at, event.mode, "")
                last = self.monitored[-1]
                if last.agent != event.listened:
                    last.ended = "handed_over"
                    self.monitored.append(
                        Monitored(event.supervisor, event.listened, at, mode=event.mode, mode_at=at)
                    )
            case party_events.MonitorEnded():
                self._mode_over(at, "", event.outcome)
            case ev.CallHeld():
                self._held(event.held, at)
            case ev.CallAbandoned():
                self._waited(event.waited_s)
            case ev.QueueLeft():
                self._waited(event.waited_s)
                self.outcome = "callback" if event.reason == "callback" else "flowed_out"
            case ev.RecordingStored():
                self.recording, self.recording_s = event.path, event.seconds
            case ev.AfterCallStarted():
                self._talked(at, AGENT_HANG_UP.party, AGENT_HANG_UP.name, 0, AGENT_HANG_UP.q850)
                self.after_call_at = at
            case ev.CallEnded():
                self.ended_at = at
                if self.after_call_at:
                    self.after_call_s = max(0.0, at - self.after_call_at)
                else:
                    self._talked(at, event.party, event.cause, event.sip_code, event.q850)
                if self.outcome == "left_in_menu" and event.party != "caller":
                    self.outcome = "refused" if not self.answered_at else "ended_in_menu"
            case ev.WrapUpStarted():
                segment = self._last_part(event.agent, event.supervisor)
                if segment is not None:
                    segment.wrap_up_at = at
            case ev.WrapUpEnded():
                self._wrapped_up(event, at)
            case ev.ContactClosed():
                self.closed_at = at
            case _:
                return

    def _talked(self, at: float, party: str, cause: str, sip_code: int, q850: int) -> None:
        """The conversation is over, if there was one, by this party."""
        self._held(False, at)
        self.cause, self.party, self.sip_code, self.q850 = f"{party}/{cause}", party, sip_code, q850
        for segment in self._open():
            self._ends(at, segment, self.cause)

    def _mode_over(self, at: float, mode: str, ended: str) -> None:
        """Of whoever listens now, if anybody does."""
        last = self.monitored[-1] if self.monitored else None
        if last is None or last.ended:
            return
        name = f"{last.mode}_s"
        setattr(last, name, getattr(last, name) + max(0.0, at - last.mode_at))
        last.mode, last.mode_at, last.ended = mode, at, ended

    def _held(self, held: bool, at: float) -> None:
        if held:
            self.held_at = self.held_at or at
        elif self.held_at:
            if self.talking_since:
                self.hold_s += max(0.0, at - max(self.held_at, self.talking_since))
            for segment in self._open():
                segment.hold_s += max(0.0, at - max(self.held_at, segment.bridged_at))
            self.held_at = 0.0

    # --- segments ----------------------------------------------------------------------------------

    def _open(self) -> list[Segment]:
        return [segment for segment in self.segments if not segment.ended_at]

    def last_of(self, agent: str) -> Segment | None:
        """The latest part of this agent."""
        return next((each for each in reversed(self.segments) if agent and each.agent == agent), None)

    def _last_part(self, agent: str, supervisor: str) -> Segment | None:
        parts = [one for one in self.segments if supervisor and not one.agent and one.number == supervisor]
        return parts[-1] if parts else self.last_of(agent)

    def _part_of(self, agent: str, number: str) -> Segment | None:
        """The one that runs."""
        parts = [each for each in self._open() if (each.agent, each.number) == (agent, number)]
        return parts[-1] if parts else None

    def _begins(
        self,
        at: float,
        agent: str,
        number: str,
        role: str,
        queue: str = "",
        waited_s: float = 0.0,
        ring_s: float = 0.0,
    ) -> None:
        if not self.bridged_at:
            self.bridged_at, self.wait_s, self.ring_s = at, waited_s, ring_s
        self.talking_since = self.talking_since or at
        self.segments.append(Segment(agent, number, role, at, queue, waited_s, ring_s))

    def _ends(self, at: float, segment: Segment | None, how: str) -> None:
        if segment is None:
            return
        if self.held_at:
            segment.hold_s += max(0.0, at - max(self.held_at, segment.bridged_at))
        segment.ended_at, segment.ended = at, how
        segment.talk_s = max(0.0, at - segment.bridged_at - segment.hold_s)
        if not self._open():
            if self.held_at:
                self.hold_s += max(0.0, at - max(self.held_at, self.talking_since))
            self.spoken_s += max(0.0, at - self.talking_since)
            self.talk_s = max(0.0, self.spoken_s - self.hold_s)
            self.talking_since = self.held_at = 0.0

    def _handed_over(self, event: party_events.CallHandedOver, at: float) -> None:
        to = event.to_agent or event.to_number or event.to_queue or (str(event.slot) if event.slot else "")
        self._ends(at, self._part_of(event.agent, event.supervisor), f"{event.how}:{to}")
        if event.how == "taken_over":
            self._begins(at, "", event.to_number, "supervisor")
        elif event.how == "attended" and event.to_number:
            self.outcome = "transferred"
            self._begins(at, "", event.to_number, "agent")
        elif event.how == "left" and event.to_agent:
            self.agent = event.to_agent

    def _wrapped_up(self, event: ev.WrapUpEnded, at: float) -> None:
        segment = self._last_part(event.agent, event.supervisor)
        if segment is None:
            return
        segment.wrap_up_s = max(0.0, at - segment.wrap_up_at)
        segment.disposition, segment.note = event.disposition, event.note
        self.wrap_up_s = sum(each.wrap_up_s for each in self.segments)
        given = [each for each in self.segments if each.disposition or each.note]
        if given:
            self.disposition, self.note = given[-1].disposition, given[-1].note

    def _waited(self, seconds: float) -> None:
        if not self.bridged_at:
            self.wait_s = seconds

    def record(self) -> dict[str, object]:
        """The closed record as JSON-like values, without the fold's own marks."""
        values = {name: copy(getattr(self, name)) for name in RECORDED}
        values["segments"] = [
            {name: value for name, value in asdict(segment).items() if name != "wrap_up_at"}
            for segment in self.segments
        ]
        values["monitored"] = [
            {name: value for name, value in asdict(one).items() if name not in ("mode", "mode_at")}
            for one in self.monitored
        ]
        return values


_MARKS = ("held_at", "talking_since", "spoken_s", "after_call_at")
RECORDED = tuple(f.name for f in fields(Cdr) if f.name not in _MARKS)
"""The fields of a record, in order."""


def fold(happened: list[tuple[float, ev.Event]]) -> Cdr:
    """Rebuild a record from a contact's events in order."""
    cdr = Cdr()
    for at, event in happened:
        cdr.apply(event, at)
    return cdr


def agents_in(record: Mapping[str, Any]) -> list[str]:
    """Whoever had a part in the contact of this closed record, by id."""
    parts = record.get("segments") or ()
    return sorted({str(record.get("agent") or ""), *(str(part["agent"]) for part in parts)} - {""})
