"""Hold, mute, keys and a paused recording: by the page of the agent who has the call, done once, told to everybody."""

from __future__ import annotations

from typing import Any

import pytest

from cti_engine.core.signals import DigitsRequested, HoldRequested, MuteRequested, PauseRecordingRequested
from cti_engine.core.views import AgentView
from tests.scenarios.playbook import Caller, Desk, Elapse, Restart, Scenario, is_recorded, the

caller, maria, john = Caller(), Desk("maria"), Desk("john")
BOTH = (("w1/1", "l1"), ("l1", "w1/1"))
HEARS = (("w1/1", "l1"),)
"""The agent hears the caller, and nobody the agent."""


def talking() -> Scenario:
    s = Scenario(ready=("maria",)) >> caller.calls("1000") >> caller.found("c1") >> caller.connects()
    return s >> maria.rings() >> maria.answers() << the.SetAudioPaths(paths=BOTH)


def view(s: Scenario) -> AgentView:
    found = s.acd.agent_view("maria")
    assert found is not None
    return found


def test_a_caller_on_hold_hears_music_and_nobody_else() -> None:
    """Hold parts the two and plays music to the caller; taken back, it stops and they talk again."""
    s = talking() >> maria.asks(HoldRequested, held=True) << the.SetAudioPaths(paths=())
    s = s << the.PlayPrompts(leg="w1/1", repeat=True) << the.Reply(ok=True) << the.CallHeld(held=True)
    assert view(s).held
    s = s >> Elapse(20) >> maria.asks(HoldRequested, held=False) << the.SetAudioPaths(paths=BOTH)
    s = s << the.StopPlayback(leg="w1/1") << the.Reply(ok=True) << the.CallHeld(held=False)
    assert not view(s).held
    s = s >> Elapse(5) >> caller.hangs_up() >> maria.is_gone() >> is_recorded >> maria.disposes()
    assert (s.record()["hold_s"], s.record()["talk_s"]) == (20.0, 5.0)


def test_hold_asked_for_twice_is_one_hold() -> None:
    """The second press, or a second tab, is answered and changes nothing."""
    s = talking() >> maria.asks(HoldRequested, held=True) >> maria.asks(HoldRequested, held=True)
    s = s << the.Reply(ok=True)
    s.without(the.CallHeld()).without(the.PlayPrompts()).without(the.SetAudioPaths())


def test_a_call_is_on_hold_until_page_and_phone_both_took_it_back() -> None:
    """The agent's phone holds too: the fact is told once at the beginning and once at the end."""
    s = talking() >> maria.asks(HoldRequested, held=True) << the.CallHeld(held=True)
    (s >> maria.holds(True)).without(the.CallHeld())
    (s >> maria.asks(HoldRequested, held=False)).without(the.CallHeld())
    assert view(s).held
    s = s >> maria.holds(False) << the.CallHeld(held=False)


def test_a_muted_agent_hears_and_is_not_heard() -> None:
    """Mute takes the agent's path away and nothing else; hold and mute do not undo each other."""
    s = talking() >> maria.asks(MuteRequested, muted=True) << the.SetAudioPaths(paths=HEARS)
    assert view(s).muted
    s = s >> maria.asks(HoldRequested, held=True) << the.SetAudioPaths(paths=())
    s = s >> maria.asks(HoldRequested, held=False) << the.SetAudioPaths(paths=HEARS)
    s = s >> maria.asks(MuteRequested, muted=False) << the.SetAudioPaths(paths=BOTH)
    assert not view(s).muted


def test_keys_go_to_the_other_side() -> None:
    """What an agent presses in the page reaches the caller's leg, and no fact tells it: it may be a secret."""
    s = talking() >> maria.asks(DigitsRequested, digits="12*#") << the.SendDigits(leg="w1/1", digits="12*#")
    s = s << the.Reply(ok=True)
    assert "12*#" not in repr(s.facts) + repr(s.commands[-2]) + repr(s.store.rows)


@pytest.mark.parametrize("digits", ["", "12a", "1" * 33, "+34"])
def test_what_is_no_key_is_refused(digits: str) -> None:
    """1 to 32 keys of a telephone; anything else is refused with a code, and nothing is sent."""
    s = talking() >> maria.asks(DigitsRequested, digits=digits) << the.Reply(ok=False, code="bad_digits")
    s.without(the.SendDigits())


def test_a_recording_pauses_for_a_card_number() -> None:
    """The worker records silence meanwhile, the view says so, and the facts tell from when to when."""
    s = talking() >> maria.asks(PauseRecordingRequested, paused=True) << the.PauseRecording(paused=True)
    s = s << the.Reply(ok=True) << the.RecordingPaused(paused=True)
    assert view(s).recording == "paused"
    (s >> maria.asks(PauseRecordingRequested, paused=True)).without(the.PauseRecording())
    s = s >> maria.asks(PauseRecordingRequested, paused=False) << the.PauseRecording(paused=False)
    assert view(s).recording == "on"


@pytest.mark.parametrize(
    ("request_", "what"),
    [
        (HoldRequested, {"held": True}),
        (MuteRequested, {"muted": True}),
        (DigitsRequested, {"digits": "1"}),
        (PauseRecordingRequested, {"paused": True}),
    ],
)
def test_a_control_is_for_who_has_the_call_now(request_: type, what: dict[str, Any]) -> None:
    """Another agent's call, an old state, a call that only rings, or one that is over: refused with a code."""
    s = talking() >> john.asks(request_, **what) << the.Reply(ok=False, code="not_your_call")
    s = s >> maria.asks(request_, version=1, **what) << the.Reply(ok=False, code="stale")
    s.without(the.SetAudioPaths())
    s = s >> caller.hangs_up() >> maria.asks(request_, **what) << the.Reply(ok=False, code="wrong_state")
    s = Scenario(ready=("maria",)) >> caller.calls("1000") >> caller.found("c1") >> caller.connects()
    s = s >> maria.rings() >> maria.asks(request_, **what) << the.Reply(ok=False, code="wrong_state")


def test_hold_and_mute_survive_a_restart_of_the_engine() -> None:
    """The caller stays on hold, and taking it back works as before."""
    s = talking() >> maria.asks(MuteRequested, muted=True) >> maria.asks(HoldRequested, held=True)
    s = s >> Restart()
    assert view(s).held
    s = s >> maria.asks(HoldRequested, held=False) << the.SetAudioPaths(paths=HEARS) << the.StopPlayback()


def test_an_agent_may_hang_up_while_the_caller_is_on_hold() -> None:
    """The call ends as always, and the hold with it."""
    s = talking() >> maria.asks(HoldRequested, held=True) >> Elapse(4) >> maria.asks_hang_up()
    s = s << the.EndLeg(leg="w1/1") << the.CallEnded(cause="hang_up", party="agent")
    s = s >> caller.is_gone() >> maria.is_gone() >> is_recorded >> maria.disposes()
    assert (s.record()["hold_s"], s.record()["talk_s"]) == (4.0, 0.0)
