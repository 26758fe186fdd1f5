"""After the call: whose agent hung up gets the queue's flow; wrap-up, talk and queue figures know nothing of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cti_engine.core import commands, signals
from cti_engine.core.center import DAY
from cti_engine.core.definitions import AfterCall, CenterDefinitions
from cti_engine.core.events import AfterCallStarted
from tests.core_ivr.caller import flow_of
from tests.scenarios.playbook import (
    Caller,
    Desk,
    Elapse,
    Install,
    Restart,
    Scenario,
    dialog,
    is_recorded,
    the,
)
from tests.scenarios.small_center import DEFINITIONS, with_flows, with_queues
from tests.scenarios.test_survey import stored
from tests.scenarios.test_voicemail import played_out

SURVEY = flow_of(
    """
    start: question
    defaults: {no_input: end, no_match: end}
    steps:
      question: {survey: {answer: satisfaction, prompt: "How was it?"}, next: comment}
      comment: {record: {answer: comment}, next: end}
      end: {hang_up: }
    """,
    "opinion",
)
caller, john = Caller(), Desk("john")


def center(base: CenterDefinitions = DEFINITIONS, **rule: float) -> CenterDefinitions:
    strict = replace(base.queues["strict"], after_call=AfterCall("opinion", **rule))
    return with_queues(strict, base=with_flows(SURVEY, base=base))


def talking(definitions: CenterDefinitions, s: Scenario | None = None, contact: str = "c1") -> Scenario:
    """John and the caller have talked for a minute."""
    s = s or Scenario(definitions, ready=("john",))
    s = s >> caller.calls("5000") >> caller.found(contact) >> caller.connects() >> Elapse(0.2)
    s = s >> john.rings() >> Elapse(3) >> john.answers() << the.CallBridged(contact=contact)
    return s >> Elapse(60)


def asked(definitions: CenterDefinitions | None = None) -> Scenario:
    """John has hung up and the caller is being asked."""
    s = talking(definitions or center()) >> john.hangs_up()
    return s << the.AfterCallStarted(contact="c1", agent="john", queue="strict", flow="opinion")


def test_the_agent_hangs_up_and_the_caller_is_asked() -> None:
    """The recording ends, nobody hears anybody, the agent wraps up at once, the flow plays to the caller."""
    s = talking(center()) >> john.hangs_up()
    s = s << the.StopRecording() << the.SetAudioPaths(paths=()) << the.PlayPrompts(leg="w1/1")
    s = (
        s
        << the.AfterCallStarted()
        << the.AgentStateChanged(agent="john", state="wrap_up")
        << the.WrapUpStarted()
    )
    s = s << the.IvrStepEntered(flow="opinion", step="question")
    s = s.without(the.CallEnded()).without(the.EndLeg())
    s = s >> is_recorded << the.RecordingStored(path="/rec/c1.wav")
    s = s >> caller.presses("4") << the.SurveyAnswered(answer=4, way="key", agent="john", queue="strict")
    s = s >> played_out() << the.StartRecording(agent_leg="") >> Elapse(8)
    s = s >> stored() << the.SurveyAnswered(question="comment", recording="/rec/comment.wav", agent="john")
    s = s << the.CallEnded(cause="flow_ended") >> caller.is_gone() >> Elapse(30) << the.WrapUpEnded()
    s = s << the.ContactClosed()
    record = s.record()
    assert record["survey"] == {"satisfaction": 4, "comment": "/rec/comment.wav"}
    assert (record["recording"], record["outcome"], record["cause"]) == (
        "/rec/c1.wav",
        "answered",
        "agent/hang_up",
    )
    assert (record["talk_s"], record["after_call_s"], record["wrap_up_s"]) == (60.0, 8.0, 30.0)
    assert not s.anomalies


def test_the_agent_hangs_up_while_the_caller_is_on_hold() -> None:
    """The hold ends with the conversation, and the flow's prompt takes the place of the music."""
    s = talking(center()) >> john.asks(signals.HoldRequested, held=True) >> Elapse(9) >> john.asks_hang_up()
    s = s << the.SetAudioPaths(paths=()) << the.PlayPrompts(leg="w1/1") << the.AfterCallStarted()
    assert not s.center.contacts["c1"].controls.held
    s = s >> caller.hangs_up() >> john.is_gone() >> is_recorded >> Elapse(30) << the.ContactClosed()
    assert (s.record()["hold_s"], s.record()["talk_s"]) == (9.0, 60.0)


