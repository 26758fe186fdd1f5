"""A flow as the interpreter runs it: frozen steps, every default filled in, every name checked at load.

Built from YAML by `cti_engine.definitions.flow_loader`. Times in seconds. `next` and all targets name steps
of the same flow.
"""

from __future__ import annotations

import re
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
    """The value of a name at that moment, read aloud in a `form` of `spoken_values`.

    `recorded`: by recorded sounds, because it stands in a list of them (`number` and `digits` only).
    """

    name: str
    form: str
    recorded: bool = False
    currency: str = ""


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
    """`label` by language is what the agent reads in the path; `words` are what may be said for it.

    `confirm`: what is asked when it is not sure that this was said ("did you say ...?").
    """

    go_to: str
    label: Mapping[str, str]
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    confirm: Content = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What every step that asks has: `retries` more tries after a miss, then `no_input` or `no_match` by what missed
    last.

    `timeout` runs from the end of the prompt. Without `barge_in`, keys and words count only after the prompt.
    `voice_prompt` is for callers who like to speak, while somebody listens.
    """

    prompt: Content
    no_input: str
    no_match: str
    retries: int = 2
    timeout: float = 5.0
    barge_in: bool = True
    no_input_prompt: Content | None = None
    no_match_prompt: Content | None = None
    voice_prompt: Content | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu(Question):
    """One key, or a choice's words. A choice is named by its key, or by any name when only words lead to it."""

    choices: Mapping[str, Choice]


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey(Menu):
    """One question of a survey. Its choices are the numbers of `scale` (`1-5`), each by key or word; the one taken goes
    into the variable and the call attribute `into`.
    """

    into: str
    scale: str
    next: str


@dataclass(frozen=True, slots=True)
class DigitCheck:
    """`luhn`: the last digit is the check digit of ISO/IEC 7812-1, annex B. `pattern` has to fit the whole."""

    luhn: bool = False
    pattern: str = ""

    def holds(self, digits: str) -> bool:
        return (not self.luhn or _luhn(digits)) and (
            not self.pattern or re.fullmatch(self.pattern, digits) is not None
        )


def _luhn(digits: str) -> bool:
    if not digits.isdecimal():
        return False
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(number - 9 * (number > 9) for number in doubled) % 10 == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Gather(Question):
    """`least` to `most` digits into the variable `into`, ended by `terminator`, by the last one, or by `between`
    seconds without one. What is `sensitive` is kept in memory alone.
    """

    into: str
    next: str
    least: int = 1
    most: int = 20
    terminator: str = "#"
    between: float = 3.0
    check: DigitCheck = DigitCheck()
    sensitive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenQuestion(Question):
    """Whatever the caller says, at most `longest` seconds of it, as text into the variable `into`."""

    into: str
    next: str
    longest: float = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Record the caller alone, at most `longest` seconds, until `end_key`, `silence` seconds without a voice or the end
    of the call. The file's path goes into the variable `into`, its length into `into_seconds`; where nothing was said
    it goes to `no_input`.

    `queue`: it is a message for this queue, which hanging up leaves there too; `priority` is the message's. `answer`:
    it is a spoken answer of a survey, named like the variable, which hanging up leaves too.
    """

    next: str
    no_input: str
    into: str = ""
    longest: float = 120.0
    end_key: str = "#"
    silence: float = 4.0
    beep: bool = True
    queue: str = ""
    priority: int = 0
    answer: bool = False


@dataclass(frozen=True, slots=True)
class LeaveMessage:
    """The message that was recorded last goes to its queue."""

    next: str


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
    """`treatment` None: the queue's own. `priority` is added to the call's, `attributes` are set before."""

    queue: str
    treatment: str | None = None
    priority: int = 0
    attributes: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AskCallback:
    """The caller is called back at `number` (a Template or a text) and keeps the place; `queue` empty: in the queue
    where the call waits. `failed`: that number cannot be called, or it is too late. Seconds.
    """

    number: object
    next: str
    failed: str
    queue: str = ""
    within: float = 14_400.0
    tries: int = 3
    retry_after: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Ring the phone of `agent` (id or extension), or the one at `number` (each a Template or a text), by `trunk`, for
    `seconds`, while the caller hears `content`. Who answers has the call and the flow is over.
    """

    content: Content
    busy: str
    no_answer: str
    failed: str
    agent: object = ""
    number: object = ""
    trunk: str = ""
    seconds: float = 20.0


@dataclass(frozen=True, slots=True)
class GoToFlow:
    """This flow, and those that have run it, are over; the other one begins."""

    flow: str


@dataclass(frozen=True, slots=True)
class LookUpService:
    """Ask a service of config/services.yaml; `into` maps variables to what its answer calls them.

    `failed` is where it goes when there is no good answer within the service's deadline (and `deadline` seconds).
    """

    service: str
    arguments: Mapping[str, object]  # a literal, or a Template
    into: Mapping[str, str]
    next: str
    failed: str
    deadline: float = 5.0


@dataclass(frozen=True, slots=True)
class Send:
    """Tell the bus, and whoever hears it from there, a message of this name."""

    message: str
    data: Mapping[str, object]  # a literal, or a Template
    next: str


@dataclass(frozen=True, slots=True)
class RunFlow:
    """Go through another flow and come back: `arguments` become its variables, `into` maps variables of this flow to
    what the other returns.
    """

    flow: str
    version: str
    arguments: Mapping[str, object]
    into: Mapping[str, str]
    next: str


@dataclass(frozen=True, slots=True)
class Return:
    """Back to the flow that ran this one; where none did, the call ends."""

    values: Mapping[str, object] = field(default_factory=dict)


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


Step = (
    Say | Menu | Survey | Gather | OpenQuestion | SetValues | Branch | EnterQueue | EndCall | Wait | SetLanguage
    | AskCallback | Transfer | GoToFlow | LookUpService | Send | RunFlow | Return | Record | LeaveMessage
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Flow:
    """`version` is the hash of the content. The first language is taken when a call's is not among them."""

    id: str
    version: str
    languages: tuple[str, ...]
    start: str
    steps: Mapping[str, Step]
    variables: Mapping[str, object] = field(default_factory=dict)

    @property
    def sensitive(self) -> frozenset[str]:
        """The variables that hold what must not be stored."""
        gathers = (step for step in self.steps.values() if isinstance(step, Gather))
        return frozenset(step.into for step in gathers if step.sensitive)
