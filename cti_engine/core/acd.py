"""The ACD: one synchronous entry point, signals in, commands and events out. No clock, no chance, no I/O.

Live calls, tests, simulation and replay all drive this class.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cti_engine.core import (
    adapting_levels,
    call_controls,
    call_me,
    callback_requests,
    callback_signals,
    callbacks,
    campaign_calls,
    consulting,
    conversation,
    customer_signals,
    dial_requests,
    endings,
    erasures,
    flow_runner,
    from_the_phone,
    grants,
    guiding,
    hand_overs,
    hint_answers,
    hints,
    intake,
    messages,
    offers,
    outbound,
    parties,
    party_signals,
    questions,
    recovery,
    requests,
    roster,
    signals,
    supervising,
    targets,
    ticket_changes,
    transfers,
    waiting,
)
from cti_engine.core import (
    end_causes as causes,
)
from cti_engine.core.agent import Agent
from cti_engine.core.center import Center
from cti_engine.core.commands import Command
from cti_engine.core.contact import Contact
from cti_engine.core.definitions import CenterDefinitions
from cti_engine.core.end_causes import OfferOutcome
from cti_engine.core.events import Event
from cti_engine.core.line_quality import LineChanged
from cti_engine.core.reservation import Reservation
from cti_engine.core.routing.build import milliseconds
from cti_engine.core.routing.pool_index import PoolIndex
from cti_engine.core.rows import Row, WorkerNote
from cti_engine.core.view_builder import agent_view, queue_view, supervisor_view
from cti_engine.core.views import AgentView, QueueView


@dataclass(slots=True)
class Outcome:
    """What one signal led to. `events` are (wall seconds, fact) in order; `rows` what to store or delete.

    `agents`, `queues` and `supervisors` are those whose view may have changed: ask `agent_view` and its like before the
    next signal. `late` counts legal races, `anomalies` names inputs that no table allows (told to the log).
    """

    commands: list[Command] = field(default_factory=list)
    events: list[tuple[float, Event]] = field(default_factory=list)
    rows: dict[tuple[str, str], Row | dict[str, object] | None] = field(default_factory=dict)
    agents: set[str] = field(default_factory=set)
    queues: set[str] = field(default_factory=set)
    supervisors: set[str] = field(default_factory=set)
    late: int = 0
    anomalies: list[str] = field(default_factory=list)


class Acd:
    """`seed`: chance, such as who is asked after the call."""

    def __init__(self, definitions: CenterDefinitions, *, utc_offset: float = 0.0, seed: str = "") -> None:
        self.center = Center(definitions, utc_offset, seed)

    def load(self, rows: dict[tuple[str, str], Row]) -> None:
        """Take the rows that an earlier life stored; follow with `Restarted`."""
        self.center.load(rows)

    def install(self, definitions: CenterDefinitions, index: PoolIndex | None = None) -> None:
        """Take a new validated set; follow with `TimePassed`, which carries its effects.

        `index`: what `make_index(definitions, center.matcher.pools_in_use())` has made beforehand.
        """
        self.center.install(definitions, index)
        self.center.forget_unused_flows()
        for contact in self.center.contacts.values():  # what may be sold may be less now
            hints.reconsider(self.center, contact)

    def agent_view(self, agent: str) -> AgentView | None:
        """What pages see of this agent now; None for one who is not defined any longer."""
        return agent_view(self.center, agent) if agent in self.center.definitions.agents else None

    def queue_view(self, queue: str) -> QueueView | None:
        """What pages see of this queue now; None for one that is not defined any longer."""
        return queue_view(self.center, queue) if queue in self.center.definitions.queues else None

    def supervisor_view(self, supervisor: str) -> AgentView | None:
        """The call that this supervisor has taken over, as an agent sees it; None: they have none."""
        return supervisor_view(self.center, supervisor)

    def next_deadline(self) -> float:
        """When something is due next; midnight at the latest, when the counts of the day start anew."""
        first = min(self.center.deadlines.next() or self.center.day_ends, self.center.day_ends)
        timer = self.center.matcher.next_timer()
        return first if timer is None else min(first, timer / 1000)

    def handle(self, signal: signals.Signal, now: float, at: float | None = None) -> Outcome:
        """Take one signal. `at` (≤ now) is when it happened, default now; a `now` before the last one counts as that.

        Facts carry `at`, deadlines count from `now`: a signal that waited on a link keeps its true time.
        """
        center = self.center
        behind = max(
            0.0, center.now - now
        )  # the caller's clock went back: what is so many seconds old stays so
        center.now = max(center.now, now)
        center.at = center.now if at is None else min(at + behind, center.now)
        center.begin_day()
        self._run_due(steps_only=True)  # what was due before this signal comes before it
        if center.definitions_are_new:
            roster.take_effect(center)
            offers.match_all(center)
        elif center.levels_due:
            adapting_levels.go_on(center)
        elif center.old_staff:
            center.forget_old_staff()
        HANDLERS[type(signal)](center, signal)
        offers.match_all(center)
        center.at = center.now
        self._run_due()
        if center.definitions.overflow:
            waiting.watch_links(center)
            offers.match_all(center)
        supervising.follow(center)
        return self._outcome()

    def _run_due(self, *, steps_only: bool = False) -> None:
        """Everything due by now in the order of time; at one moment the matcher's timers before other deadlines."""
        center = self.center
        while True:
            if steps_only or self._step_is_first():
                if not flow_runner.step_due(center):
                    return
            elif (key := center.deadlines.take_due(center.now)) is not None:
                owner = center.owner(key[0], key[1])
                if owner is not None and owner.deadlines.pop(key[2], None) is not None:
                    center.touch(owner)
                    DEADLINES[(key[0], key[2].partition(" ")[0])](center, owner)
            else:
                return
            offers.match_all(center)

    def _step_is_first(self) -> bool:
        timer = self.center.matcher.next_timer()
        if timer is None:
            return False
        deadline = self.center.deadlines.next()
        return deadline is None or timer <= milliseconds(deadline)

    def _outcome(self) -> Outcome:
        center = self.center
        outcome = Outcome(
            center.commands,
            center.events,
            center.changed,
            center.seen_agents,
            center.seen_queues,
            center.seen_supervisors,
            center.late,
            center.anomalies,
        )
        center.commands, center.events, center.changed = [], [], {}
        center.seen_agents, center.seen_queues, center.seen_supervisors = set(), set(), set()
        center.late, center.anomalies = 0, []
        return outcome


