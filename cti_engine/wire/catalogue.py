"""The closed list of what the bus carries: every event with its audience and permission, every request.

An event for the audience `agent` has a field `agent`, and reaches the page of that agent only. A request's
arguments are the fields of the signal it becomes, less those that its envelope carries.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Literal

import msgspec

from cti_engine.core import (
    callback_signals,
    customer_events,
    customer_signals,
    events,
    hint_events,
    line_quality,
    party_events,
    party_signals,
    signals,
)
from cti_engine.ports import StoredEvent
from cti_engine.wire import browser_phone, envelope
from cti_engine.wire.envelope import BadMessage, Envelope, Request


class Audience(StrEnum):
    """Whose pages an event is for."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"


class Permission(StrEnum):
    """What an account may do; a role is a set of these."""

    TAKE_CALLS = "take_calls"  # be an agent: own state, own pops, own calls
    WATCH_CENTER = "watch_center"  # see all queues, agents and calls
    STEER_AGENTS = "steer_agents"  # change another agent's state, end another's call
    READ_RECORDS = "read_records"  # CDRs and recordings
    MONITOR_CALLS = "monitor_calls"  # listen to an agent's call, whisper, barge in, take it over
    MERGE_CUSTOMERS = "merge_customers"  # two entries of one customer become one, and two again
    PROTECT_DATA = "protect_data"  # give out and erase all that is known of a customer
    CALL_ME = "call_me"  # have somebody called back who is not on the line: the company's web site
    ADMINISTER = "administer"  # accounts and configuration


ROLES: dict[str, frozenset[Permission]] = {
    "agent": frozenset({Permission.TAKE_CALLS}),
    "supervisor": frozenset(Permission)
    - {Permission.ADMINISTER, Permission.PROTECT_DATA, Permission.CALL_ME},
    "admin": frozenset(Permission),
    "site": frozenset({Permission.CALL_ME}),
}


@dataclass(frozen=True, slots=True)
class EventEntry:
    """`permission` lets an account see every such event; the agent concerned needs none."""

    type: type
    audience: tuple[Audience, ...]
    permission: Permission


def _entry(type_: type, permission: Permission, *audience: Audience) -> tuple[str, EventEntry]:
    return type_.__name__, EventEntry(type_, audience, permission)


_WATCH, _READ = Permission.WATCH_CENTER, Permission.READ_RECORDS
_MONITOR = Permission.MONITOR_CALLS
_AGENT, _SUPERVISOR, _ADMIN = Audience.AGENT, Audience.SUPERVISOR, Audience.ADMIN