def test_the_agent_hangs_up_in_the_page() -> None:
    """The phone is hung up, the caller is asked."""
    s = talking(center()) >> john.asks_hang_up() << the.EndLeg(leg=talking(center()).agent_leg("john").leg)
    s = s << the.PlayPrompts(leg="w1/1") << the.Reply(ok=True) << the.AfterCallStarted()
    s = s >> john.is_gone() >> caller.presses("2") << the.SurveyAnswered(answer=2)
    assert not s.anomalies


def test_a_disposition_in_mid_survey_frees_the_agent() -> None:
    """The survey takes a minute, the agent is on the next call after ten seconds; its handle time is without it."""
    s = (
        asked()
        >> Elapse(2)
        >> played_out()
        >> Elapse(1)
        >> john.disposes()
        << the.WrapUpEnded(disposition="sold")
    )
    s = s << the.AgentStateChanged(agent="john", state="idle")
    s.without(the.ContactClosed())
    other = Caller("w2", "+34600000002")
    s = (
        s
        >> other.calls("5000")
        >> other.found("c2")
        >> other.connects()
        << the.CallOffered(contact="c2", agent="john")
    )
    s = s >> caller.presses("5") << the.SurveyAnswered(contact="c1", answer=5, agent="john")
    s = s >> played_out() >> Elapse(20) >> caller.hangs_up() >> stored(20.0) >> is_recorded
    queue = s.acd.queue_view("strict")
    assert queue is not None and (queue.offered, queue.answered, queue.abandoned) == (2, 1, 0)


def test_the_handle_time_is_without_the_survey() -> None:
    """What the wait estimate learns of this call: talk and wrap-up, though the caller speaks for minutes."""
    s = asked() >> caller.presses("4") >> played_out() >> Elapse(30) << the.WrapUpEnded()
    with_survey = s.center.waits["strict"]
    plain = talking(DEFINITIONS) >> john.hangs_up() >> Elapse(30) << the.WrapUpEnded()
    assert with_survey == plain.center.waits["strict"]


@pytest.mark.parametrize("by_page", [True, False])
def test_who_hangs_up_first_is_not_asked(by_page: bool) -> None:
    """Neither a caller who hung up, nor one whose agent hung up a moment later; nor who never reached an agent."""
    late = john.asks_hang_up() if by_page else john.hangs_up()
    s = talking(center()) >> caller.hangs_up() << the.CallEnded(cause="hang_up", party="caller")
    (s.without(the.AfterCallStarted()) >> late).without(the.AfterCallStarted())
    s = Scenario(center()) >> caller.calls("5000") >> caller.found("c1") >> caller.connects() >> Elapse(5)
    (s >> caller.hangs_up() << the.CallAbandoned()).without(the.AfterCallStarted())


def test_both_hang_up_at_once() -> None:
    """The agent's BYE was first: the flow begins and is over at once, the record says who ended the conversation."""
    s = asked() >> caller.hangs_up() << the.CallEnded(cause="hang_up", party="caller")
    s = s >> is_recorded >> Elapse(30) << the.ContactClosed()
    assert (s.record()["cause"], s.record()["survey"], s.record()["talk_s"]) == ("agent/hang_up", {}, 60.0)
    assert not s.anomalies


def test_the_caller_hangs_up_in_mid_survey() -> None:
    """What was answered stays, and a comment of two seconds too."""
    s = asked() >> is_recorded >> caller.presses("1") >> played_out() >> Elapse(6) >> caller.hangs_up()
    s = (
        s
        << the.StopRecording()
        >> stored(6.0)
        << the.SurveyAnswered(question="comment", agent="john", seconds=6.0)
    )
    s = s >> Elapse(30) << the.ContactClosed()
    assert s.record()["survey"] == {"satisfaction": 1, "comment": "/rec/comment.wav"}