def _nothing(center: Center, signal: Any) -> None:
    """TimePassed: what is due is handled after every signal."""


HANDLERS: dict[type[signals.Signal], Callable[[Center, Any], None]] = {
    signals.InviteReceived: intake.invite,
    signals.LegRinging: conversation.leg_ringing,
    signals.LegAnswered: conversation.leg_answered,
    signals.LegFailed: conversation.leg_failed,
    signals.LegEnded: conversation.leg_ended,
    signals.DigitPressed: conversation.digit_pressed,
    signals.PlaybackEnded: conversation.playback_ended,
    signals.SpeechStarted: conversation.speech,
    signals.SpeechPartial: conversation.speech,
    signals.SpeechHeard: conversation.speech,
    signals.ListeningFailed: conversation.speech,
    signals.RecordingEnded: conversation.recording_ended,
    signals.LegHeld: conversation.leg_held,
    LineChanged: conversation.line_changed,
    signals.TransferAsked: from_the_phone.transfer_asked,
    signals.CommandRefused: recovery.refused,
    signals.WorkerSeen: recovery.worker_seen,
    signals.WorkerLost: recovery.worker_lost,
    signals.PhoneRegistered: recovery.phone_registered,
    signals.PhoneUnregistered: recovery.phone_unregistered,
    signals.EdgeSeen: recovery.edge_seen,
    signals.LookupReturned: intake.looked_up,
    signals.ProfileFilledIn: intake.filled_in,
    signals.TicketWritten: ticket_changes.written,
    customer_signals.ErasureAsked: erasures.asked,
    customer_signals.ErasureDone: erasures.done,
    signals.ServiceAnswered: flow_runner.service_answered,
    signals.PageOpened: requests.page_opened,
    signals.PageClosed: requests.page_closed,
    signals.ConsoleLost: requests.console_lost,
    signals.OfferShown: lambda center, signal: offers.shown(center, signal.agent, signal.offer),
    signals.ReadyRequested: requests.ready,
    signals.NotReadyRequested: requests.not_ready,
    signals.LogOutRequested: requests.log_out,
    signals.HangUpRequested: requests.hang_up,
    signals.HoldRequested: call_controls.hold,
    signals.MuteRequested: call_controls.mute,
    signals.DigitsRequested: call_controls.send_digits,
    signals.PauseRecordingRequested: call_controls.pause_recording,
    signals.AcceptRequested: requests.accept,
    signals.HintAnswerRequested: hint_answers.answer,
    signals.DialRequested: dial_requests.dial,
    signals.DispositionSubmitted: requests.disposition,
    party_signals.TransferRequested: hand_overs.transfer,
    party_signals.ReturnRequested: hand_overs.give_back,
    party_signals.ParkRequested: hand_overs.park,
    party_signals.PickUpRequested: hand_overs.pick_up,
    party_signals.EscalateRequested: hand_overs.escalate,
    party_signals.ConsultRequested: consulting.consult,
    party_signals.CompleteRequested: consulting.complete,
    party_signals.JoinRequested: consulting.join,
    party_signals.CancelConsultRequested: consulting.cancel,
    party_signals.DropPartyRequested: consulting.drop,
    party_signals.TargetsRequested: targets.listed,
    party_signals.MonitorRequested: supervising.monitor,
    party_signals.MonitorModeRequested: supervising.change_mode,
    party_signals.MonitorEndRequested: supervising.stop,
    party_signals.TakeOverRequested: supervising.take_over,
    customer_signals.CampaignCallRequested: campaign_calls.ask,
    customer_signals.GrantRequested: grants.grant,
    customer_signals.GrantDecided: grants.decide,
    customer_signals.GuideAnswerRequested: guiding.answer,
    signals.ExplainRequested: questions.explain,
    signals.WaitingRequested: questions.waiting,
    signals.CallMeRequested: call_me.asked,
    callback_signals.ScheduleCallbackRequested: callback_requests.schedule,
    callback_signals.MoveCallbackRequested: callback_requests.move,
    callback_signals.CancelCallbackRequested: callback_requests.cancel,
    callback_signals.ListCallbacksRequested: callback_requests.listed,
    signals.TimePassed: _nothing,
    signals.Restarted: recovery.restarted,
}