EVENTS: dict[str, EventEntry] = dict(
    (
        _entry(events.CallArrived, _WATCH, _SUPERVISOR),
        _entry(events.CallAnswered, _WATCH, _SUPERVISOR),
        _entry(events.CallAttributesSet, _WATCH, _SUPERVISOR),
        _entry(events.IvrStepEntered, _WATCH, _SUPERVISOR),
        _entry(events.CallerSpeaking, _WATCH, _SUPERVISOR),
        _entry(events.FlowMessage, _WATCH, _SUPERVISOR),
        _entry(events.MessageLeft, _WATCH, _SUPERVISOR),
        _entry(events.AfterCallStarted, _WATCH, _AGENT, _SUPERVISOR),
        _entry(events.SurveyAnswered, _WATCH, _SUPERVISOR),
        _entry(events.CallQueued, _WATCH, _SUPERVISOR),
        _entry(events.CallbackRequested, _WATCH, _SUPERVISOR),
        _entry(events.CallbackScheduled, _WATCH, _AGENT, _SUPERVISOR),
        _entry(events.CallbackDue, _WATCH, _AGENT, _SUPERVISOR),
        _entry(events.CallbackAttempted, _WATCH, _AGENT, _SUPERVISOR),
        _entry(events.CallbackEnded, _WATCH, _AGENT, _SUPERVISOR),
        _entry(events.QueueStepAdvanced, _WATCH, _SUPERVISOR),
        _entry(events.AgentReserved, _WATCH, _AGENT, _SUPERVISOR),
        _entry(events.CallOffered, _WATCH, _AGENT, _SUPERVISOR),
        _entry(events.AgentDialled, _WATCH, _AGENT, _SUPERVISOR),
        _entry(events.OfferEnded, _WATCH, _AGENT, _SUPERVISOR),
        _entry(events.AgentRona, _WATCH, _AGENT, _SUPERVISOR),
        _entry(events.CallRequeued, _WATCH, _SUPERVISOR),
        _entry(events.CallBridged, _WATCH, _AGENT, _SUPERVISOR),
        _entry(events.CallHeld, _WATCH, _AGENT, _SUPERVISOR),
        _entry(events.RecordingPaused, _WATCH, _AGENT, _SUPERVISOR),
        _entry(events.CallAbandoned, _WATCH, _SUPERVISOR),
        _entry(events.QueueLeft, _WATCH, _SUPERVISOR),
        _entry(events.TransferStarted, _WATCH, _AGENT, _SUPERVISOR),
        _entry(events.TransferEnded, _WATCH, _AGENT, _SUPERVISOR),
        _entry(party_events.ConsultStarted, _WATCH, _AGENT, _SUPERVISOR),
        _entry(party_events.ConsultEnded, _WATCH, _AGENT, _SUPERVISOR),
        _entry(party_events.CallHandedOver, _WATCH, _AGENT, _SUPERVISOR),
        _entry(party_events.PartyJoined, _WATCH, _AGENT, _SUPERVISOR),
        _entry(party_events.PartyLeft, _WATCH, _AGENT, _SUPERVISOR),
        _entry(party_events.ParkingEnded, _WATCH, _AGENT, _SUPERVISOR),
        _entry(events.DialStarted, _WATCH, _AGENT, _SUPERVISOR),
        _entry(events.DialEnded, _WATCH, _AGENT, _SUPERVISOR),
        _entry(events.EmergencyCalled, _WATCH, _AGENT, _SUPERVISOR),
        _entry(events.EmergencyRefused, _WATCH, _AGENT, _SUPERVISOR),
        _entry(party_events.MonitorStarted, _MONITOR, _AGENT, _SUPERVISOR),
        _entry(party_events.MonitorModeChanged, _MONITOR, _AGENT, _SUPERVISOR),
        _entry(party_events.MonitorEnded, _MONITOR, _AGENT, _SUPERVISOR),
        _entry(customer_events.CustomerFilledIn, _WATCH, _AGENT, _SUPERVISOR),
        _entry(customer_events.TicketChanged, _WATCH, _SUPERVISOR),
        _entry(customer_events.CustomerErased, _READ, _SUPERVISOR, _ADMIN),
        _entry(hint_events.HintsGiven, _WATCH, _SUPERVISOR),
        _entry(hint_events.HintAnswered, _WATCH, _AGENT, _SUPERVISOR),
        _entry(customer_events.GrantAsked, _WATCH, _AGENT, _SUPERVISOR),
        _entry(customer_events.GrantMade, _WATCH, _AGENT, _SUPERVISOR),
        _entry(customer_events.GrantRefused, _WATCH, _AGENT, _SUPERVISOR),
        _entry(customer_events.GuideAnswered, _WATCH, _AGENT, _SUPERVISOR),
        _entry(hint_events.HintsTakenBack, _WATCH, _AGENT, _SUPERVISOR),
        _entry(line_quality.CallerLineChanged, _WATCH, _AGENT, _SUPERVISOR),
        _entry(events.RecordingStored, _READ, _SUPERVISOR, _ADMIN),
        _entry(events.CallEnded, _WATCH, _SUPERVISOR),
        _entry(events.WrapUpStarted, _WATCH, _AGENT, _SUPERVISOR),
        _entry(events.WrapUpEnded, _WATCH, _AGENT, _SUPERVISOR),
        _entry(events.ContactClosed, _READ, _SUPERVISOR, _ADMIN),
        _entry(events.AgentStateChanged, _WATCH, _AGENT, _SUPERVISOR),
        _entry(events.PhoneStateChanged, _WATCH, _AGENT, _SUPERVISOR),
        _entry(events.AgentGroupLevelChanged, _WATCH, _SUPERVISOR),
    )
)


