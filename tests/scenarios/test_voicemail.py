"""Messages: recorded, left in a queue, offered to a page, handled like calls; over hang-ups, kills and long nights."""

from __future__ import annotations

from dataclasses import replace

from cti_engine.core import commands, signals
from cti_engine.core.definitions import DialledNumber
from tests.core_ivr.caller import flow_of
from tests.scenarios.playbook import START, Caller, Deferred, Desk, Elapse, Restart, Scenario, the
from tests.scenarios.small_center import DEFINITIONS

FLOW = flow_of(
    """
    start: leave
    steps:
      leave: {voicemail: {queue: strict, prompt: "Please leave a message.", priority: -5}, next: end}
      end: {hang_up: }
    """,
    "message",
)
CENTER = replace(
    DEFINITIONS,
    flows={**DEFINITIONS.flows, "message": FLOW},
    dialled_numbers={**DEFINITIONS.dialled_numbers, "7000": DialledNumber("7000", "message", "en")},
)
caller, john = Caller(), Desk("john")


def played_out() -> Deferred:
    """What plays to the caller comes to its end."""

    def signal(scenario: Scenario) -> signals.Signal:
        play = [c for c in scenario.commands if isinstance(c, commands.PlayPrompts)][-1]
        return signals.PlaybackEnded(play.worker, play.leg, play.playback, True)

    return Deferred("the prompt is over", signal)


def stored(seconds: float = 8.0, path: str = "/rec/message.wav") -> Deferred:
    def signal(scenario: Scenario) -> signals.Signal:
        order = [c for c in scenario.commands if isinstance(c, commands.StartRecording)][-1]
        return signals.RecordingEnded(order.worker, order.recording, path, seconds)

    return Deferred("the message is stored", signal)


def accepts(contact: str = "c2") -> signals.Signal:
    return signals.AcceptRequested("accept", "john", contact)


def speaking(*ready: str, pages: bool = True) -> Scenario:
    """The caller has heard prompt and beep and is being recorded."""
    s = Scenario(CENTER, ready=ready)
    if pages and ready:
        s = s >> john.opens_page()
    s = s >> caller.calls("7000") >> caller.found("c1") >> caller.connects() << the.PlayPrompts()
    s = s >> played_out() << the.PlayPrompts() >> played_out()
    return s << the.StartRecording(caller_leg="w1/1", agent_leg="", longest=120.0, silence=4.0)


def left(*ready: str, pages: bool = True) -> Scenario:
    """The message is kept and waits as c2, or is offered already."""
    s = speaking(*ready, pages=pages) >> Elapse(8) >> stored() << the.PlayPrompts()
    return s >> caller.presses("1") << the.CallQueued(contact="c2", queue="strict", priority=-5)


def test_a_message_is_offered_accepted_and_handled() -> None:
    """No phone rings; the page accepts; then wrap-up and disposition as after a call, and a record of its own kind."""
    s = left("john").without(the.DialLeg())
    shown = s.center.agents["john"].shown
    assert (shown["kind"], shown["message_s"], shown["contact"]) == ("voicemail", 8.0, "c2")
    s = (
        s
        >> caller.is_gone()
        >> Elapse(3)
        >> accepts()
        << the.Reply(ok=True)
        << the.CallBridged(contact="c2", agent="john")
    )
    s = s.without(the.SetAudioPaths()).without(the.StartRecording())
    s = s >> Elapse(30) >> john.asks_hang_up("c2") << the.CallEnded(contact="c2") << the.WrapUpStarted()
    s = s >> john.disposes("c2") << the.ContactClosed(contact="c2")
    record = s.record("c2")
    assert (record["kind"], record["origin"], record["agent"]) == ("voicemail", "c1", "john")
    assert (record["talk_s"], record["recording"], record["disposition"]) == (
        30.0,
        "/rec/message.wav",
        "sold",
    )
    assert not s.anomalies
    assert not s.center.contacts, "a message that has been handled is not left again"


def test_the_call_that_left_it_has_its_own_record() -> None:
    """Outcome left_message; the call is not counted in the queue."""
    s = left() << the.MessageLeft(contact="c1", message="c2", queue="strict", seconds=8.0)
    s = s >> caller.is_gone() << the.ContactClosed(contact="c1")
    assert s.record("c1")["outcome"] == "left_message"
    assert s.center.queues["strict"].offered == 0


