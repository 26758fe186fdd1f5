"""Scenarios read like a call-flow diagram: `>>` is a signal (or time), `<<` what the last one must have led to.

`the.DialLeg(target="maria")` matches by type and the fields given. Commands are expected in their order and facts in
theirs; what is not mentioned may happen in between. A mismatch prints both timelines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from cti_engine.core import commands, events, signals
from cti_engine.core.acd import Acd
from cti_engine.core.center import Center
from cti_engine.core.definitions import CenterDefinitions
from cti_engine.core.reporting.cdr import fold
from cti_engine.core.signals import Dialog, Signal
from tests.properties.invariants import broken
from tests.scenarios.shadow_store import ShadowStore
from tests.scenarios.small_center import DEFINITIONS

START = 20_000 * 86_400.0 + 10 * 3600.0
"""Ten in the morning of some day."""


@dataclass(frozen=True)
class Elapse:
    """Time passes; every deadline on the way fires at its own moment."""

    seconds: float


@dataclass(frozen=True)
class Late:
    """A signal that happened `age` seconds before it arrived."""

    age: float
    signal: Signal | Deferred


@dataclass(frozen=True)
class Deferred:
    """A signal that can only be written down when its moment comes (leg and offer ids are the core's)."""

    name: str
    make: Callable[[Scenario], Signal]


@dataclass(frozen=True)
class Restart:
    """The engine is killed and loads what was stored; workers and edge say hello, deadlines get `grace`."""

    grace: float = 2.0
    away: float = 0.0
    hellos: bool = True


@dataclass(frozen=True)
class Install:
    """A reload of the definitions, as the runtime does it."""

    definitions: CenterDefinitions


@dataclass(frozen=True)
class Expected:
    kind: type
    fields: dict[str, object]

    def matches(self, thing: object) -> bool:
        return type(thing) is self.kind and all(
            _same(getattr(thing, name), value) for name, value in self.fields.items()
        )

    def __str__(self) -> str:
        return f"{self.kind.__name__}({', '.join(f'{k}={v!r}' for k, v in self.fields.items())})"


def _same(value: object, wanted: object) -> bool:
    if isinstance(wanted, float) and isinstance(value, int | float):
        return abs(value - wanted) < 1e-6
    return value == wanted


class _The:
    """`the.CallQueued(queue="sales")`: a command or fact with at least these fields."""

    def __getattr__(self, name: str) -> Callable[..., Expected]:
        kind = getattr(commands, name, None) or getattr(events, name, None)
        if not (isinstance(kind, type) and is_dataclass(kind)):
            raise AttributeError(f"neither a command nor an event: {name}")
        known = {f.name for f in fields(kind)}

        def expected(**wanted: object) -> Expected:
            assert wanted.keys() <= known, f"{name} has no {sorted(wanted.keys() - known)}"
            return Expected(kind, wanted)

        return expected


the = _The()

Step = Signal | Elapse | Late | Deferred | Restart | Install
_EVENTS = tuple(getattr(events, name) for name in dir(events) if is_dataclass(getattr(events, name)))


class Scenario:
    """One center from its first signal. Every signal is followed by the check of all invariants."""

    def __init__(
        self,
        definitions: CenterDefinitions = DEFINITIONS,
        *,
        ready: tuple[str, ...] = (),
        start: float = START,
    ) -> None:
        self.definitions = definitions
        self.now = start
        self.start = start
        self.acd = Acd(definitions)
        self.store = ShadowStore()
        self.facts: list[tuple[float, events.Event]] = []
        self.commands: list[commands.Command] = []
        self.anomalies: list[str] = []
        self.late = 0
        self.timeline: list[str] = []
        self.wanted: list[str] = []
        self._fresh: dict[bool, list[object]] = {True: [], False: []}
        self._take(signals.Restarted())
        for agent in ready:
            self._take(signals.PhoneRegistered(agent, f"sip:{agent}@127.0.0.1", 3600.0))
            self._take(signals.ReadyRequested(f"ready-{agent}", agent))
            self.now += 1.0

    @property
    def center(self) -> Center:
        return self.acd.center

    def __rshift__(self, step: Step) -> Scenario:
        self._fresh = {True: [], False: []}
        self._mark(f">> {step.name if isinstance(step, Deferred) else step}")
        match step:
            case Elapse():
                self._elapse(step.seconds)
            case Late():
                inner = step.signal
                self._take(inner.make(self) if isinstance(inner, Deferred) else inner, step.age)
            case Deferred():
                self._take(step.make(self))
            case Restart():
                self._restart(step)
            case Install():
                self.definitions = step.definitions
                self.acd.install(step.definitions)
                self._take(signals.TimePassed())
            case _:
                self._take(step)
        return self

    def __lshift__(self, wanted: Expected | type) -> Scenario:
        expected = Expected(wanted, {}) if isinstance(wanted, type) else wanted
        self.wanted.append(f"<< {expected}")
        fresh = self._fresh[issubclass(expected.kind, _EVENTS)]
        for index, thing in enumerate(fresh):
            if expected.matches(thing):
                del fresh[: index + 1]
                return self
        raise AssertionError(self._mismatch(f"did not happen (in this order): {expected}"))

    def without(self, unwanted: Expected | type) -> Scenario:
        """The last step did not lead to this."""
        expected = Expected(unwanted, {}) if isinstance(unwanted, type) else unwanted
        self.wanted.append(f"not {expected}")
        for things in self._fresh.values():
            if any(expected.matches(thing) for thing in things):
                raise AssertionError(self._mismatch(f"happened: {expected}"))
        return self

    def quiet(self) -> Scenario:
        """The last step led to no command and no fact at all."""
        self.wanted.append("nothing")
        if self._fresh[True] or self._fresh[False]:
            raise AssertionError(self._mismatch("something happened"))
        return self

    def quiet_but_for_replies(self) -> Scenario:
        """The last step led to nothing but an answer to whoever asked."""
        self.wanted.append("nothing but a reply")
        done = [
            one for things in self._fresh.values() for one in things if not isinstance(one, commands.Reply)
        ]
        if done:
            raise AssertionError(self._mismatch(f"happened: {done}"))
        return self

    def where(self, statement: Callable[[Scenario], bool], text: str) -> Scenario:
        """Something about the state that no fact tells."""
        self.wanted.append(f"where {text}")
        if not statement(self):
            raise AssertionError(self._mismatch(f"not so: {text}"))
        return self

    # --- what a test asks afterwards -------------------------------------------------------------

    def record(self, contact: str = "c1") -> dict[str, Any]:
        """The closed record; it must equal the fold of the contact's facts."""
        assert contact in self.store.cdrs, self._mismatch(f"{contact} has no record")
        told = [(at, e) for at, e in self.facts if getattr(e, "contact", "") == contact]
        assert fold(told).record() == self.store.cdrs[contact]
        assert sum(isinstance(e, events.ContactClosed) for _, e in told) == 1
        return self.store.cdrs[contact]

    def agent_leg(self, agent: str) -> commands.DialLeg:
        """The last leg dialled to this agent."""
        found = [c for c in self.commands if isinstance(c, commands.DialLeg) and c.target == agent]
        assert found, self._mismatch(f"nobody has dialled {agent}")
        return found[-1]

    # --- inside ----------------------------------------------------------------------------------

    def _mark(self, line: str) -> None:
        self.timeline.append(f"{self.now - self.start:9.3f}  {line}")
        self.wanted.append(line)

    def _elapse(self, seconds: float) -> None:
        end = self.now + seconds
        while (due := self.acd.next_deadline()) <= end:
            self.now = max(self.now, due)
            self._take(signals.TimePassed())
        self.now = end
        self._take(signals.TimePassed())

    def _take(self, signal: Signal, age: float = 0.0) -> None:
        outcome = self.acd.handle(signal, self.now, self.now - age)
        self.store.take(outcome)
        self.commands += outcome.commands
        self.facts += outcome.events
        self.anomalies += outcome.anomalies
        self.late += outcome.late
        self._fresh[False] += outcome.commands
        self._fresh[True] += [fact for _, fact in outcome.events]
        moment = self.now - self.start
        self.timeline += [f"{moment:9.3f}     command {c}" for c in outcome.commands]
        self.timeline += [f"{moment:9.3f}     fact    {e}" for _, e in outcome.events]
        self.timeline += [f"{moment:9.3f}     anomaly {a}" for a in outcome.anomalies]
        wrong = broken(self.center) + self.store.differences(self.center)
        if wrong:
            raise AssertionError(self._mismatch("invariants broken:\n  " + "\n  ".join(wrong)))

    def _restart(self, step: Restart) -> None:
        legs: dict[str, list[str]] = {}
        for leg in self.center.legs.values():
            legs.setdefault(leg.worker, []).append(leg.id)
        users = tuple(a.id for a in self.center.agents.values() if a.phone)
        users += tuple(sorted(self.center.other_phones))
        known = self.center.known_workers
        self.now += step.away
        self.acd = Acd(self.definitions)
        self.store.reload(self.acd)
        self._take(signals.Restarted(step.grace))
        if step.hellos:
            for worker in sorted(known | legs.keys()):
                self._take(signals.WorkerSeen(worker, tuple(legs.get(worker, ()))))
            self._take(signals.EdgeSeen(users))

    def _mismatch(self, text: str) -> str:
        wanted, happened = "\n  ".join(self.wanted), "\n  ".join(self.timeline)
        return f"{text}\n\nexpected timeline:\n  {wanted}\n\nwhat happened:\n  {happened}"


def dialog(leg: str) -> Dialog:
    return Dialog(f"id-{leg}", "sip:us", "tag-us", "sip:them", "tag-them", 1, "sip:them@127.0.0.1")


class Caller:
    """A caller and the worker that the call was placed on."""

    def __init__(self, worker: str = "w1", ani: str = "+34600000001") -> None:
        self.worker = worker
        self.leg = f"{worker}/1"
        self.ani = ani

    def calls(self, dnis: str) -> Signal:
        return signals.InviteReceived(self.worker, self.leg, self.ani, dnis)

    def connects(self) -> Signal:
        return signals.LegAnswered(self.worker, self.leg, dialog(self.leg))

    def presses(self, digit: str) -> Signal:
        return signals.DigitPressed(self.worker, self.leg, digit)

    def hangs_up(self) -> Signal:
        return signals.LegEnded(self.worker, self.leg, "remote")

    def is_gone(self) -> Signal:
        """The worker has done our EndLeg."""
        return signals.LegEnded(self.worker, self.leg, "local")

    def found(self, contact: str, **profile: object) -> Signal:
        return signals.LookupReturned(contact, profile)

    def holds(self, held: bool = True) -> Signal:
        return signals.LegHeld(self.worker, self.leg, held)


class Desk:
    """An agent with phone and page."""

    def __init__(self, agent: str) -> None:
        self.agent = agent

    def _leg(self, name: str, make: Callable[[str, str], Signal]) -> Deferred:
        def signal(scenario: Scenario) -> Signal:
            dialled = scenario.agent_leg(self.agent)
            return make(dialled.worker, dialled.leg)

        return Deferred(f"{self.agent}'s phone: {name}", signal)

    def rings(self) -> Deferred:
        return self._leg("180", lambda worker, leg: signals.LegRinging(worker, leg, 180, dialog(leg)))

    def answers(self) -> Deferred:
        return self._leg("200", lambda worker, leg: signals.LegAnswered(worker, leg, dialog(leg)))

    def fails(self, sip_code: int) -> Deferred:
        return self._leg(str(sip_code), lambda worker, leg: signals.LegFailed(worker, leg, sip_code))

    def hangs_up(self) -> Deferred:
        return self._leg("BYE", lambda worker, leg: signals.LegEnded(worker, leg, "remote"))

    def is_gone(self) -> Deferred:
        return self._leg("over", lambda worker, leg: signals.LegEnded(worker, leg, "local"))

    def holds(self, held: bool = True) -> Deferred:
        return self._leg(f"hold {held}", lambda worker, leg: signals.LegHeld(worker, leg, held))

    def registers(self) -> Signal:
        return signals.PhoneRegistered(self.agent, f"sip:{self.agent}@127.0.0.1", 3600.0)

    def unregisters(self) -> Signal:
        return signals.PhoneUnregistered(self.agent)

    def opens_page(self) -> Signal:
        return signals.PageOpened(self.agent, f"page-{self.agent}")

    def closes_page(self) -> Signal:
        return signals.PageClosed(self.agent, f"page-{self.agent}")

    def is_ready(self) -> Signal:
        return signals.ReadyRequested("ready", self.agent)

    def is_not_ready(self, reason: str = "lunch") -> Signal:
        return signals.NotReadyRequested("not_ready", self.agent, reason)

    def logs_out(self) -> Signal:
        return signals.LogOutRequested("log_out", self.agent)

    def sees_offer(self, offer: str = "") -> Deferred:
        def signal(scenario: Scenario) -> Signal:
            return signals.OfferShown(self.agent, offer or scenario.center.agents[self.agent].offer)

        return Deferred(f"{self.agent}'s page has painted the pop", signal)

    def asks_hang_up(self, contact: str = "c1", version: int | None = None) -> Deferred:
        def signal(scenario: Scenario) -> Signal:
            known = scenario.center.contacts.get(contact)
            right = known.version if known is not None else 0
            return signals.HangUpRequested(
                "hang_up", self.agent, contact, right if version is None else version
            )

        return Deferred(f"{self.agent}'s page: hang up {contact}", signal)

    def asks(
        self, request: type, contact: str = "c1", version: int | None = None, **rest: object
    ) -> Deferred:
        """Any request about a contact, with the state version that the page has seen."""

        def signal(scenario: Scenario) -> Signal:
            known = scenario.center.contacts.get(contact)
            right = known.version if known is not None else 0
            seen: Signal = request(
                "asked", self.agent, contact, right if version is None else version, **rest
            )
            return seen

        return Deferred(f"{self.agent}'s page: {request.__name__} {contact} {rest}", signal)

    def disposes(self, contact: str = "c1", code: str = "sold", note: str = "") -> Signal:
        return signals.DispositionSubmitted("disposition", self.agent, contact, code, note)


def recording_ended(scenario: Scenario) -> Signal:
    """The worker has written the recording it was last told to start."""
    started = [c for c in scenario.commands if isinstance(c, commands.StartRecording)][-1]
    return signals.RecordingEnded(started.worker, started.recording, f"/rec/{started.name}.wav", 12.5)


is_recorded = Deferred("the recording is stored", recording_ended)