@dataclass(frozen=True, slots=True)
class RequestEntry:
    """`for_others` is the permission to ask it for another agent; None: only that agent himself may.

    `to`: who answers it. The engine's become signals; the gateway's, about the agent's phone in the browser, go there
    by the console and never over the bus.
    """

    signal: type
    permission: Permission
    for_others: Permission | None
    to: Literal["engine", "gateway"] = "engine"


_CALL_ME = Permission.CALL_ME
_TAKE, _STEER = Permission.TAKE_CALLS, Permission.STEER_AGENTS

REQUESTS: dict[str, RequestEntry] = {
    "Ready": RequestEntry(signals.ReadyRequested, _TAKE, _STEER),
    "NotReady": RequestEntry(signals.NotReadyRequested, _TAKE, _STEER),
    "LogOut": RequestEntry(signals.LogOutRequested, _TAKE, _STEER),
    "HangUp": RequestEntry(signals.HangUpRequested, _TAKE, _STEER),
    "Hold": RequestEntry(signals.HoldRequested, _TAKE, None),
    "Mute": RequestEntry(signals.MuteRequested, _TAKE, None),
    "SendDigits": RequestEntry(signals.DigitsRequested, _TAKE, None),
    "PauseRecording": RequestEntry(signals.PauseRecordingRequested, _TAKE, None),
    "Transfer": RequestEntry(party_signals.TransferRequested, _TAKE, None),
    "Consult": RequestEntry(party_signals.ConsultRequested, _TAKE, None),
    "CompleteTransfer": RequestEntry(party_signals.CompleteRequested, _TAKE, None),
    "JoinCall": RequestEntry(party_signals.JoinRequested, _TAKE, None),
    "CancelConsult": RequestEntry(party_signals.CancelConsultRequested, _TAKE, None),
    "DropParty": RequestEntry(party_signals.DropPartyRequested, _TAKE, None),
    "ReturnToQueue": RequestEntry(party_signals.ReturnRequested, _TAKE, None),
    "Park": RequestEntry(party_signals.ParkRequested, _TAKE, None),
    "PickUpParked": RequestEntry(party_signals.PickUpRequested, _TAKE, None),
    "Escalate": RequestEntry(party_signals.EscalateRequested, _TAKE, None),
    "ListTargets": RequestEntry(party_signals.TargetsRequested, _TAKE, None),
    "Dial": RequestEntry(signals.DialRequested, _TAKE, None),
    "ScheduleCallback": RequestEntry(callback_signals.ScheduleCallbackRequested, _TAKE, _STEER),
    "MoveCallback": RequestEntry(callback_signals.MoveCallbackRequested, _TAKE, _STEER),
    "CancelCallback": RequestEntry(callback_signals.CancelCallbackRequested, _TAKE, _STEER),
    "ListCallbacks": RequestEntry(callback_signals.ListCallbacksRequested, _TAKE, _STEER),
    "Monitor": RequestEntry(party_signals.MonitorRequested, _MONITOR, None),
    "MonitorMode": RequestEntry(party_signals.MonitorModeRequested, _MONITOR, None),
    "EndMonitor": RequestEntry(party_signals.MonitorEndRequested, _MONITOR, None),
    "TakeOver": RequestEntry(party_signals.TakeOverRequested, _MONITOR, None),
    "Accept": RequestEntry(signals.AcceptRequested, _TAKE, None),
    "AnswerHint": RequestEntry(signals.HintAnswerRequested, _TAKE, None),
    "OfferShown": RequestEntry(signals.OfferShown, _TAKE, None),
    "SubmitDisposition": RequestEntry(signals.DispositionSubmitted, _TAKE, None),
    "Grant": RequestEntry(customer_signals.GrantRequested, _TAKE, None),
    "CallCampaignCustomer": RequestEntry(customer_signals.CampaignCallRequested, _STEER, None),
    "AnswerGuide": RequestEntry(customer_signals.GuideAnswerRequested, _TAKE, None),
    "DecideGrant": RequestEntry(customer_signals.GrantDecided, _STEER, None),
    "Explain": RequestEntry(signals.ExplainRequested, _WATCH, _WATCH),
    "ListWaiting": RequestEntry(signals.WaitingRequested, _WATCH, _WATCH),
    "CallMe": RequestEntry(signals.CallMeRequested, _CALL_ME, _CALL_ME),
    "PageOpened": RequestEntry(signals.PageOpened, _TAKE, None),
    "PageClosed": RequestEntry(signals.PageClosed, _TAKE, None),
    "ConnectPhone": RequestEntry(browser_phone.ConnectPhone, _TAKE, None, "gateway"),
    "DisconnectPhone": RequestEntry(browser_phone.DisconnectPhone, _TAKE, None, "gateway"),
    "AnswerPhone": RequestEntry(browser_phone.AnswerPhone, _TAKE, None, "gateway"),
    "HangUpPhone": RequestEntry(browser_phone.HangUpPhone, _TAKE, None, "gateway"),
    "TestEcho": RequestEntry(browser_phone.TestEcho, _TAKE, None, "gateway"),
}

