"""Any signals in any order, shrunk by Hypothesis to the shortest story that breaks something."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cti_engine.core import signals
from cti_engine.core.acd import Acd
from cti_engine.core.callback_signals import (
    CancelCallbackRequested,
    ListCallbacksRequested,
    MoveCallbackRequested,
    ScheduleCallbackRequested,
)
from cti_engine.core.signals import Signal
from tests.properties.busy_center import busy_center
from tests.properties.invariants import broken
from tests.scenarios.playbook import START, dialog
from tests.scenarios.shadow_store import ShadowStore

DEFINITIONS = busy_center()
WORKERS = st.sampled_from(("w1", "w2"))
LEGS = st.sampled_from(("w1/1", "w2/1", "l1", "l2", "l3", "l4"))
AGENTS = st.sampled_from(("ana", "maria"))
CONTACTS = st.sampled_from(("c1", "c2", "c3"))
CODES = st.sampled_from((0, 408, 480, 486, 603))
COMMANDS = st.sampled_from(("AnswerLeg", "DialLeg", "EndLeg", "PlayFiles", "StartRecording", "StopRecording"))
LISTENINGS = st.sampled_from(("p1", "p2", "p3"))
VERDICTS = st.sampled_from(("accept", "confirm", "reject"))

worker_signals: st.SearchStrategy[Signal] = st.one_of(
    st.builds(
        lambda leg: signals.InviteReceived(leg[:2], leg, "+34600", "1000"), st.sampled_from(("w1/1", "w2/1"))
    ),
    st.builds(
        lambda leg, dnis: signals.InviteReceived(leg[:2], leg, "", dnis),
        st.sampled_from(("w1/1", "w2/1")),
        st.sampled_from(("1000", "2000", "3000", "4000", "6000", "7000", "9999")),
    ),
    st.builds(signals.LegRinging, WORKERS, LEGS),
    st.builds(lambda worker, leg: signals.LegAnswered(worker, leg, dialog(leg)), WORKERS, LEGS),
    st.builds(signals.LegFailed, WORKERS, LEGS, CODES),
    st.builds(
        signals.LegEnded, WORKERS, LEGS, st.sampled_from(("remote", "local", "media_timeout", "shut_down"))
    ),
    st.builds(signals.DigitPressed, WORKERS, LEGS, st.sampled_from("129")),
    st.builds(signals.PlaybackEnded, WORKERS, LEGS, st.sampled_from(("p1", "p2", "p3")), st.booleans()),
    st.builds(signals.SpeechStarted, WORKERS, LEGS, LISTENINGS),
    st.builds(signals.SpeechPartial, WORKERS, LEGS, LISTENINGS, st.just("sa")),
    st.builds(signals.SpeechHeard, WORKERS, LEGS, LISTENINGS, VERDICTS, st.sampled_from(("1", "2", ""))),
    st.builds(
        signals.ListeningFailed, WORKERS, LEGS, LISTENINGS, st.sampled_from(("unavailable", "overloaded"))
    ),
    st.builds(signals.RecordingEnded, WORKERS, st.sampled_from(("r1", "r2")), st.just("/r"), st.just(1.0)),
    st.builds(signals.LegHeld, WORKERS, LEGS, st.booleans()),
    st.builds(signals.CommandRefused, WORKERS, COMMANDS, LEGS, st.sampled_from(("no_such_leg", "failed"))),
    st.builds(signals.WorkerSeen, WORKERS, st.lists(LEGS, unique=True, max_size=3).map(tuple)),
    st.builds(signals.WorkerLost, WORKERS),
)
agent_signals: st.SearchStrategy[Signal] = st.one_of(
    st.builds(signals.PhoneRegistered, AGENTS, st.just("sip:x"), st.just(60.0)),
    st.builds(signals.PhoneUnregistered, AGENTS),
    st.builds(signals.EdgeSeen, st.lists(AGENTS, unique=True).map(tuple)),
    st.builds(signals.PageOpened, AGENTS, st.just("page")),
    st.builds(signals.PageClosed, AGENTS, st.just("page")),
    st.builds(signals.OfferShown, AGENTS, st.sampled_from(("o1", "o2", "o3"))),
    st.builds(signals.ReadyRequested, st.just("q"), AGENTS),
    st.builds(signals.NotReadyRequested, st.just("q"), AGENTS, st.just("lunch")),
    st.builds(signals.LogOutRequested, st.just("q"), AGENTS),
    st.builds(signals.HangUpRequested, st.just("q"), AGENTS, CONTACTS, st.integers(1, 6)),
    st.builds(signals.HoldRequested, st.just("q"), AGENTS, CONTACTS, st.integers(1, 6), st.booleans()),
    st.builds(signals.MuteRequested, st.just("q"), AGENTS, CONTACTS, st.integers(1, 6), st.booleans()),
    st.builds(
        signals.DigitsRequested, st.just("q"), AGENTS, CONTACTS, st.integers(1, 6), st.text(max_size=3)
    ),
    st.builds(
        signals.PauseRecordingRequested, st.just("q"), AGENTS, CONTACTS, st.integers(1, 6), st.booleans()
    ),
    st.builds(signals.DialRequested, st.just("q"), AGENTS, st.sampled_from(("+34600", "+44600"))),
    st.builds(
        ScheduleCallbackRequested,
        st.just("q"),
        AGENTS,
        st.sampled_from(("2024-10-04T10:00:20", "2024-10-04T10:01", "2024-10-04T10:02")),
        of=st.sampled_from(("", "c1", "c2")),
        number=st.sampled_from(("", "+34600", "+44600")),
        own=st.booleans(),
    ),
    st.builds(MoveCallbackRequested, st.just("q"), AGENTS, CONTACTS, st.just("2024-10-04T10:02")),
    st.builds(CancelCallbackRequested, st.just("q"), AGENTS, CONTACTS, st.booleans()),
    st.builds(ListCallbacksRequested, st.just("q"), AGENTS),
    st.builds(signals.ExplainRequested, st.just("q"), AGENTS, CONTACTS),
    st.builds(signals.WaitingRequested, st.just("q"), AGENTS, st.sampled_from((*DEFINITIONS.queues, "none"))),
    st.builds(signals.DispositionSubmitted, st.just("q"), AGENTS, CONTACTS, st.just("sold")),
    st.builds(signals.LookupReturned, CONTACTS, st.just({"customer": "7"})),
    st.builds(signals.ProfileFilledIn, CONTACTS, st.just({"customer": "7", "segment": "gold"})),
    st.builds(signals.ServiceAnswered, CONTACTS, st.just("s1"), st.just({"balance": 7.0})),
)
steps = st.tuples(st.sampled_from((0.0, 0.0, 0.2, 3.0, 30.0)), st.one_of(worker_signals, agent_signals))


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(steps, max_size=60), st.booleans())
def test_no_order_of_signals_breaks_an_invariant(
    story: list[tuple[float, Signal]], killed_each_time: bool
) -> None:
    """From two ready agents on, whatever comes in, also when the engine is killed and loaded after every signal."""
    acd, store, now = Acd(DEFINITIONS), ShadowStore(), START
    ready: list[tuple[float, Signal]] = [
        (0.0, signals.Restarted()),
        (0.0, signals.EdgeSeen(("ana", "maria"))),
        (0.0, signals.ReadyRequested("q", "ana")),
        (0.0, signals.ReadyRequested("q", "maria")),
    ]
    for pause, signal in [*ready, *story]:
        now += pause
        if killed_each_time:
            acd = Acd(DEFINITIONS)
            store.reload(acd)
        store.take(acd.handle(signal, now))
        wrong = broken(acd.center) + store.differences(acd.center)
        assert not wrong, wrong
