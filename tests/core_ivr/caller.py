"""A call in a flow, for tests: presses keys, lets prompts end and time pass, and remembers what was done.

Flows are written as YAML, which is how they are read best.
"""

from __future__ import annotations

from textwrap import dedent

from cti_engine.core.ivr import session
from cti_engine.core.ivr.actions import Action, Play
from cti_engine.core.ivr.flow import Flow
from cti_engine.definitions.flow_loader import attribute_types, build_flow, read_flow
from cti_engine.definitions.problems import has_errors
from cti_engine.definitions.report import as_text
from cti_engine.definitions.yaml_source import read_yaml


def flow_of(text: str, name: str = "demo") -> Flow:
    """The flow that this YAML is; `flow:` and `languages: [en]` are put in front when they are not there."""
    body = dedent(text)
    if "languages:" not in body:
        body = "languages: [en]\n" + body
    content = f"flow: {name}\n{body}".encode()
    document = read_yaml(f"ivr_flows/{name}.yaml", content)
    source = read_flow(document, content)
    flow = build_flow(source, attribute_types([source], {}))
    assert not has_errors(document.problems), as_text(document.problems)
    return flow


class Caller:
    """`heard` is the last Play's prompts as short texts, e.g. `text:Hello`; `now` starts at 1000."""

    def __init__(
        self,
        flow: Flow | str,
        language: str = "en",
        world: dict[str, object] | None = None,
        **variables: object,
    ) -> None:
        self.flow = flow_of(flow) if isinstance(flow, str) else flow
        self.world = world or {}
        self.now = 1000.0
        self._playbacks = 0
        self.state, first = session.start(
            self.flow, language, variables, self.world.get, self.now, self._new_playback
        )
        self.actions: list[Action] = []
        self._done(first)

    def _new_playback(self) -> str:
        self._playbacks += 1
        return f"p{self._playbacks}"

    def _done(self, actions: list[Action]) -> list[Action]:
        self.last = actions
        self.actions += actions
        return actions

    def press(self, *digits: str) -> list[Action]:
        """Keys one after the other; what the last one did."""
        for digit in digits:
            self._done(
                session.digit(self.flow, self.state, digit, self.world.get, self.now, self._new_playback)
            )
        return self.last

    def hear_out(self, playback: str | None = None, *, completed: bool = True) -> list[Action]:
        """The prompt that plays comes to its end (or another one, by its id)."""
        return self._done(
            session.playback_ended(
                self.flow,
                self.state,
                self.state.playback if playback is None else playback,
                completed,
                self.world.get,
                self.now,
                self._new_playback,
            )
        )

    def wait(self, seconds: float) -> list[Action]:
        self.now += seconds
        return self._done(
            session.time_passed(self.flow, self.state, self.world.get, self.now, self._new_playback)
        )

    def resume(self) -> list[Action]:
        return self._done(
            session.resumed(self.flow, self.state, self.world.get, self.now, self._new_playback)
        )

    @property
    def plays(self) -> list[Play]:
        return [action for action in self.actions if isinstance(action, Play)]

    @property
    def heard(self) -> list[str]:
        return [f"{prompt.kind}:{prompt.value}" for prompt in self.plays[-1].prompts]
