"""What may stand in a scenario: a day to simulate, by streams of calls and groups of agents."""

from __future__ import annotations

from cti_engine.definitions.place_loader import WEEKDAYS
from cti_engine.definitions.rule_loader import POINTS
from cti_engine.definitions.shapes import (
    IDENTIFIER,
    LANGUAGE,
    AnyValue,
    Duration,
    Key,
    Keys,
    Many,
    Number,
    Short,
    Table,
    Text,
)

DAY_LONG = Duration(0, 86400)
PROBABILITY = Number(0, 1, decimal=True)
CLOCK = Text('a time such as "08:00"', r"([01]\d|2[0-3]):[0-5]\d")

DISTRIBUTION = Short(
    Keys(
        (
            Key("constant", DAY_LONG, "always this long; constant, exponential or lognormal", None),
            Key("exponential", DAY_LONG, "the mean of an exponential time", None),
            Key("lognormal", DAY_LONG, "the mean of a lognormal time, with cv", None),
            Key("cv", Number(0, 10, decimal=True), "standard deviation ÷ mean of the lognormal time", 1.0),
            Key("at_once", PROBABILITY, "the probability of no time at all, before the rest", 0.0),
        )
    ),
    "constant",
)
REDIAL = Keys(
    (
        Key("probability", PROBABILITY, "who gave up calls again"),
        Key("after", DISTRIBUTION, "so much later"),
    )
)
CALLS = Keys(
    (
        Key("queue", IDENTIFIER, "where they wait"),
        Key("per_hour", Many(Number(0, 1_000_000, decimal=True), 1),
            "calls an hour, one number or one for each interval; this or file", None),
        Key("file", Text("a CSV file beside the scenario"),
            "moments of arrival: a column at (seconds from the beginning, or HH:MM:SS), or arrived_at as in "
            "cti-engine cdr --csv", ""),
        Key("number", Text("a number or a SIP user", r"\+?[0-9*#]{1,20}|[a-z][a-z0-9_.-]{0,63}"),
            "the dialled number, for its priority and head start", ""),
        Key("language", LANGUAGE, "call.language; without: the number's", ""),
        Key("priority", POINTS, "points that the flow gives", 0),
        Key("callers", Text("the beginning of a number, as +57 or +57601", r"\+[1-9][0-9]{0,14}"),
            "where they call from", "+999"),
        Key("attributes", Table(AnyValue()), "what the menu or the customers' file knows: segment, intent ...", {}),
        Key("ivr", DISTRIBUTION, "the time in the menu before the queue", None),
        Key("patience", DISTRIBUTION, "how long they wait; without: for ever", None),
        Key("redial", REDIAL, "who gave up and calls again", None),
    )
)  # fmt: skip
ON_DUTY = Keys((Key("from", CLOCK, "from then on"), Key("agents", Number(0, 100_000), "so many are there")))
HANDLING = Keys(
    (
        Key("talk", DISTRIBUTION, "how long they talk, hold included", None),
        Key("wrap_up", DISTRIBUTION, "the work after a call; without: the queue's whole wrap_up", None),
    )
)
GROUP = Keys(
    (
        Key("require", Text("a condition"), "which agents of config/agents.yaml; without: all who are left", ""),
        Key("like", IDENTIFIER, "instead: made-up agents, all like this one", ""),
        Key("agents", Number(1, 100_000), "how many made-up ones", None),
        *HANDLING.keys,
        Key("by_queue", Table(HANDLING), "other times for the calls of these queues", {}),
        Key("ring", DISTRIBUTION, "until the phone is answered; without: at once", None),
        Key("rona", PROBABILITY, "the probability that it is not answered at all", 0.0),
        Key("away", DISTRIBUTION, "until an agent who missed a call is ready again; without: at once", None),
        Key("on_duty", Many(ON_DUTY, 1),
            "how many are there, from when on; without: by the agents' shifts, who has none always", None),
    )
)  # fmt: skip
SCENARIO = Keys(
    (
        Key("description", Text(), "for people", ""),
        Key("day", Text("a day of the week", choices=WEEKDAYS), "for shifts and for now.weekday", "mon"),
        Key("begins", CLOCK, "the time of day at the beginning", "08:00"),
        Key("length", Duration(60, 30 * 86400), "calls arrive for so long; the last ones are played to their end"),
        Key("warm_up", Duration(0, 30 * 86400), "calls that arrive before count in no figure", 0.0),
        Key("interval", Duration(60, 86400), "of per_hour and of the figures through the day", 1800.0),
        Key("busyness", Number(0.01, 1_000_000, decimal=True),
            "each day has its own factor on all arrivals: Gamma with this shape, mean 1; without: 1", None),
        Key("replications", Number(1, 100_000), "how many days are played", 20),
        Key("seed", Number(0, 2**31), "the same seed, the same days", 1),
        Key("calls", Table(CALLS, least=1), "streams of calls"),
        Key("groups", Table(GROUP, least=1), "groups of agents"),
    )
)  # fmt: skip