def test_the_conversation_is_stored_late() -> None:
    """Its recording ends while the comment runs: each is told as what it is."""
    s = asked() >> caller.presses("4") >> played_out() << the.StartRecording(agent_leg="")
    talk = next(each for each in s.commands if isinstance(each, commands.StartRecording) and each.agent_leg)
    s = s >> signals.RecordingEnded("w1", talk.recording, "/rec/talk.wav", 60.0) << the.RecordingStored()
    s = s.without(the.SurveyAnswered()) >> stored() << the.SurveyAnswered(question="comment")
    s = s >> caller.is_gone() >> Elapse(30)
    assert s.record()["recording"] == "/rec/talk.wav"


@pytest.mark.parametrize("steps", range(5))
def test_a_kill_in_mid_survey_changes_nothing(steps: int) -> None:
    """The engine comes back between any two steps and the survey goes on where it was."""

    def story(kill: int | None) -> Scenario:
        s = talking(center())
        for number, step in enumerate(
            (john.hangs_up(), is_recorded, caller.presses("4"), played_out(), stored(), caller.is_gone())
        ):
            if number == kill:
                s = s >> Restart(grace=0.0)
            s = s >> step >> Elapse(1)
        return s >> Elapse(40)

    killed, unbroken = story(steps), story(None)
    assert killed.facts == unbroken.facts and killed.commands == unbroken.commands
    assert killed.record()["survey"] == {"satisfaction": 4, "comment": "/rec/comment.wav"}


def test_the_worker_is_lost_in_mid_survey() -> None:
    """The call ends, the conversation had its own end: the caller gets no old place back, the agent wraps up on."""
    s = asked() >> caller.presses("4") >> signals.WorkerLost("w1") << the.CallEnded(cause="worker_lost")
    assert not s.center.recallers and s.center.agents["john"].state == "wrap_up"
    s = s >> Elapse(620)
    assert (s.record()["cause"], s.record()["survey"]) == ("agent/hang_up", {"satisfaction": 4})


def test_other_ends_of_a_conversation_ask_nobody() -> None:
    """A phone that has vanished, the longest call."""
    s = talking(center())
    leg = s.agent_leg("john")
    (s >> signals.LegEnded(leg.worker, leg.leg, "media_timeout") << the.CallEnded()).without(
        the.AfterCallStarted()
    )
    (talking(center()) >> Elapse(1800) << the.CallEnded(cause="maximum_length")).without(
        the.AfterCallStarted()
    )


def test_a_share_of_the_callers_is_asked() -> None:
    """By chance, which the seed decides: of 400 calls 30 % within four standard deviations (37)."""
    given = 0
    s = Scenario(center(share=0.3), ready=("john",))
    for number in range(1, 401):
        s = talking(s.definitions, s, f"c{number}") >> john.hangs_up()
        was_asked = s.center.contacts[f"c{number}"].state == "after_call"
        given += was_asked
        s = s >> is_recorded >> john.disposes(f"c{number}")
        s = s >> (caller.hangs_up() if was_asked else caller.is_gone()) >> Elapse(1)
        s.timeline.clear()
        s.wanted.clear()
    assert abs(given - 120) < 37


def test_nobody_is_asked_too_often() -> None:
    """Once in 30 days by number, over an engine kill; another number is asked; after 30 days again."""
    rules = center(at_most_every=30 * DAY)

    def again(s: Scenario, contact: str) -> Scenario:
        return talking(rules, s, contact) >> john.hangs_up()

    def over(s: Scenario, contact: str, *, hangs_up: bool) -> Scenario:
        s = s >> (caller.hangs_up() if hangs_up else caller.is_gone()) >> is_recorded
        return s >> john.disposes(contact) >> Elapse(1)

    s = over(asked(rules), "c1", hangs_up=True) >> Restart() >> Elapse(29 * DAY)
    s = over(again(s, "c2").without(the.AfterCallStarted()) << the.CallEnded(), "c2", hangs_up=False)
    s = again(s >> Elapse(DAY), "c3") << the.AfterCallStarted(contact="c3")
    s = over(s, "c3", hangs_up=True)
    assert list(s.center.surveyed) == [caller.ani]
    s = s >> Elapse(31 * DAY)
    assert not s.center.surveyed, "forgotten when no queue asks any more"


