"""Surveys inside a flow: answers are facts, attributes and in the record; comments stay when callers hang up."""

from __future__ import annotations

from cti_engine.core import commands, signals
from tests.core_ivr.caller import flow_of
from tests.scenarios.playbook import Caller, Deferred, Elapse, Restart, Scenario, the
from tests.scenarios.small_center import with_flows, with_number

SURVEY = flow_of(
    """
    start: question
    defaults: {no_input: end, no_match: end}
    steps:
      question: {survey: {answer: satisfaction, prompt: "How was it?"}, next: comment}
      comment: {record: {answer: comment, beep: false}, next: end}
      end: {hang_up: }
    """,
    "opinion",
)
CENTER = with_number("7000", "opinion", with_flows(SURVEY))
caller = Caller()


def stored(seconds: float = 8.0, path: str = "/rec/comment.wav") -> Deferred:
    """The worker has stored what the caller said."""

    def signal(scenario: Scenario) -> signals.Signal:
        order = [
            each for each in scenario.commands
            if isinstance(each, commands.StartRecording) and not each.agent_leg
        ][-1]  # fmt: skip
        return signals.RecordingEnded(order.worker, order.recording, path, seconds)

    return Deferred("the comment is stored", signal)


def asked() -> Scenario:
    s = Scenario(CENTER) >> caller.calls("7000") >> caller.found("c1") >> caller.connects()
    return s << the.PlayPrompts()


def test_an_answer_is_a_fact_an_attribute_and_in_the_record() -> None:
    """Before any agent it names none."""
    s = asked() >> caller.presses("4")
    s = s << the.SurveyAnswered(
        survey="opinion", question="satisfaction", scale="1-5", answer=4, way="key", agent="", queue=""
    )
    s = s << the.CallAttributesSet(attributes={"satisfaction": 4}) << the.StartRecording(agent_leg="")
    assert s.center.contacts["c1"].attributes["satisfaction"] == 4
    s = (
        s
        >> stored()
        << the.SurveyAnswered(question="comment", answer=None, recording="/rec/comment.wav", seconds=8.0)
    )
    s = s << the.CallEnded(cause="flow_ended") >> caller.is_gone() << the.ContactClosed()
    assert s.record()["survey"] == {"satisfaction": 4, "comment": "/rec/comment.wav"}
    assert s.record()["recording"] == "", "the record's recording is the conversation's"
    assert not s.anomalies


def test_hanging_up_leaves_what_was_answered() -> None:
    """In mid-comment too, if there are two seconds of it; the record waits for the file."""
    s = asked() >> caller.presses("4") >> Elapse(5) >> caller.hangs_up() << the.StopRecording()
    s.without(the.ContactClosed())
    s = (
        s
        >> stored(5.0)
        << the.SurveyAnswered(question="comment", recording="/rec/comment.wav")
        << the.ContactClosed()
    )
    assert s.record()["survey"] == {"satisfaction": 4, "comment": "/rec/comment.wav"}
    s = asked() >> caller.presses("4") >> Elapse(1) >> caller.hangs_up() >> stored(1.5)
    assert s.without(the.SurveyAnswered()).record()["survey"] == {"satisfaction": 4}


def test_killed_in_mid_comment() -> None:
    """The worker records on, and the comment is told by the next life of the engine."""
    s = asked() >> caller.presses("4") >> Elapse(3) >> Restart(away=4.0) >> stored()
    s << the.SurveyAnswered(survey="opinion", question="comment") << the.CallEnded(cause="flow_ended")


def test_the_worker_dies_in_mid_comment() -> None:
    """What the next worker repairs is the comment."""
    s = (
        asked()
        >> caller.presses("4")
        >> Elapse(6)
        >> signals.WorkerLost("w1")
        << the.CallEnded(cause="worker_lost")
    )
    s = s >> Elapse(120) >> stored(5.8) << the.SurveyAnswered(question="comment") << the.ContactClosed()


def test_nothing_was_said() -> None:
    """No answer."""
    s = asked() >> caller.presses("4") >> stored(0.0, "") << the.CallEnded(cause="flow_ended")
    s.without(the.SurveyAnswered())