ENVELOPE_FIELDS = frozenset({"request", "contact", "state_version"})  # of a signal, not in its args


def envelope_of(stored: StoredEvent) -> Envelope:
    """The live notice of a stored event. Raises KeyError for an event that is not in the catalogue."""
    return Envelope(
        seq=stored.seq,
        at=envelope.rfc3339(stored.at),
        event=stored.event,
        contact=stored.contact,
        audience=EVENTS[stored.event].audience,
        data=stored.data,
    )


def may_see(
    event: str, data: dict[str, Any], permissions: Collection[Permission], agent: str | None = None
) -> bool:
    """Whether an account with `permissions`, who is `agent` (None: no agent), may see this event."""
    entry = EVENTS[event]
    if entry.permission in permissions:
        return True
    return agent is not None and Audience.AGENT in entry.audience and data.get("agent") == agent


def may_see_state(kind: str, id_: str, permissions: Collection[Permission], agent: str | None = None) -> bool:
    """Agents see themselves and every queue; all agents need the permission to watch."""
    if Permission.WATCH_CENTER in permissions:
        return True
    return agent is not None and (kind == "queue" or (kind == "agent" and id_ == agent))


def seen_state(kind: str, data: dict[str, Any], permissions: Collection[Permission]) -> dict[str, Any]:
    """A view as such an account sees it: who listens to an agent only where agents are shown it."""
    hidden = kind == "agent" and data.get("monitor") and not data["monitor"].get("visible")
    if hidden and Permission.MONITOR_CALLS not in permissions:
        return {**data, "monitor": {}}
    return data


def may_ask(name: str, for_agent: str, permissions: Collection[Permission], agent: str | None = None) -> bool:
    """Whether an account with `permissions`, who is `agent`, may ask this in the name of `for_agent`."""
    entry = REQUESTS[name]
    if agent is not None and for_agent == agent:
        return entry.permission in permissions
    return entry.for_others is not None and entry.for_others in permissions


def signal_of(request: Request) -> signals.Signal:
    """The signal that a request becomes. Raises BadMessage for an unknown name or wrong arguments."""
    entry = REQUESTS.get(request.name)
    if entry is None or entry.to != "engine":
        raise BadMessage(f"no request is called {request.name[:40]!r}", "unknown_request")
    wanted = {f.name for f in fields(entry.signal)}
    if "contact" in wanted and not request.contact:
        raise BadMessage(f"{request.name} needs a contact")
    carried = {"request": request.id, "contact": request.contact, "state_version": request.state_version}
    body = {**request.args, **{name: carried[name] for name in wanted & ENVELOPE_FIELDS}}
    try:
        signal: signals.Signal = msgspec.convert(body, entry.signal)
    except msgspec.ValidationError as error:
        raise BadMessage(f"{request.name}: {error}") from error
    return signal
