"""A call in a flow, for tests: presses keys, lets prompts end and time pass, and remembers what was done.

Flows are written as YAML, which is how they are read best.
"""

from __future__ import annotations

from textwrap import dedent

from cti_engine.core.hours import names_of
from cti_engine.core.ivr import session
from cti_engine.core.ivr.actions import Action, Play
from cti_engine.core.ivr.asking import Said
from cti_engine.core.ivr.flow import Flow
from cti_engine.core.ivr.state import Surroundings
from cti_engine.definitions.flow_loader import build_flow
from cti_engine.definitions.flow_source import attribute_types, read_flow
from cti_engine.definitions.problems import has_errors
from cti_engine.definitions.report import as_text
from cti_engine.definitions.yaml_source import read_yaml


def flows_of(*texts: str) -> dict[str, Flow]:
    """Flows that may run one another, by the id that each says."""
    documents = []
    for text in texts:
        body = dedent(text)
        name = next(
            line.removeprefix("flow:").strip() for line in body.splitlines() if line.startswith("flow:")
        )
        if "languages:" not in body:
            body = "languages: [en]\n" + body
        documents.append((read_yaml(f"ivr_flows/{name}.yaml", body.encode()), body.encode()))
    sources = {source.id: source for source in (read_flow(*each) for each in documents)}
    scope = attribute_types(sources.values(), names_of(["office"]))
    flows = {name: build_flow(source, scope, sources) for name, source in sources.items()}
    for document, _ in documents:
        assert not has_errors(document.problems), as_text(document.problems)
    return flows


def flow_of(text: str, name: str = "demo") -> Flow:
    """The flow that this YAML is; `flow:` and `languages: [en]` are put in front when they are not there."""
    return flows_of(f"flow: {name}\n{dedent(text)}")[name]


class Caller:
    """`heard` is the last Play's prompts as short texts, e.g. `text:Hello`; `now` starts at 1000.

    `flow`: the first of the flows, or the only one.
    """

    def __init__(
        self,
        flow: Flow | str | dict[str, Flow],
        language: str = "en",
        world: dict[str, object] | None = None,
        **variables: object,
    ) -> None:
        flows = flow if isinstance(flow, dict) else {"": flow_of(flow) if isinstance(flow, str) else flow}
        self.flow = next(iter(flows.values()))
        self.flows = {(each.id, each.version): each for each in flows.values()}
        self.world = world or {}
        self.secrets: dict[str, str] = {}
        self.now = 1000.0
        self._playbacks = 0
        self.state, first = session.start(self.flow, language, variables, self.around)
        self.actions: list[Action] = []
        self._done(first)

    @property
    def around(self) -> Surroundings:
        return Surroundings(
            lambda flow, version: self.flows.get((flow, version)),
            self.world.get,
            self.now,
            self._new_id,
            self.secrets,
        )

    def _new_id(self) -> str:
        self._playbacks += 1
        return f"p{self._playbacks}"

    def _done(self, actions: list[Action]) -> list[Action]:
        self.last = actions
        self.actions += actions
        return actions

    def press(self, *digits: str) -> list[Action]:
        """Keys one after the other; what the last one did."""
        for digit in digits:
            self._done(session.digit(self.state, digit, self.around))
        return self.last

    def hear_out(self, playback: str | None = None) -> list[Action]:
        """The prompt that plays comes to its end (or another one, by its id)."""
        over = self.state.playback if playback is None else playback
        return self._done(session.playback_ended(self.state, over, self.around))

    def wait(self, seconds: float) -> list[Action]:
        self.now += seconds
        return self._done(session.time_passed(self.state, self.around))

    def resume(self) -> list[Action]:
        return self._done(session.resumed(self.state, self.around))

    def say(self, choice: str, *, verdict: str = "accept", text: str | None = None) -> list[Action]:
        """Speak, and be understood so."""
        listening = self.state.listening
        self._done(session.speech_started(self.state, listening, self.around))
        said = Said(verdict, choice if verdict != "reject" else "", choice if text is None else text)
        return self._done(session.heard(self.state, listening, said, self.around))

    def begin_to_say(self, text: str) -> list[Action]:
        """The recogniser tells what it has so far."""
        return self._done(session.hearing(self.state, self.state.listening, text, self.around))

    def go_deaf(self, reason: str = "unavailable") -> list[Action]:
        return self._done(session.not_heard(self.state, self.state.listening, reason, self.around))

    def answer(self, **values: object) -> list[Action]:
        """The service answers."""
        return self._done(session.answered(self.state, self.state.request, values, self.around))

    def recorded(self, path: str, seconds: float) -> list[Action]:
        """The recording is over and stored."""
        return self._done(session.recorded(self.state, self.state.recording, path, seconds, self.around))

    def fail(self) -> list[Action]:
        return self._done(session.answered(self.state, self.state.request, None, self.around))

    @property
    def plays(self) -> list[Play]:
        return [action for action in self.actions if isinstance(action, Play)]

    @property
    def heard(self) -> list[str]:
        return [f"{prompt.kind}:{prompt.value}" for prompt in self.plays[-1].prompts]
