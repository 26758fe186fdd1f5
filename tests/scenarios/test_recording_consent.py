"""Callers are told that they are recorded, or asked: by dialled number and trunk, before their flow begins."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cti_engine.core import signals
from cti_engine.core.definitions import DialPermission, EmergencyRules, OutboundRules, RecordingNotice
from cti_engine.definitions.recording_notices import SAY, notice_flows
from tests.scenarios.playbook import Caller, Deferred, Desk, Elapse, Scenario, dialog, is_recorded, the
from tests.scenarios.small_center import DEFINITIONS

maria = Desk("maria")
caller = Caller()


def center(*notices: RecordingNotice) -> Scenario:
    made = notice_flows(notices, DEFINITIONS.dialled_numbers, DEFINITIONS.flows)
    definitions = replace(DEFINITIONS, notices=notices, flows={**DEFINITIONS.flows, **made})
    return Scenario(definitions, ready=("maria",))


def arrives(s: Scenario, dnis: str = "1000", source: str = "trunk:carrier") -> Scenario:
    s = s >> signals.InviteReceived(caller.worker, caller.leg, caller.ani, dnis, source=source)
    return s >> caller.connects() >> caller.found("c1")


def heard(s: Scenario) -> list[str]:
    return [p.value for c in s.commands if type(c).__name__ == "PlayPrompts" for p in c.prompts]  # type: ignore[union-attr]


def said() -> Deferred:
    def signal(s: Scenario) -> signals.Signal:
        played = [c for c in s.commands if type(c).__name__ == "PlayPrompts"][-1]
        return signals.PlaybackEnded(caller.worker, caller.leg, played.playback, True)  # type: ignore[union-attr]

    return Deferred("all of it is said", signal)


def test_told_before_the_queue() -> None:
    """The sentence is heard whole, then the number's flow begins; the call is recorded as ever."""
    s = arrives(center(RecordingNotice("announce")))
    assert heard(s) == [SAY["announce"]["en"]]
    s = (s >> caller.presses("1")).without(the.CallQueued()) >> said() << the.CallQueued(queue="sales")
    s >> maria.answers() << the.StartRecording()


@pytest.mark.parametrize(
    ("key", "recorded", "consent"), [("1", True, "agreed"), ("2", False, "refused"), ("", False, "refused")]
)
def test_asked(key: str, recorded: bool, consent: str) -> None:
    """1 agrees; 2 and silence do not: then nothing is recorded, and record and page say so."""
    s = arrives(center(RecordingNotice("ask")))
    assert heard(s) == [SAY["ask"]["en"]]
    s = s >> caller.presses(key) if key else s >> said() >> Elapse(6) >> said() >> Elapse(6)
    s = s >> maria.answers() << the.CallBridged()
    assert any(type(c).__name__ == "StartRecording" for c in s.commands) is recorded
    view = s.acd.agent_view("maria")
    assert view is not None and view.recording == ("on" if recorded else "refused")
    s = s >> maria.asks(signals.PauseRecordingRequested, paused=True)
    s = s << the.Reply(ok=True) if recorded else s << the.Reply(ok=False, code="not_recorded")
    s = s >> caller.hangs_up() >> maria.is_gone() >> maria.disposes()
    s = s >> is_recorded if recorded else s
    assert s.record()["recording_consent"] == consent
    assert bool(s.record()["recording"]) is recorded


@pytest.mark.parametrize(
    ("notice", "told"),
    [
        (RecordingNotice("announce", numbers=("1000",)), True),
        (RecordingNotice("announce", numbers=("2000",)), False),
        (RecordingNotice("announce", trunks=("carrier",)), True),
        (RecordingNotice("announce", trunks=("other",)), False),
        (RecordingNotice("none", numbers=("1000",)), False),
    ],
)
def test_whom_it_is_for(notice: RecordingNotice, told: bool) -> None:
    """By dialled number and by trunk; the first that fits decides."""
    s = arrives(center(notice, RecordingNotice("announce", numbers=("5000",))))
    assert heard(s) == ([SAY["announce"]["en"]] if told else [])


def test_where_nothing_is_recorded_nothing_is_said() -> None:
    """A center that records no calls announces none."""
    s = center(RecordingNotice("announce"))
    s.acd.install(replace(s.definitions, record_calls=False))
    assert heard(arrives(s)) == []


# --- whom we call ------------------------------------------------------------------------------------------

NUMBER = "+34600000007"
OUTBOUND = OutboundRules((DialPermission(("+34",), agents=("maria",)),), trunk="carrier", shows="1000")


def calls_out(*notices: RecordingNotice, number: str = NUMBER) -> Scenario:
    """Maria and who is called are on the line."""
    rules = EmergencyRules(("112",), "allow", "carrier")
    definitions = replace(DEFINITIONS, notices=notices, outbound=OUTBOUND, emergency=rules)
    s = Scenario(definitions, ready=("maria",)) >> signals.WorkerSeen("w9")
    s = s >> signals.DialRequested("dial", "maria", number) >> maria.answers()
    leg = s.center.contacts["c1"].caller_leg
    return s >> signals.LegAnswered("w9", leg, dialog(leg)) << the.CallBridged()


def presses(s: Scenario, key: str) -> Scenario:
    return s >> signals.DigitPressed("w9", s.center.contacts["c1"].caller_leg, key)


def told(consent: str, **where: tuple[str, ...]) -> RecordingNotice:
    return RecordingNotice(consent, say=SAY[consent], **where)


def records(s: Scenario) -> int:
    return sum(type(c).__name__ == "StartRecording" for c in s.commands)


def test_whom_we_call_is_told() -> None:
    """Both hear the sentence as they are joined, and the call is recorded."""
    s = calls_out(told("announce"))
    assert heard(s) == [SAY["announce"]["en"]] * 2 and records(s) == 1


@pytest.mark.parametrize(
    ("key", "recorded", "consent"),
    [("1", 1, "agreed"), ("2", 0, "refused"), ("", 0, "asked"), ("9", 0, "asked")],
)
def test_whom_we_call_is_asked(key: str, recorded: int, consent: str) -> None:
    """Nothing is recorded until they agree by key, and never when they do not; the record says which."""
    s = calls_out(told("ask"))
    assert heard(s) == [SAY["ask"]["en"]] * 2 and records(s) == 0
    view = s.acd.agent_view("maria")
    assert view is not None and view.recording == "refused"
    s = presses(s, key) if key else s
    assert records(s) == recorded
    s = presses(presses(s, "1"), "2")  # the first answer counts
    contact = s.center.contacts["c1"]
    assert contact.attributes["recording_consent"] == (consent if key in ("1", "2") else "agreed")


@pytest.mark.parametrize(
    ("notice", "fits"),
    [
        (told("announce", numbers=("1000",)), True),  # the number that we show
        (told("announce", numbers=("2000",)), False),
        (told("announce", trunks=("carrier",)), True),
        (told("announce", trunks=("other",)), False),
    ],
)
def test_by_the_same_rules(notice: RecordingNotice, fits: bool) -> None:
    """By the number shown and the trunk by which the call goes."""
    assert heard(calls_out(notice)) == [SAY["announce"]["en"]] * (2 if fits else 0)


def test_rescuers_are_not_asked() -> None:
    """An emergency call is recorded without a word."""
    s = calls_out(told("ask"), number="112")
    assert heard(s) == [] and records(s) == 1
