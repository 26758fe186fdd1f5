"""The world around the whole Acd on a virtual clock: workers, phones, callers and agents who do what it commands.

Nothing here decides who gets which call: every signal goes through `Acd.handle`, as live. Times are integer wall ms.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cti_engine.core import commands, events, signals
from cti_engine.core.acd import Acd
from cti_engine.core.agent import LOGGED_OUT, NOT_READY, READY
from cti_engine.core.definitions import CenterDefinitions
from cti_engine.core.end_causes import OfferOutcome
from cti_engine.core.events import Event
from cti_engine.simulation.habits import Call, Habits, Status
from cti_engine.simulation.matcher_world import FOREVER, Staffing

PROMPT_MS = 5_000
"""How long any prompt takes that is not the menu's (a flow of the queue's: time-out, full, overflow)."""
DIALOG = signals.Dialog("", "", "", "", "", 1, "")
Told = Callable[[list[tuple[float, Event]]], None]


@dataclass(slots=True)
class _Caller:
    """A call in the center, as outside sees it. `agent`: who has answered; `offers`: phones that have rung for it."""

    call: Call
    worker: str
    leg: str
    queued: bool = False
    agent: str = ""
    offers: int = 0


class AcdWorld:
    """`tell` gets the facts of each signal. One world is one run; `run` may be called once."""

    def __init__(
        self,
        definitions: CenterDefinitions,
        habits: Habits,
        tell: Told,
        begins: int,
        *,
        utc_offset: float = 0.0,
    ) -> None:
        self.acd = Acd(definitions, utc_offset=utc_offset)
        self.anomalies: list[str] = []
        self.callers: dict[str, _Caller] = {}  # by contact
        self._habits, self._tell = habits, tell
        self._now, self._seconds = begins, begins / 1000
        self._heap: list[tuple[int, int, Callable[[Any], None], Any]] = []
        self._number = 0
        self._at_once: deque[signals.Signal] = deque()
        self._invited: dict[str, _Caller] = {}  # by worker, until the contact has a name
        self._dialled: dict[str, bool] = {}  # agents' legs: whether they are connected
        self._on_duty: dict[str, bool] = {}
        self._disposition = next(iter(definitions.dispositions), "")
        self._groups: dict[str, list[str]] = {}
        for agent, group in habits.group_of.items():
            self._groups.setdefault(group, []).append(agent)

    def run(self, calls: Iterable[Call], duty: Sequence[Staffing | Status]) -> None:
        """Play the calls (in order of time) until nobody is in the center any longer."""
        self._do(signals.Restarted())
        for agent in self._habits.group_of:
            self._do(signals.PhoneRegistered(agent, f"sip:{agent}@simulated", 3600.0))
        for change in duty:
            self._push(
                max(self._now, change.at),
                self._staff if isinstance(change, Staffing) else self._chose,
                change,
            )
        source = iter(calls)
        call = next(source, None)
        heap, contacts = self._heap, self.acd.center.contacts
        while call is not None or contacts or self._comes_again():
            call_at = FOREVER if call is None else call.at
            at = min(call_at, heap[0][0] if heap else FOREVER)
            due = self.acd.next_deadline()
            if due <= at / 1000:
                self._seconds = max(self._seconds, due)
                self._now = round(self._seconds * 1000)
                self._do(signals.TimePassed())
                continue
            self._now, self._seconds = at, at / 1000
            if call is not None and at == call_at:
                self._arrive(call)
                call = next(source, None)
            else:
                _, _, what, about = heapq.heappop(heap)
                what(about)

    def _comes_again(self) -> bool:
        return any(what == self._arrive for _, _, what, _ in self._heap)

    def _push(self, at: int, what: Callable[[Any], None], about: Any) -> None:
        if at < FOREVER:
            self._number += 1
            heapq.heappush(self._heap, (at, self._number, what, about))

    def _do(self, signal: signals.Signal) -> None:
        """Give a signal to the core, and those that answer its commands at once."""
        at_once = self._at_once
        at_once.append(signal)
        while at_once:
            outcome = self.acd.handle(at_once.popleft(), self._seconds)
            for _, event in outcome.events:
                happened = _HAPPENED.get(type(event))
                if happened is not None:
                    happened(self, event)
            self._tell(outcome.events)
            for command in outcome.commands:
                obey = _OBEYED.get(type(command))
                if obey is not None:
                    obey(self, command)
            self.anomalies += outcome.anomalies

    # --- callers -------------------------------------------------------------------------------

    def _arrive(self, call: Call) -> None:
        self._number += 1
        worker = f"w{self._number}"
        caller = _Caller(call, worker, f"{worker}/1")
        self._invited[worker] = caller
        self._do(signals.InviteReceived(worker, caller.leg, call.ani, call.number))

    def _arrived(self, event: events.CallArrived) -> None:
        contact = self.acd.center.contacts[event.contact]
        self.callers[event.contact] = self._invited.pop(contact.worker)

    def _answer_caller(self, command: commands.AnswerLeg) -> None:
        self._at_once.append(signals.LegAnswered(command.worker, command.leg, DIALOG))

    def _reject_caller(self, command: commands.RejectLeg) -> None:
        self._at_once.append(signals.LegEnded(command.worker, command.leg, "local"))

    def _look_up(self, command: commands.LookUp) -> None:
        facts = self.callers[command.contact].call.facts
        self._at_once.append(signals.LookupReturned(command.contact, dict(facts)))

    def _ask_service(self, command: commands.CallService) -> None:
        """No service is asked in virtual time: callers take the flow's way for one that is away."""
        self._at_once.append(signals.ServiceAnswered(command.contact, command.request, error="unreachable"))

    def _play(self, command: commands.PlayPrompts) -> None:
        if not command.repeat:
            contact = self.acd.center.legs[command.leg].contact
            caller = self.callers[contact]
            takes = PROMPT_MS if caller.queued else caller.call.ivr
            ended = signals.PlaybackEnded(command.worker, command.leg, command.playback, True)
            self._push(self._now + takes, self._do, ended)

    def _queued(self, event: events.CallQueued) -> None:
        caller = self.callers[event.contact]
        if not caller.queued:  # from one queue to the next patience is not renewed
            caller.queued = True
            if caller.call.patience < FOREVER:
                self._push(self._now + caller.call.patience, self._loses_patience, caller)

    def _loses_patience(self, caller: _Caller) -> None:
        if not caller.agent and caller.leg in self.acd.center.legs:
            self._hangs_up(caller)

    def _hangs_up(self, caller: _Caller) -> None:
        if caller.leg in self.acd.center.legs:
            self._do(signals.LegEnded(caller.worker, caller.leg, "remote"))

    def _abandoned(self, event: events.CallAbandoned) -> None:
        again = self._habits.again(self.callers[event.contact].call, self._now)
        if again is not None:
            self._push(again.at, self._arrive, again)

    def _closed(self, event: events.ContactClosed) -> None:
        del self.callers[event.contact]

    # --- phones --------------------------------------------------------------------------------

    def _dial(self, command: commands.DialLeg) -> None:
        self._dialled[command.leg] = False
        caller = self.callers[command.contact]
        rings = self._habits.ring(command.target, caller.call.key, caller.offers)
        caller.offers += 1
        answered = signals.LegAnswered(command.worker, command.leg, DIALOG)
        if rings == 0:
            self._picks_up(answered)
            return
        self._at_once.append(signals.LegRinging(command.worker, command.leg))
        self._push(self._now + rings, self._picks_up_later, answered)

    def _picks_up_later(self, answered: signals.LegAnswered) -> None:
        if answered.leg in self._dialled:
            self._dialled[answered.leg] = True
            self._do(answered)

    def _picks_up(self, answered: signals.LegAnswered) -> None:
        self._dialled[answered.leg] = True
        self._at_once.append(answered)

    def _end_leg(self, command: commands.EndLeg) -> None:
        connected = self._dialled.pop(command.leg, True)  # callers' legs are
        self._at_once.append(
            signals.LegEnded(command.worker, command.leg, "local")
            if connected
            else signals.LegFailed(command.worker, command.leg, 487)
        )

    def _stop_recording(self, command: commands.StopRecording) -> None:
        self._at_once.append(signals.RecordingEnded(command.worker, command.recording, "simulated.wav", 0.0))

    # --- agents --------------------------------------------------------------------------------

    def _bridged(self, event: events.CallBridged) -> None:
        caller = self.callers[event.contact]
        caller.agent = event.agent
        talk = self._habits.talk(event.agent, event.queue, caller.call.key)
        self._push(self._now + talk, self._hangs_up, caller)

    def _wraps_up(self, event: events.WrapUpStarted) -> None:
        contact = self.acd.center.contacts[event.contact]
        takes = self._habits.wrap_up(event.agent, contact.queue, self.callers[event.contact].call.key)
        if takes < event.ends_in * 1000:
            done = signals.DispositionSubmitted("", event.agent, event.contact, self._disposition)
            self._push(self._now + takes, self._do, done)

    def _missed(self, event: events.OfferEnded) -> None:
        if event.outcome == OfferOutcome.NO_ANSWER:
            away = self._habits.away(event.agent, self.callers[event.contact].call.key)
            self._push(self._now + away, self._returns, event.agent)

    def _returns(self, agent: str) -> None:
        if self._on_duty.get(agent):
            self._do(signals.ReadyRequested("", agent))

    def _chose(self, change: Status) -> None:
        self._on_duty[change.agent] = change.status == READY
        if change.status == READY:
            self._do(signals.ReadyRequested("", change.agent))
        elif change.status == LOGGED_OUT:
            self._do(signals.LogOutRequested("", change.agent))
        elif change.status == NOT_READY:
            self._do(signals.NotReadyRequested("", change.agent, change.reason))

    def _staff(self, change: Staffing) -> None:
        """Idle agents go first; who was about to leave stays first."""
        group, agents = self._groups.get(change.group, []), self.acd.center.agents
        on_duty = [agent for agent in group if self._on_duty.get(agent)]
        for agent in sorted(on_duty, key=lambda agent: agents[agent].state != "idle")[
            : max(0, len(on_duty) - change.number)
        ]:
            self._chose(Status(change.at, agent, LOGGED_OUT))
        away = [agent for agent in group if not self._on_duty.get(agent)]
        for agent in sorted(away, key=lambda agent: agents[agent].state == "idle")[
            : max(0, change.number - len(on_duty))
        ]:
            self._chose(Status(change.at, agent, READY))


_HAPPENED: dict[type, Callable[[AcdWorld, Any], None]] = {
    events.CallArrived: AcdWorld._arrived,
    events.CallQueued: AcdWorld._queued,
    events.CallBridged: AcdWorld._bridged,
    events.CallAbandoned: AcdWorld._abandoned,
    events.WrapUpStarted: AcdWorld._wraps_up,
    events.OfferEnded: AcdWorld._missed,
    events.ContactClosed: AcdWorld._closed,
}
_OBEYED: dict[type, Callable[[AcdWorld, Any], None]] = {
    commands.AnswerLeg: AcdWorld._answer_caller,
    commands.RejectLeg: AcdWorld._reject_caller,
    commands.LookUp: AcdWorld._look_up,
    commands.CallService: AcdWorld._ask_service,
    commands.PlayPrompts: AcdWorld._play,
    commands.DialLeg: AcdWorld._dial,
    commands.EndLeg: AcdWorld._end_leg,
    commands.StopRecording: AcdWorld._stop_recording,
}
