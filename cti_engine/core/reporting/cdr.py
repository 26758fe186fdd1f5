"""The call detail record: a pure fold over one contact's events; a day's event log can rebuild every record.

Wait counts from the first queueing to the bridge (or to leaving); ring is the answered offer's, from the phone's
first 180 to its answer; hold is not talk. `transfers` are `who:outcome`.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field, fields

from cti_engine.core import events as ev
from cti_engine.core.end_causes import AGENT_HANG_UP


@dataclass(slots=True)
class Cdr:
    """Times `..._at` in wall seconds (0 = never), `..._s` in seconds. `cause` is `party/name`.

    `survey`: answers by question; of a spoken one its file. Where an agent hung up and the caller went on in a flow,
    `cause` and talk are the conversation's, and the rest is `after_call_s`.
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
    recording: str = ""
    recording_s: float = 0.0
    after_call_s: float = 0.0
    survey: dict[str, object] = field(default_factory=dict)
    held_at: float = 0.0
    after_call_at: float = 0.0
    wrap_up_at: float = 0.0

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
                self.kind = "callback"
            case ev.CallAnswered():
                self.answered_at = at
            case ev.CallAttributesSet():
                known = event.attributes
                self.customer = str(known.get("customer", self.customer))
                self.segment = str(known.get("segment", self.segment))
                self.language = str(known.get("language", self.language))
                self.name = str(known.get("name", self.name))
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
                self.agent, self.bridged_at, self.outcome = event.agent, at, "answered"
                self.wait_s, self.ring_s = event.waited_s, event.rang_s
            case ev.TransferEnded():
                self.transfers.append(f"{event.agent or event.number}:{event.outcome}")
                if event.outcome == "answered" and not event.agent:
                    self.bridged_at, self.ring_s, self.outcome = at, event.rang_s, "transferred"
            case ev.CallHeld():
                self._held(event.held, at)
            case ev.CallAbandoned():
                self.wait_s = event.waited_s
            case ev.QueueLeft():
                self.wait_s = event.waited_s
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
                self.wrap_up_at = at
            case ev.WrapUpEnded():
                self.wrap_up_s = max(0.0, at - self.wrap_up_at)
                self.disposition, self.note = event.disposition, event.note
            case ev.ContactClosed():
                self.closed_at = at
            case _:
                return

    def _talked(self, at: float, party: str, cause: str, sip_code: int, q850: int) -> None:
        """The conversation is over, if there was one, by this party."""
        self._held(False, at)
        self.cause, self.party, self.sip_code, self.q850 = f"{party}/{cause}", party, sip_code, q850
        if self.bridged_at:
            self.talk_s = max(0.0, at - self.bridged_at - self.hold_s)

    def _held(self, held: bool, at: float) -> None:
        if held:
            self.held_at = self.held_at or at
        elif self.held_at:
            self.hold_s += max(0.0, at - self.held_at)
            self.held_at = 0.0

    def record(self) -> dict[str, object]:
        """The closed record as JSON-like values, without the fold's own marks."""
        values = {name: getattr(self, name) for name in RECORDED}
        return {name: copy(value) for name, value in values.items()}


RECORDED = tuple(f.name for f in fields(Cdr) if f.name not in ("held_at", "wrap_up_at", "after_call_at"))
"""The fields of a record, in order."""


def fold(happened: list[tuple[float, ev.Event]]) -> Cdr:
    """Rebuild a record from a contact's events in order."""
    cdr = Cdr()
    for at, event in happened:
        cdr.apply(event, at)
    return cdr
