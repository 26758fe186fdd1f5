"""A fake outside world: workers, phones, callers with patience, agents with habits, and a link that repeats itself.

It obeys the core's commands most of the time, and lies the rest: signals twice, late, of unknown legs, in the wrong
order; workers die, the engine is restarted from its rows, the clock stands still. One seed is one whole history.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from random import Random

import msgspec

from cti_engine.core import commands, events, party_events, signals
from cti_engine.core.acd import Acd, Outcome
from cti_engine.core.center import Center
from cti_engine.core.reporting.cdr import fold
from cti_engine.core.signals import Signal
from tests.properties import habits
from tests.properties.busy_center import busy_center, smaller
from tests.properties.invariants import broken
from tests.properties.lies import lie
from tests.properties.outside import OutsideLeg
from tests.scenarios.playbook import START, dialog
from tests.scenarios.shadow_store import ShadowStore

MIDNIGHT = START - 10 * 3600.0 + 86_400.0


@dataclass(order=True)
class Happening:
    at: float
    number: int
    make: Callable[[], Signal | None] = field(compare=False)


def told(outcome: Outcome) -> str:
    """All of it but rows and views, as text that compares."""
    things = [(type(c).__name__, c) for c in outcome.commands]
    facts = [(at, type(e).__name__, e) for at, e in outcome.events]
    return msgspec.json.encode((things, facts, outcome.late, outcome.anomalies)).decode()


class World:
    def __init__(
        self,
        seed: int,
        *,
        lies: float = 0.03,
        deaths: float = 0.002,
        restarts: float = 0.004,
        reloads: bool = True,
        sociable: bool = False,
        with_keys: bool = False,
    ) -> None:
        """`sociable`: agents are there and never long alone with a caller; `with_keys`: they use their phones' keys."""
        self.rng = Random(seed)
        self.with_keys = with_keys
        self.sociable = sociable
        self.lies, self.deaths, self.restarts, self.reloads = lies, deaths, restarts, reloads
        self.full, self.small = busy_center(), smaller(busy_center())
        self.definitions = self.full
        self.now = MIDNIGHT - self.rng.uniform(0.0, 400.0)
        self.acd = Acd(self.definitions)
        self.store = ShadowStore()
        self.legs: dict[str, OutsideLeg] = {}
        self.workers: set[str] = set()
        self.recordings: dict[str, str] = {}
        self.phones: set[str] = set()
        self.happenings: list[Happening] = []
        self.number = 0
        self.calls = 0
        self.open_for_calls = True
        self.recent: list[Signal] = []
        self.history: list[str] = []
        self.requests: dict[str, int] = {}
        self.facts: dict[str, list[tuple[float, events.Event]]] = {}
        self.seen: dict[str, int] = {}
        self.anomalies: list[str] = []
        self.log: list[tuple[Signal, float, float, str]] = []
        self.digest = hashlib.sha256()

    @property
    def center(self) -> Center:
        return self.acd.center

    # --- running ---------------------------------------------------------------------------------

    def run(self, steps: int) -> None:
        """Live for so many signals, then let everything come to its end and check that nothing is left."""
        self.take(signals.Restarted())
        for _ in range(steps):
            self.step()
        self.open_for_calls = False
        self.lies = self.deaths = self.restarts = 0.0
        for _ in range(60_000):
            if not (self.happenings or len(self.center.deadlines)):
                break
            self.step()
        self.check_rest()

    def step(self) -> None:
        chance = self.rng.random()
        if self.open_for_calls and chance < 0.10:
            return habits.something_new(self)
        if chance < 0.10 + self.lies:
            return self.take(lie(self))
        if chance > 1.0 - self.deaths and self.workers:
            return self.worker_dies(self.rng.choice(sorted(self.workers)))
        if chance < 0.10 + self.lies + self.restarts:
            return self.restart()
        due = self.acd.next_deadline()
        if self.happenings and self.happenings[0].at <= due:
            happening = heappop(self.happenings)
            if self.rng.random() > 0.1:  # else the clock stands still
                self.now = max(self.now, happening.at)
            signal = happening.make()
            if signal is not None:
                self.take(signal)
        else:
            self.now = max(self.now, due)
            self.take(signals.TimePassed())
        return None

    def later(self, low: float, high: float, make: Callable[[], Signal | None]) -> None:
        self.number += 1
        heappush(self.happenings, Happening(self.now + self.rng.uniform(low, high), self.number, make))

    def take(self, signal: Signal) -> None:
        age = self.rng.choice((0.0, 0.0, 0.0, 0.01, 0.3))
        if isinstance(signal, signals.TimePassed):
            age = 0.0  # the engine's own timer waits on no link
        self.history = [*self.history[-60:], f"{self.now:.3f} >> {signal}"]
        outcome = self.acd.handle(signal, self.now, self.now - age)
        self.log.append((signal, self.now, self.now - age, told(outcome)))
        self.digest.update(self.log[-1][3].encode())
        self.absorb(outcome)
        if not isinstance(signal, signals.Restarted):  # comes from the runtime itself, exactly once
            self.recent = [*self.recent[-20:], signal]
        wrong = broken(self.center) + self.store.differences(self.center)
        assert not wrong, self.explain(wrong)

    def explain(self, wrong: list[str]) -> str:
        return "\n".join(["broken:", *wrong, "", "last signals and what they led to:", *self.history])

    def absorb(self, outcome: Outcome) -> None:
        self.history += [
            f"      {thing}" for thing in (*outcome.commands, *outcome.events, *outcome.anomalies)
        ]
        self.anomalies += outcome.anomalies
        self.store.take(outcome)
        self.look(outcome)
        for at, event in outcome.events:
            self.seen[type(event).__name__] = self.seen.get(type(event).__name__, 0) + 1
            contact = getattr(event, "contact", "")
            if contact:
                self.facts.setdefault(contact, []).append((at, event))
            habits.told(self, event)
        for command in outcome.commands:
            self.obey(command)

    def look(self, outcome: Outcome) -> None:
        """Pages look at whatever has changed."""
        for agent in outcome.agents:
            view = self.acd.agent_view(agent)
            assert view is None or (view.contact == "") == (view.state == "idle"), self.explain([str(view)])
        for supervisor in outcome.supervisors:
            taken = self.acd.supervisor_view(supervisor)
            assert taken is None or taken.state in ("talking", "wrap_up"), self.explain([str(taken)])
        for queue in outcome.queues:
            shown = self.acd.queue_view(queue)
            assert shown is None or 0.0 <= shown.service_level <= 1.0, self.explain([str(shown)])

    # --- the outside does what it is told ----------------------------------------------------------

    def obey(self, command: commands.Command) -> None:
        match command:
            case commands.Reply():
                self.requests[command.request] -= 1
                assert self.requests[command.request] >= 0, self.explain([f"answered twice: {command}"])
            case commands.LookUp():
                if self.rng.random() < 0.9:
                    known: dict[str, object] = {"customer": "7"} if self.rng.random() < 0.5 else {}
                    reply = signals.LookupReturned(command.contact, known)
                    self.later(0.01, 0.6, lambda: reply)
            case commands.CallService():
                if self.rng.random() < 0.9:
                    error = self.rng.choice(("", "", "deadline", "not_found", "unreachable"))
                    answer = signals.ServiceAnswered(command.contact, command.request, {}, error)
                    self.later(0.01, 3.0, lambda: answer)
            case commands.EndDialog():
                assert command.leg not in self.legs, self.explain([f"BYE for a leg that lives: {command}"])
            case commands.StartRecording():
                self.start_recording(command)
            case commands.StopRecording():
                self.stop_recording(command)
            case commands.SetAudioPaths():
                assert command.worker in self.workers or self.lies, self.explain([f"{command}"])
            case commands.DialLeg():
                self.dial(command)
            case _:
                self.on_leg(command)

    def start_recording(self, command: commands.StartRecording) -> None:
        if self.rng.random() < 0.05:
            refusal = signals.CommandRefused(
                command.worker, "StartRecording", "", "failed", "", command.recording
            )
            self.later(0.0, 0.1, lambda: refusal)
        else:
            self.recordings[command.recording] = command.worker

    def stop_recording(self, command: commands.StopRecording) -> None:
        worker = self.recordings.pop(command.recording, "")
        if worker and self.rng.random() < 0.95:
            ended = signals.RecordingEnded(worker, command.recording, "/rec/x.wav", 9.0)
            self.later(0.0, 14.0 if self.rng.random() < 0.1 else 1.0, lambda: ended)

    def on_leg(self, command: commands.Command) -> None:
        name = str(getattr(command, "leg", ""))
        leg = self.legs.get(name)
        if leg is None:
            refusal = signals.CommandRefused("w?", type(command).__name__, name, "no_such_leg")
            self.later(0.0, 0.1, lambda: refusal)
            return
        match command:
            case commands.AnswerLeg():
                if self.rng.random() < 0.97:
                    self.later(0.01, 0.3, lambda: self.connect(leg))
            case commands.RejectLeg() | commands.EndLeg():
                self.later(0.0, 0.3, lambda: self.end(leg, "local"))
            case commands.PlayPrompts():
                self.play(leg, command)
            case commands.StopPlayback() if leg.playback == command.playback:
                leg.playback = ""
                over = signals.PlaybackEnded(leg.worker, leg.leg, command.playback, False)
                self.later(0.0, 0.1, lambda: over)
            case _:
                return

    def play(self, leg: OutsideLeg, command: commands.PlayPrompts) -> None:
        if self.rng.random() < 0.03:
            refusal = signals.CommandRefused(leg.worker, "PlayFiles", leg.leg, "bad_file")
            self.later(0.0, 0.1, lambda: refusal)
            return
        leg.playback = command.playback
        if not command.repeat:
            over = signals.PlaybackEnded(leg.worker, leg.leg, command.playback, True)
            self.later(0.5, 5.0, lambda: over if leg.leg in self.legs else None)

    def connect(self, leg: OutsideLeg) -> Signal | None:
        if self.legs.get(leg.leg) is not leg or leg.state == "connected":
            return None
        leg.state = "connected"
        return signals.LegAnswered(leg.worker, leg.leg, dialog(leg.leg))

    def end(self, leg: OutsideLeg, by: str) -> Signal | None:
        if self.legs.pop(leg.leg, None) is not leg:
            return None
        self.forget_worker_if_idle(leg.worker)
        if leg.role == "agent" and leg.state != "connected":
            return signals.LegFailed(leg.worker, leg.leg, 487)
        return signals.LegEnded(leg.worker, leg.leg, by)

    def forget_worker_if_idle(self, worker: str) -> None:
        if not any(leg.worker == worker for leg in self.legs.values()):
            self.workers.discard(worker)

    def dial(self, command: commands.DialLeg) -> None:
        if command.worker not in self.workers or self.rng.random() < 0.02:
            refusal = signals.CommandRefused(command.worker, "DialLeg", command.leg, "no_leg_left")
            self.later(0.0, 0.1, lambda: refusal)
            return
        leg = OutsideLeg(command.worker, command.leg, "agent", command.target)
        self.legs[leg.leg] = leg
        if command.target not in self.phones and not command.target.startswith("+"):
            self.later(0.01, 0.1, lambda: self.fail(leg, 480))
            return
        habit = self.rng.random()
        if habit < 0.9:
            ringing = signals.LegRinging(leg.worker, leg.leg, 180, dialog(leg.leg))
            self.later(0.01, 0.2, lambda: ringing if leg.leg in self.legs else None)
        if habit < 0.6 or habit > 0.95:
            self.later(0.2, 8.0, lambda: self.connect(leg))
        elif habit < 0.75:
            code = self.rng.choice((486, 603, 503, 408, 404))
            self.later(0.1, 3.0, lambda: self.fail(leg, code))

    def fail(self, leg: OutsideLeg, code: int) -> Signal | None:
        if leg.state == "connected" or self.legs.pop(leg.leg, None) is not leg:
            return None
        self.forget_worker_if_idle(leg.worker)
        return signals.LegFailed(leg.worker, leg.leg, code)

    def request(self, prefix: str) -> str:
        self.number += 1
        name = f"{prefix}{self.number}"
        self.requests[name] = 1
        return name

    # --- what goes wrong --------------------------------------------------------------------------

    def a_reload(self) -> None:
        if not self.reloads:
            return
        self.definitions = (
            self.small if self.definitions is self.full and self.rng.random() < 0.5 else self.full
        )
        self.acd.install(self.definitions)
        self.take(signals.TimePassed())

    def a_spent_worker(self) -> str:
        """One whose interaction is over but for the record."""
        spent = [c.worker for c in self.center.contacts.values() if c.state == "ended"]
        return self.rng.choice(
            [w for w in spent if not any(leg.worker == w for leg in self.legs.values())] or ["w0"]
        )

    def worker_dies(self, worker: str) -> None:
        self.workers.discard(worker)
        for name in [leg.leg for leg in self.legs.values() if leg.worker == worker]:
            del self.legs[name]
        for recording in [r for r, w in self.recordings.items() if w == worker]:
            del self.recordings[recording]
            if self.rng.random() < 0.8:  # the next worker that starts repairs it
                self.later(0.5, 5.0, partial(signals.RecordingEnded, "w0", recording, "/rec/y.wav", 3.0))
        self.later(0.0, 1.0, lambda: signals.WorkerLost(worker, "killed"))

    def restart(self) -> None:
        """Killed, loaded, and told by workers and edge what lives; things go on happening meanwhile."""
        self.now += self.rng.choice((0.0, 0.5, 5.0, 90.0))
        self.acd = Acd(self.definitions)
        self.store.reload(self.acd)
        self.history.append(f"{self.now:.3f} ==== restart ====")
        self.take(signals.Restarted(self.rng.choice((0.0, 2.0))))
        for worker in sorted(self.workers):
            self.later(0.0, 2.0, lambda worker=worker: self.hello(worker))  # type: ignore[misc]  # binds now
        self.later(0.0, 1.0, lambda: signals.EdgeSeen(tuple(sorted(self.phones))))

    def hello(self, worker: str) -> Signal | None:
        if worker not in self.workers:
            return None
        return signals.WorkerSeen(
            worker, tuple(leg.leg for leg in self.legs.values() if leg.worker == worker)
        )

    def again(self, signal: Signal) -> Signal:
        request = getattr(signal, "request", "")
        if request in self.requests:
            self.requests[request] += 1
        return signal

    # --- at rest -----------------------------------------------------------------------------------

    def check_rest(self) -> None:
        """Everything has come to its end: exactly one record per call, and nothing is left over."""
        center = self.center
        left = [*center.contacts, *center.legs, *center.reservations, *center.workers, *center.deadlines._at]
        assert not left, self.explain([f"left over: {left}"])
        unanswered = [r for r, open_ in self.requests.items() if open_]
        assert not unanswered, self.explain([f"never answered: {unanswered}"])
        for contact, told in self.facts.items():
            kinds = [type(event) for _, event in told]
            first = (events.CallArrived, events.DialStarted, events.CallbackRequested)
            begun = sum(kinds.count(kind) for kind in first)
            assert begun == 1, self.explain([f"{contact}: begun {begun} times"])
            for kind in (events.CallEnded, events.ContactClosed):
                assert kinds.count(kind) == 1, self.explain(
                    [f"{contact}: {kinds.count(kind)} {kind.__name__}"]
                )
            handed = kinds.count(party_events.CallHandedOver) + kinds.count(party_events.PartyLeft)
            twice = kinds.count(events.CallBridged) > 1 + handed
            assert not twice, self.explain([f"{contact} was bridged twice"])
            self.check_record(contact)
        assert self.store.cdrs.keys() == self.facts.keys()

    def check_record(self, contact: str) -> None:
        record = self.store.cdrs[contact]
        assert fold(self.facts[contact]).record() == record, self.explain([f"{contact}: {record}"])
        negative = {k: v for k, v in record.items() if k.endswith("_s") and isinstance(v, float) and v < 0}
        assert not negative, self.explain([f"{contact}: {negative}"])


if __name__ == "__main__":
    history = World(int(sys.argv[1]))
    history.run(int(sys.argv[2]))
    print(history.digest.hexdigest())