def _pop_over(center: Center, offer: Reservation) -> None:
    offers.dial(center, offer, shown=False)


def _end_with(cause: causes.EndCause) -> Callable[[Center, Contact], None]:
    return lambda center, contact: endings.end_contact(center, contact, cause)


def _second_leg_not_answered(center: Center, contact: Contact) -> None:
    if contact.state == "transferring":
        transfers.no_answer(center, contact)
    elif contact.consulted is not None:
        parties.not_reached(center, contact, contact.consulted, OfferOutcome.NO_ANSWER)
    elif contact.state == "dialling":
        outbound.no_answer(center, contact)
    else:
        callbacks.no_answer(center, contact)


def _wrap_up_over(center: Center, agent: Agent) -> None:
    endings.end_wrap_up(center, agent, "", "")


def _worker_silent(center: Center, note: WorkerNote) -> None:
    recovery.worker_lost(center, signals.WorkerLost(note.id, "silent after a restart"))


def _close_overdue(center: Center, contact: Contact) -> None:
    center.anomalies.append(f"contact {contact.id}: closed without word of its legs or recording")
    for recording in contact.recordings:
        contact.forget_recording(recording)
    messages.deliver(center, contact)
    endings.close_if_done(center, contact, overdue=True)


DEADLINES: dict[tuple[str, str], Callable[[Center, Any], None]] = {
    ("contact", "answer"): _end_with(causes.ANSWER_FAILED),
    ("contact", "look_up"): intake.go_on,
    ("contact", "length"): _end_with(causes.MAXIMUM_LENGTH),
    ("contact", "flow"): flow_runner.deadline,
    ("contact", "wait"): flow_runner.queue_time_out,
    ("contact", "closing"): _close_overdue,
    ("contact", "rest"): callbacks.rested,
    ("contact", "dial"): _second_leg_not_answered,
    ("contact", "back"): hand_overs.back,
    ("contact", "monitor"): supervising.no_answer,
    ("contact", "noting"): endings.noted,
    ("contact", "park"): hand_overs.park_over,
    ("contact", "within"): callbacks.expired,
    ("contact", "due"): callback_requests.due,
    ("contact", "grace"): callbacks.to_queue,
    ("recaller", "forget"): lambda center, row: center.drop(row),
    ("surveyed", "forget"): lambda center, row: center.drop(row),
    ("queue", "overflow"): _nothing,
    ("reservation", "pop"): _pop_over,
    ("reservation", "ring"): offers.not_answered,
    ("agent", "wrap_up"): _wrap_up_over,
    ("worker", "explain"): recovery.explain_over,
    ("worker", "silent"): _worker_silent,
}