def test_nobody_is_there_all_night() -> None:
    """The longest wait does not throw it away, nor does a restart; it comes to whoever is ready in the morning, and the
    queue's figures are not worse for it."""
    s = left() >> caller.is_gone() >> Elapse(3600) >> Restart() >> Elapse(50_000)
    s = s >> john.registers() >> john.opens_page() >> john.is_ready() << the.CallOffered(contact="c2")
    view = s.acd.queue_view("strict")
    assert view is not None and (view.waiting, view.oldest_at, view.messages) == (0, 0.0, 1)
    assert view.service_level == 1.0


def test_hanging_up_leaves_it_too() -> None:
    """While speaking, and while being asked whether to keep it; less than two seconds are no message."""
    s = speaking() >> Elapse(5) >> caller.hangs_up() << the.StopRecording()
    s = s >> stored(5.0) << the.CallQueued(contact="c2") << the.ContactClosed(contact="c1")
    s = speaking() >> stored(5.0) >> caller.hangs_up() << the.MessageLeft(message="c2")
    s = speaking() >> Elapse(1) >> caller.hangs_up() >> stored(1.5)
    s.without(the.CallQueued()).without(the.MessageLeft())


def test_recorded_again() -> None:
    """The second one counts; who hangs up before a second one is there has left the first."""
    s = speaking() >> stored(5.0, "/rec/1.wav") >> caller.presses("2") >> played_out() << the.StartRecording()
    again = s >> stored(6.0, "/rec/2.wav") >> caller.presses("1")
    again << the.RecordingStored(contact="c2", path="/rec/2.wav") << the.MessageLeft()
    s = speaking() >> stored(5.0, "/rec/1.wav") >> caller.presses("2") >> played_out()
    s = s >> caller.hangs_up() >> stored(0.0, "") << the.RecordingStored(contact="c2", path="/rec/1.wav")


def test_nothing_was_said() -> None:
    """No message; the flow goes on."""
    s = speaking() >> stored(0.0, "") << the.CallEnded(contact="c1", cause="flow_ended")
    s.without(the.MessageLeft())


def test_a_key_ends_it_and_other_keys_do_not() -> None:
    """# stops the recording; what else is pressed is part of it."""
    s = (speaking() >> caller.presses("5")).quiet() >> caller.presses("#") << the.StopRecording()
    s >> stored() << the.PlayPrompts()


def test_killed_while_the_caller_speaks() -> None:
    """The engine comes back, the worker has recorded on, and the message is left as if nothing had been."""
    s = speaking() >> Elapse(3) >> Restart(away=4.0) >> stored() << the.PlayPrompts()
    s >> caller.presses("1") << the.MessageLeft(contact="c1", message="c2")


def test_the_worker_dies_while_the_caller_speaks() -> None:
    """What the next worker repairs is the message, even if it takes minutes."""
    s = (
        speaking()
        >> Elapse(6)
        >> signals.WorkerLost("w1")
        << the.CallEnded(contact="c1", cause="worker_lost")
    )
    s = s >> Elapse(120) >> stored(5.8) << the.CallQueued(contact="c2") << the.ContactClosed(contact="c1")


def test_the_worker_cannot_record() -> None:
    """The flow goes on as if nothing had been said."""
    s = speaking()
    order = [c for c in s.commands if isinstance(c, commands.StartRecording)][-1]
    refused = signals.CommandRefused("w1", "StartRecording", "", "failed", "disk full", order.recording)
    s >> refused << the.CallEnded(contact="c1", cause="flow_ended")


def test_who_does_not_accept_in_time_is_not_ready() -> None:
    """As with a phone that nobody answers: RONA, and the message waits on at its place."""
    s = left("john") >> Elapse(20) << the.AgentRona(agent="john") << the.CallRequeued(contact="c2")
    assert s.center.contacts["c2"].queued_at < START + 60.0
    s >> accepts() << the.Reply(ok=False, code="not_your_call")


def test_without_a_page_it_is_not_offered() -> None:
    """A page is needed to hear it: the agent stays free for calls, and gets it soon after a page is open."""
    s = left("john", pages=False).without(the.CallOffered())
    assert s.center.agents["john"].available
    s = s >> john.opens_page() >> Elapse(120) << the.CallOffered(contact="c2")


def test_accepting_what_is_no_message_is_refused() -> None:
    """A call is answered by its phone."""
    s = Scenario(CENTER, ready=("john",)) >> caller.calls("4000") >> caller.found("c1") >> caller.connects()
    s >> accepts("c1") << the.Reply(ok=False, code="wrong_state")