def test_a_customer_is_asked_once_whichever_number_they_call_from() -> None:
    """The second number of a customer who was asked is not asked; a stranger's is, and the customer after a month."""
    rules = center(at_most_every=30 * DAY)
    s = Scenario(rules, ready=("john",))

    def call(s: Scenario, number: str, contact: str, **profile: object) -> Scenario:
        of = Caller("w1", number)
        s = s >> of.calls("5000") >> of.found(contact, **profile) >> of.connects() >> Elapse(0.2)
        s = s >> john.rings() >> john.answers() >> Elapse(60) >> john.hangs_up()
        asked = s.center.contacts[contact].state == "after_call"
        s = s >> (of.hangs_up() if asked else of.is_gone()) >> is_recorded
        return s >> john.disposes(contact) >> Elapse(1)

    def asks(s: Scenario) -> list[tuple[str, str, str]]:
        return [
            (fact.contact, fact.customer, fact.number)
            for _, fact in s.facts
            if isinstance(fact, AfterCallStarted)
        ]

    s = call(s, "+34600000001", "c1", customer="c01", name="Lucía")
    s = call(s, "+34910000002", "c2", customer="c01", name="Lucía")
    s = call(s, "+34910000003", "c3")
    s = call(s >> Elapse(30 * DAY), "+34910000002", "c4", customer="c01", name="Lucía")
    assert asks(s) == [
        ("c1", "c01", "+34600000001"), ("c3", "", "+34910000003"), ("c4", "c01", "+34910000002"),
    ]  # fmt: skip


def test_a_caller_without_a_number_is_not_asked_where_there_is_a_limit() -> None:
    """It could not be kept."""
    hidden = Caller("w1", "")
    s = (
        Scenario(center(at_most_every=DAY), ready=("john",))
        >> hidden.calls("5000")
        >> hidden.connects()
        >> Elapse(1)
    )
    s = s >> john.rings() >> john.answers() >> Elapse(9) >> john.hangs_up() << the.CallEnded()
    s.without(the.AfterCallStarted())


def test_a_callback_is_a_conversation_too() -> None:
    """Who was called back is asked like who called."""
    base = with_flows(flow_of(BACK, "back"), base=DEFINITIONS)
    numbers = {
        **base.dialled_numbers,
        "7000": replace(base.dialled_numbers["5000"], number="7000", flow="back"),
    }
    rules = center(replace(base, dialled_numbers=numbers))
    s = Scenario(rules) >> signals.InviteReceived(
        "w1", "w1/1", "+34600000001", "7000", source="trunk:carrier"
    )
    s = s >> caller.found("c1") >> caller.connects() << the.CallbackRequested(contact="c2")
    s = (
        s
        >> caller.is_gone()
        >> signals.WorkerSeen("w3")
        >> john.registers()
        >> john.is_ready()
        >> Elapse(0.2)
    )
    s = s >> john.rings() >> john.answers() << the.DialLeg(target="+34600000001")
    dialled = [each for each in s.commands if isinstance(each, commands.DialLeg)][-1]
    s = s >> signals.LegAnswered(dialled.worker, dialled.leg, dialog(dialled.leg))
    s = s << the.CallBridged(contact="c2") >> Elapse(30) >> john.hangs_up()
    s = s << the.PlayPrompts(leg=dialled.leg) << the.AfterCallStarted(contact="c2")
    s = s >> signals.DigitPressed(dialled.worker, dialled.leg, "5")
    s << the.SurveyAnswered(contact="c2", answer=5, agent="john", queue="strict")


BACK = """
    start: back
    steps:
      back: {callback: {queue: strict, failed: end}, next: end}
      end: {hang_up: }
"""


def test_a_flow_that_enters_a_queue_ends_the_call() -> None:
    """The check refuses it; a call of before a reload is ended, not stuck."""
    bad = flow_of("start: back\nsteps:\n  back: {enqueue: strict}\n", "opinion")
    s = talking(with_flows(bad, base=center())) >> john.hangs_up() << the.CallEnded(cause="flow_fault")
    assert "cannot wait in strict again" in s.anomalies[0]


def test_the_queue_is_gone() -> None:
    """Its definition decides as the agent hangs up: a queue that is gone asks nobody."""
    gone = {name: queue for name, queue in center().queues.items() if name != "strict"}
    s = talking(center()) >> Install(replace(center(), queues=gone, version="2")) >> john.hangs_up()
    (s << the.CallEnded(cause="hang_up")).without(the.AfterCallStarted())
