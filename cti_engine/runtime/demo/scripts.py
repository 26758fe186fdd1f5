"""Who calls in the demo and what they do: drawn from one seed, so that a run can be repeated.

All times in seconds. The numbers are those of config/customers.csv, and one that nobody there has.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Caller:
    number: str
    name: str
    language: str


DEMO_CALLERS = (
    Caller("+34600000101", "Lucía Herrera", "es"),
    Caller("+573005550102", "Carlos Restrepo", "es"),
    Caller("+12135550103", "", "en"),  # the unknown number from Los Angeles
    Caller("+12135550104", "Emily Carter", "en"),
    Caller("+525555550105", "Jorge Salas", "es"),
    Caller("+13105550106", "Daniel Brooks", "en"),
    Caller("+576015550107", "Ferretería El Tornillo", "es"),
    Caller("+14155550108", "Sarah Whitman", "en"),
)
LANGUAGE_OF = {caller.number: caller.language for caller in DEMO_CALLERS}
_SHORTEST_PAUSE = 0.6
DIALLED = {"es": "1000", "en": "2000"}

CALLER_WORDS = {
    "es": "Hola, buenos días. Llamo porque tengo una pregunta sobre mi factura. ¿Me puede ayudar, por favor?",
    "en": "Hello, good morning. I am calling because I have a question about my bill. Can you help me, please?",
}
AGENT_WORDS = {
    "es": "Gracias por llamar. Con mucho gusto le ayudo. Un momento, por favor: ya veo aquí su cuenta.",
    "en": "Thank you for calling. I am happy to help you. One moment, please: I can see your account here.",
}


@dataclass(frozen=True, slots=True)
class CallScript:
    """`keys`: (seconds after the answer, key). `patience`: how long after the last key the caller waits for
    an agent before hanging up. `talk`: from the bridge until the caller hangs up."""

    caller: Caller
    dial: str
    keys: tuple[tuple[float, str], ...]
    patience: float
    talk: float


@dataclass(frozen=True, slots=True)
class Manner:
    """How an agent takes one call. `answer_after` None: lets it ring. `talk` None: the caller hangs up."""

    answer_after: float | None
    talk: float | None


def draw_pause(random: Random, calls_per_minute: float) -> float:
    """Until the next call: callers come independently of each other (a Poisson stream), but never so close
    together that the guests' rate of the shipped sip.yaml (2/s) would refuse one."""
    return max(_SHORTEST_PAUSE, random.expovariate(calls_per_minute / 60.0))


def draw_call(random: Random, callers: tuple[Caller, ...]) -> CallScript:
    """One of `callers` (those who are not on the phone), with a mood of the moment."""
    caller = random.choice(callers)
    menu = random.random()
    first = random.uniform(3.0, 7.0)
    if menu < 0.85:
        keys: tuple[tuple[float, str], ...] = ((first, random.choice("12")),)
    elif menu < 0.93:  # first a key that the menu does not know
        keys = ((first, "9"), (first + random.uniform(5.0, 8.0), "1"))
    else:  # none: the flow sends them to an operator
        keys = ()
    patience = random.uniform(5.0, 12.0) if random.random() < 0.12 else random.uniform(45.0, 150.0)
    return CallScript(caller, DIALLED[caller.language], keys, patience, random.uniform(12.0, 45.0))


def draw_manner(random: Random) -> Manner:
    """Agents are quick; one in thirty calls they miss, half of the others they end themselves."""
    return Manner(
        answer_after=None if random.random() < 1 / 30 else random.uniform(1.0, 4.0),
        talk=random.uniform(15.0, 40.0) if random.random() < 0.5 else None,
    )
