"""A flow as the interpreter runs it: frozen steps, every default filled in, every name checked at load.

Built from YAML by `cti_engine.definitions.flow_loader`. Times in seconds. `next` and all targets name steps
of the same flow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cti_engine.core.expressions.condition import Condition


@dataclass(frozen=True, slots=True)
class Fixed:
    """Known before the call; `kind` and `value` as in `commands.Prompt`."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Spoken:
    """The value of a name at that moment, `form` being `number` (a cardinal) or `digits` (one by one)."""

    name: str
    form: str


Utterance = tuple[Fixed | Spoken, ...]
"""Parts spoken as one: left out whole when a name in it is undefined."""

Content = Mapping[str, tuple[Utterance, ...]]
"""What is played, by language; holds every language of its flow."""


@dataclass(frozen=True, slots=True)
class Say:
    """Play `content`, then go on. A key stops it if `barge_in`, and is kept for the next menu either way."""

    content: Content
    next: str
    barge_in: bool = True


@dataclass(frozen=True, slots=True)
class Choice:
    """`label` by language is what the agent reads in the path; `words` are for speech."""

    go_to: str
    label: Mapping[str, str]
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Menu:
    """Ask for one key; `retries` more tries after a miss, then `no_input` or `no_match` by what missed last.

    `timeout` runs from the end of the prompt. Without `barge_in`, keys count only after the prompt.
    """

    prompt: Content
    choices: Mapping[str, Choice]
    no_input: str
    no_match: str
    retries: int = 2
    timeout: float = 5.0
    barge_in: bool = True
    no_input_prompt: Content | None = None
    no_match_prompt: Content | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A text with names in it; a lone `{name}` copies the value with its type."""

    parts: tuple[str | Spoken, ...]


@dataclass(frozen=True, slots=True)
class SetValues:
    """`variables` of the flow, and `attributes` of the call (written `call.name` in YAML)."""

    variables: Mapping[str, object]  # a literal, or a Template
    attributes: Mapping[str, object]
    next: str


@dataclass(frozen=True, slots=True)
class Case:
    when: Condition
    go_to: str


@dataclass(frozen=True, slots=True)
class Branch:
    """The first case that holds, else `otherwise`; an undefined condition does not hold."""

    cases: tuple[Case, ...]
    otherwise: str


@dataclass(frozen=True, slots=True)
class EnterQueue:
    """`treatment` None: the queue's own. `priority` is added to the call's."""

    queue: str
    treatment: str | None = None
    priority: int = 0


@dataclass(frozen=True, slots=True)
class EndCall:
    """Hang up; the CDR says system/flow_ended."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Loop `content` (music) for `seconds`."""

    content: Content
    seconds: float
    next: str


@dataclass(frozen=True, slots=True)
class SetLanguage:
    language: str
    next: str


Step = Say | Menu | SetValues | Branch | EnterQueue | EndCall | Wait | SetLanguage


@dataclass(frozen=True, slots=True)
class Flow:
    """`version` is the hash of the content. The first language is taken when a call's is not among them."""

    id: str
    version: str
    languages: tuple[str, ...]
    start: str
    steps: Mapping[str, Step]
    variables: Mapping[str, object] = field(default_factory=dict)
