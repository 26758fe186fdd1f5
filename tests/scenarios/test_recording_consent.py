"""Callers are told that they are recorded, or asked: by dialled number and trunk, before their flow begins."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cti_engine.core import signals
from cti_engine.core.definitions import RecordingNotice
from cti_engine.definitions.recording_notices import SAY, notice_flows
from tests.scenarios.playbook import Caller, Deferred, Desk, Elapse, Scenario, is_recorded, the
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
