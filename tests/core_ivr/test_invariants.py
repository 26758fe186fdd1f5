"""Random flows under random input: total, bounded, storable, and over exactly once."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.parser import parse
from cti_engine.core.ivr import flow as f
from cti_engine.core.ivr import session
from cti_engine.core.ivr.actions import (
    BeginFlow,
    Enqueue,
    HangUp,
    Listen,
    Play,
    StartRecord,
    StopListen,
    StopPlay,
    StopRecord,
)
from cti_engine.core.ivr.state import IvrState
from tests.core_ivr.caller import Caller

_STEPS = ["a", "b", "c", "d"]
_target = st.sampled_from(_STEPS)
_part = st.one_of(
    st.just(f.Fixed("text", "Hi")),
    st.just(f.Fixed("music", "default")),
    st.sampled_from(
        [
            f.Spoken("x", "number"),
            f.Spoken("call.ani", "digits"),
            f.Spoken("queue.position", "number", recorded=True),
        ]
    ),
)
_content = st.lists(st.lists(_part, min_size=1, max_size=2).map(tuple), max_size=2).map(
    lambda utterances: {"en": tuple(utterances), "es": ()}
)
_condition = st.sampled_from(["x == 1", "x != 1", "call.kind has 3", "queue.position > 2", "not x > 0"]).map(
    lambda text: Condition(parse(text))
)
_value = st.sampled_from([1, 2, "text", True, f.Template((f.Spoken("queue.position", ""),))])
_values = st.dictionaries(st.just("x"), _value)
_into = st.just({"x": "y"})
_asking = {
    "prompt": _content,
    "no_input": _target,
    "no_match": _target,
    "retries": st.integers(0, 2),
    "timeout": st.just(5.0),
    "barge_in": st.booleans(),
    "no_match_prompt": st.one_of(st.none(), _content),
}
_menu = st.builds(
    f.Menu,
    choices=st.dictionaries(
        st.sampled_from("12"),
        st.builds(
            f.Choice,
            _target,
            st.just({"en": "one"}),
            st.sampled_from([{}, {"en": ("one", "first")}]),
            _content,
        ),
        max_size=2,
    ),
    voice_prompt=st.one_of(st.none(), _content),
    **_asking,
)
_gather = st.builds(
    f.Gather, into=st.just("x"), next=_target, least=st.integers(1, 2), most=st.integers(2, 3),
    check=st.sampled_from([f.DigitCheck(), f.DigitCheck(luhn=True), f.DigitCheck(pattern="1.*")]),
    sensitive=st.booleans(), **_asking,
)  # fmt: skip
_survey = st.builds(
    f.Survey,
    into=st.just("x"),
    scale=st.just("1-10"),
    next=_target,
    choices=st.just({key: f.Choice("b", {"en": key}, {"en": (key,)}) for key in ("1", "2", "10")}),
    **_asking,
)
_open = st.builds(f.OpenQuestion, into=st.just("x"), next=_target, **_asking)
_step: st.SearchStrategy[f.Step] = st.one_of(
    _menu,
    _gather,
    _open,
    _survey,
    st.builds(
        f.LookUpService,
        st.just("s"),
        st.dictionaries(st.just("n"), _value),
        st.just({"x": "y"}),
        _target,
        _target,
    ),
    st.builds(f.Send, st.just("m"), st.dictionaries(st.just("n"), _value), _target),
    st.builds(
        f.RunFlow,
        st.sampled_from(["demo", "other"]),
        st.just("1"),
        st.dictionaries(st.just("x"), _value),
        st.just({"x": "y"}),
        _target,
    ),
    st.just(f.Return({"y": 1})),
    st.builds(f.Say, _content, _target, st.booleans()),
    st.builds(f.Wait, _content, st.sampled_from([1.0, 20.0]), _target),
    st.builds(
        f.SetValues, st.dictionaries(st.just("x"), _value), st.dictionaries(st.just("k"), _value), _target
    ),
    st.builds(f.Branch, st.lists(st.builds(f.Case, _condition, _target), max_size=2).map(tuple), _target),
    st.builds(f.SetLanguage, st.sampled_from(["en", "es"]), _target),
    st.builds(
        f.Record,
        next=_target,
        no_input=_target,
        into=st.sampled_from(["", "file"]),
        beep=st.booleans(),
        queue=st.sampled_from(["", "q"]),
    ),
    st.builds(f.LeaveMessage, _target),
    st.builds(
        f.Transfer,
        content=_content,
        busy=_target,
        no_answer=_target,
        failed=_target,
        agent=_value,
        number=_value,
    ),
    st.just(f.GoToFlow("other")),
    st.just(f.EnterQueue("q")),
    st.just(f.EndCall()),
)


def _flow(name: str, *languages: str) -> st.SearchStrategy[f.Flow]:
    return st.fixed_dictionaries(dict.fromkeys(_STEPS, _step)).map(
        lambda steps: f.Flow(name, "1", languages, "a", steps)
    )


_flows = st.tuples(_flow("demo", "en", "es"), _flow("other", "en")).map(
    lambda both: {flow.id: flow for flow in both}
)
_input = st.one_of(
    st.sampled_from("0129#").map(lambda digit: ("digit", digit)),
    st.just(("ended", None)),
    st.just(("stale", None)),
    st.sampled_from(["accept", "confirm", "reject"]).map(lambda verdict: ("said", verdict)),
    st.just(("noise", None)),
    st.sampled_from(["no_engine", "overloaded"]).map(lambda reason: ("deaf", reason)),
    st.just(("answer", None)),
    st.just(("fail", None)),
    st.sampled_from(["", "/rec/a.wav"]).map(lambda path: ("recorded", path)),
    st.just(("secrets lost", None)),
    st.sampled_from([0.0, 1.0, 5.0, 30.0]).map(lambda seconds: ("wait", seconds)),
    st.just(("resume", None)),
    st.sampled_from(["busy", "no_answer", "failed"]).map(lambda way: ("rung", way)),
    st.sampled_from([None, 1, 7, 99]).map(lambda position: ("position", position)),
)


def _give(caller: Caller, kind: str, value: object) -> None:
    caller.last = []
    if kind == "digit":
        caller.press(str(value))
    elif kind == "ended":
        caller.hear_out()
    elif kind == "stale":
        caller.hear_out("p0")
    elif kind == "said":
        caller.say("1", verdict=str(value))
    elif kind == "noise":
        caller.say("", verdict="reject")
    elif kind == "deaf":
        caller.go_deaf(str(value))
    elif kind == "answer":
        caller.answer(y=2)
    elif kind == "fail":
        caller.fail()
    elif kind == "recorded":
        caller.recorded(str(value), 3.0)
    elif kind == "secrets lost":
        caller.secrets.clear()
    elif kind == "wait":
        caller.wait(float(str(value)))
    elif kind == "rung":
        if caller.state.phase == "transferring":
            session.not_reached(caller.state, str(value), caller.now)
            caller.wait(0.0)
    elif kind == "resume":
        caller.resume()
    else:
        caller.world["queue.position"] = value


@given(_flows, st.lists(_input, max_size=30))
@settings(max_examples=200, deadline=None)
def test_any_flow_under_any_input(flows: dict[str, f.Flow], inputs: list[tuple[str, object]]) -> None:
    """Never an error; over at most once and then silent; never a deadline in the past; at most one prompt plays;
    a call that is not over plays, has a deadline or is being
    transferred; the state survives being stored; each listening is new, and only
    what listens is stopped; no sensitive digits are in the state."""
    caller = Caller(flows, world={"call.ani": "34911", "queue.position": 3})
    for kind, value in [("position", 3), *inputs]:
        was_over = caller.state.over
        _give(caller, kind, value)
        state = caller.state
        if was_over:
            assert caller.last == []
        endings = sum(isinstance(action, Enqueue | HangUp | BeginFlow) for action in caller.actions)
        assert endings == int(state.over)
        if state.over:
            assert (
                state.deadline is None
                and state.playback == ""
                and state.listening == ""
                and state.recording == ""
            )
        else:
            rings = state.phase == "transferring"  # for as long as the core says
            assert rings or state.playback or state.deadline is not None
            assert state.deadline is None or kind != "wait" or state.deadline > caller.now
        caller.state = msgspec.convert(msgspec.json.decode(msgspec.json.encode(state)), IvrState)
        assert caller.state == state
    _replay(caller)


def _replay(caller: Caller) -> None:
    """Playback ids are new each time, and only what plays is stopped."""
    playing = listening = recording = ""
    seen: set[str] = set()
    for action in caller.actions:
        if isinstance(action, Play):
            assert action.playback not in seen
            assert action.prompts
            seen.add(action.playback)
            playing = action.playback
        elif isinstance(action, StopPlay):
            assert action.playback == playing
        elif isinstance(action, StartRecord):
            assert action.recording not in seen
            seen.add(action.recording)
            recording = action.recording
        elif isinstance(action, StopRecord):
            assert action.recording == recording
        elif isinstance(action, Listen):
            assert action.listening not in seen
            seen.add(action.listening)
            listening = action.listening
        elif isinstance(action, StopListen):
            assert action.listening == listening
