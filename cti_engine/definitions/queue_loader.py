"""routing_rules/queues.yaml: each queue with the steps that say whom its calls reach, and when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cti_engine.core.definitions import AfterCall, AgentDefinition, QueueDefinition
from cti_engine.core.expressions.check import read_condition
from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.suggestion import did_you_mean
from cti_engine.core.expressions.values import NUMBER, TEXT, Scope
from cti_engine.core.ivr.names import CALL_NAMES, NOW_NAMES, QUEUE_NAMES
from cti_engine.core.routing.handle_times import LevelLimits
from cti_engine.core.routing.model import (
    ALL,
    LONGEST_IDLE,
    ORDERS,
    SERVICE_LEVEL_CLASSES,
    AgentFacts,
    Order,
    ServiceClasses,
    StepRule,
)
from cti_engine.core.routing.step_review import StepPools
from cti_engine.definitions.level_keys import ALL_LEVELS, QUEUE_LEVELS, read_levels
from cti_engine.definitions.problems import WARNING, Path
from cti_engine.definitions.shapes import (
    IDENTIFIER,
    Duration,
    Flag,
    Key,
    Keys,
    Many,
    Number,
    Short,
    Table,
    Text,
)
from cti_engine.definitions.yaml_source import Document, Node

Agents = Mapping[str, AgentDefinition]
FLOW_ID = Text("the id of a flow", IDENTIFIER.pattern)
MAX_STEPS = 20
STAY, ANY_MEMBER, OVERFLOW = "stay_on_last", "any_member", "overflow"

ORDER = Short(
    Keys(
        (
            Key("by", Text("an order of agents", choices=ORDERS), "the order"),
            Key("weights", Table(Number(-100, 100)), "points for each attribute, for weighted", {}),
        )
    ),
    "by",
)
OFFER_TO = Text("one, all or a number from 1 to 20", r"one|all|[1-9]|1[0-9]|20")
STEP = Keys(
    (
        Key("require", Text("a condition"), "the agents of this step; without: everybody", ""),
        Key("wait", Duration(0.1, 86400), "how long until the next step; without: for ever", None),
        Key("when_none", Text("skip or wait", choices=("skip", "wait")),
            "when nobody of this step is logged in", "skip"),
        Key("consider_if", Text("a condition"), "asked as the step is reached: else it is skipped", ""),
        Key("pool", Text("replace or cumulative", choices=("replace", "cumulative")),
            "cumulative: the agents of the steps before stay", "replace"),
        Key("raise_priority", Number(-1000, 1000), "points, as the step is entered", 0),
        Key("order", Many(ORDER, 1), "who of them first; each next one breaks ties", None),
        Key("offer_to", OFFER_TO, "how many phones ring at once: one, all or a number", "one"),
    )
)  # fmt: skip
SERVICE_LEVEL = Keys(
    (
        Key("threshold", Duration(1, 3600), "answered within this time", 20.0),
        Key("target", Number(0.01, 1, decimal=True), "the share of calls, 0.80 is 80 %", 0.8),
        Key("abandons", Text("ignore, penalise or credit", choices=("ignore", "penalise", "credit")),
            "how calls that hang up count", "ignore"),
        Key("short_abandon", Duration(0, 60), "who hangs up sooner never counts", 5.0),
        Key("classes", Many(Text("a class", choices=SERVICE_LEVEL_CLASSES)),
            "serve first by service level: these four in the order of serving", None),
        Key("lost", Duration(0, 3600), "lost unless served now: so long before the threshold", 5.0),
        Key("at_risk", Duration(0, 3600), "at risk: so long before the threshold", 10.0),
    )
)  # fmt: skip
FULL = Keys(
    (
        Key("over", Number(1, 100_000), "so many calls wait"),
        Key("go_to", IDENTIFIER, "the queue or flow for the next one"),
    )
)
EXHAUSTED = Short(
    Keys(
        (
            Key("then", Text("stay_on_last or any_member", choices=(STAY, ANY_MEMBER)),
                "after the last step's wait", STAY),
            Key("overflow", IDENTIFIER, "leave for this queue or flow", ""),
        )
    ),
    "then",
)  # fmt: skip
AFTER_CALL = Short(
    Keys(
        (
            Key("flow", FLOW_ID, "the flow, such as a survey"),
            Key(
                "share",
                Number(0, 1, decimal=True),
                "for this share of the callers, by chance; 0.3 is 30 %",
                1.0,
            ),
            Key(
                "at_most_every",
                Duration(0, 366 * 86_400),
                "each number once in this time; without: every time",
                0.0,
            ),
        )
    ),
    "flow",
)
QUEUE = Keys(
    (
        Key("name", Text(), "what people read", ""),
        Key("members", Many(IDENTIFIER), "agents by id; this, require or steps", None),
        Key("require", Text("a condition"),
            "agents by attribute, e.g. agent.spanish >= 5; this, members or steps", ""),
        Key("steps", Many(STEP, 1), "whom the call reaches, step by step; this, members or require", None),
        Key("clock", Text("per_step or from_enqueue", choices=("per_step", "from_enqueue")),
            "what a step's wait counts from", "per_step"),
        Key("exhausted", EXHAUSTED, "after the last step's wait", EXHAUSTED.blank()),
        Key("order", Many(ORDER, 1), "who first, where a step does not say", None),
        Key("treatment", FLOW_ID, "the flow that plays while a caller waits", ""),
        Key("priority", Number(-1000, 1000), "points for each call", 0),
        Key("ageing", Number(0, 1000, decimal=True), "points for each second of waiting", 1.0),
        Key("longest_wait_cap", Duration(1, 86400), "from this wait on before all other queues", None),
        Key("ring_timeout", Duration(3, 300), "how long an agent's phone rings", 20.0),
        Key("wrap_up", Duration(0, 3600), "time for notes after a call; 0s for none", 30.0),
        Key("max_wait", Duration(1, 86400), "how long a caller waits at most", 600.0),
        Key("on_time_out", FLOW_ID, "the flow for a caller who waited that long; without: the call ends", ""),
        Key("auto_answer", Flag(), "its agents' phones answer by themselves, after a short tone", False),
        Key("after_call", AFTER_CALL, "the flow for a caller whose agent has hung up; without: the call ends", None),
        Key("when_full", FULL, "where calls go when too many wait", None),
        Key("service_level", SERVICE_LEVEL, "what the supervisor's page measures by", SERVICE_LEVEL.blank()),
        Key("value", Table(Number(-100, 100)),
            "points of an agent for each attribute; in a burst they decide, times call.value, who gets which call", {}),
        Key("adapting_levels", QUEUE_LEVELS, "what differs here from adapting_levels for all",
            QUEUE_LEVELS.blank()),
    )
)  # fmt: skip
QUEUES = Keys(
    (
        Key("queues", Table(QUEUE), "the queues by id"),
        Key(
            "adapting_levels",
            ALL_LEVELS,
            "slower groups of agents serve their own queues first, by itself",
            ALL_LEVELS.blank(),
        ),
        Key(
            "burst", Flag(), "many calls and many agents at one moment are matched together; see value", False
        ),
    )
)

CONSIDER_SCOPE: Scope = {**CALL_NAMES, **QUEUE_NAMES, **NOW_NAMES}


class QueueReader:
    """`agents` None: their file could not be read, so no member is looked for."""

    def __init__(
        self, document: Document, agents: Agents | None, agent_scope: Scope, call_scope: Scope
    ) -> None:
        self._document = document
        self._agents = agents
        self._pools = StepPools(
            [AgentFacts(each.id, each.attributes, each.site, each.name) for each in (agents or {}).values()]
        )
        self._agent_scope = agent_scope
        self._require_scope: Scope = {**agent_scope, **CALL_NAMES, **call_scope}
        self._consider_scope: Scope = {**CONSIDER_SCOPE, **call_scope}
        self.burst = False

    def read(self) -> dict[str, QueueDefinition]:
        written = QUEUES.read(self._document, self._document.root, ())
        self.burst = written["burst"]
        own = {id: values["adapting_levels"] for id, values in written["queues"].items()}
        levels = read_levels(self._document, written["adapting_levels"], own)
        return {id: self._queue(id, values, levels[id]) for id, values in written["queues"].items()}

    def _queue(self, id: str, written: dict[str, Any], levels: LevelLimits) -> QueueDefinition:
        path: Path = ("queues", id)
        order = self._order((*path, "order"), written["order"])
        steps = self._steps(path, written, order)
        level, full, exhausted = written["service_level"], written["when_full"], written["exhausted"]
        overflow, after = exhausted["overflow"], written["after_call"]
        return QueueDefinition(
            id=id,
            name=written["name"] or id,
            members=self._members(path, written, steps),
            treatment=written["treatment"],
            priority=written["priority"],
            ring_timeout=written["ring_timeout"],
            wrap_up=written["wrap_up"],
            max_wait=written["max_wait"],
            on_time_out=written["on_time_out"],
            service_level_threshold=level["threshold"],
            service_level_target=level["target"],
            abandons=level["abandons"],
            short_abandon=level["short_abandon"],
            steps=steps,
            from_enqueue=written["clock"] == "from_enqueue",
            exhausted=OVERFLOW if overflow else exhausted["then"],
            overflow_to=overflow,
            full_over=full["over"] if full else 0,
            full_to=full["go_to"] if full else "",
            ageing=written["ageing"],
            longest_wait_cap=written["longest_wait_cap"],
            classes=self._classes((*path, "service_level"), level),
            source=f"{self._document.file}:{self._document.at(path).line}",
            levels=levels,
            value=self._value((*path, "value"), written["value"]),
            after_call=AfterCall(**after) if after else None,
            auto_answer=written["auto_answer"],
        )

    # --- who -----------------------------------------------------------------------------------

    def _steps(self, path: Path, written: dict[str, Any], order: tuple[Order, ...]) -> tuple[StepRule, ...]:
        """`members:` and `require:` are one step; the members' own is made where the queue is used."""
        ways = [key for key in ("members", "require", "steps") if written[key]]
        if len(ways) > 1:
            text = f"both {ways[0]} and {ways[1]}"
            self._document.problem((*path, ways[1]), text, "keep one of them")
        elif not ways and not self._is_written(path):
            self._document.problem(
                path, "nobody serves this queue", "add members: [...], require: CONDITION or steps: [...]"
            )
        if written["require"]:
            require = self._condition((*path, "require"), written["require"], self._require_scope)
            return (StepRule(require, order=order),) if require else ()
        steps = written["steps"] or ()
        if len(steps) > MAX_STEPS:
            self._document.problem((*path, "steps"), f"more than {MAX_STEPS} steps")
        return tuple(
            self._step((*path, "steps", index), step, order, index == len(steps) - 1)
            for index, step in enumerate(steps[:MAX_STEPS])
        )

    def _is_written(self, path: Path) -> bool:
        queue: Node = self._document.at(path)
        return queue.kind != "mapping" or bool({"members", "require", "steps"} & set(queue.keys))

    def _step(self, path: Path, step: dict[str, Any], order: tuple[Order, ...], last: bool) -> StepRule:
        offer_to = {"one": 1, "all": ALL}.get(step["offer_to"]) or int(step["offer_to"] or 1)
        if step["wait"] is None and not last:
            self._document.problem(
                path, "no call gets beyond this step", "give it a wait: 30s, or delete what follows"
            )
        return StepRule(
            require=self._condition((*path, "require"), step["require"], self._require_scope),
            wait=None if step["wait"] is None else round(step["wait"] * 1000),
            skip_when_none=step["when_none"] != "wait",
            consider_if=self._condition((*path, "consider_if"), step["consider_if"], self._consider_scope),
            cumulative=step["pool"] == "cumulative",
            raise_priority=step["raise_priority"],
            order=self._order((*path, "order"), step["order"]) if step["order"] else order,
            offer_to=offer_to,
        )

    def _condition(self, path: Path, text: str, scope: Scope) -> Condition | None:
        if not text:
            return None
        condition, faults = read_condition(text, scope)
        for fault in faults:
            self._document.problem(path, fault.text, fault.hint, offset=fault.column - 1)
        return condition

    def _order(self, path: Path, written: tuple[dict[str, Any], ...] | None) -> tuple[Order, ...]:
        if not written:
            return LONGEST_IDLE
        orders = []
        for index, entry in enumerate(written):
            place = (*path, index)
            if entry["by"] == "weighted" and not entry["weights"]:
                self._document.problem(
                    place, "weighted needs weights", "{by: weighted, weights: {spanish: 2}}"
                )
            elif entry["weights"] and entry["by"] != "weighted":
                self._document.problem(place, f"{entry['by']} has no weights", "by: weighted")
            self._weighed((*place, "weights"), entry["weights"])
            orders.append(Order(entry["by"], tuple(entry["weights"].items())))
            if entry["by"] in ("most_skilled", "least_skilled") and NUMBER not in self._agent_scope.values():
                self._document.problem(place, f"{entry['by']}: no agent attribute is a proficiency")
        return tuple(orders)

    def _weighed(self, path: Path, weights: Mapping[str, int]) -> None:
        for name in weights:
            if f"agent.{name}" not in self._agent_scope:
                hint = did_you_mean(name, [each.removeprefix("agent.") for each in self._agent_scope])
                self._document.key_problem((*path, name), f"no attribute {name}", hint)

    def _value(self, path: Path, weights: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
        self._weighed(path, weights)
        for name in weights:
            if self._agent_scope.get(f"agent.{name}") == TEXT:
                text = f"{name} is a text, which has no points"
                self._document.key_problem((*path, name), text, "a level or a yes or no")
        if weights and not self.burst:
            self._document.problem(
                path, "value counts in bursts only", "add burst: true at the top of the file"
            )
        return tuple(weights.items())

    def _members(self, path: Path, written: dict[str, Any], steps: tuple[StepRule, ...]) -> tuple[str, ...]:
        """Who could ever get a call of this queue."""
        named = self._named(path, written["members"] or ())
        if self._agents is None:
            return ()
        if not steps:
            return named
        members = np.zeros(len(self._agents), np.bool_)
        for step in steps:
            members |= self._pools.most(step)
        ids = list(self._agents)
        return tuple(ids[place] for place in np.flatnonzero(members).tolist())

    def _named(self, path: Path, named: tuple[str, ...]) -> tuple[str, ...]:
        for index, agent in enumerate(named):
            if agent and self._agents is not None and agent not in self._agents:
                hint = did_you_mean(agent, self._agents)
                self._document.problem((*path, "members", index), f"there is no agent {agent}", hint)
        return tuple(dict.fromkeys(named))

    # --- when ----------------------------------------------------------------------------------

    def _classes(self, path: Path, level: dict[str, Any]) -> ServiceClasses | None:
        names = level["classes"]
        if not names:
            return None
        if sorted(names) != sorted(SERVICE_LEVEL_CLASSES):
            text = f"classes are these four, each once: {', '.join(SERVICE_LEVEL_CLASSES)}"
            self._document.problem((*path, "classes"), text, "in the order of serving")
            return None
        if not level["lost"] <= level["at_risk"] <= level["threshold"]:
            self._document.problem(path, "lost, at_risk and threshold have to grow in this order")
            return None
        seconds = (level["threshold"], level["lost"], level["at_risk"])
        threshold, lost, at_risk = (round(each * 1000) for each in seconds)
        return ServiceClasses(names, threshold, lost, at_risk)


def warn_of_unserved(document: Document, queues: Mapping[str, QueueDefinition]) -> None:
    """Only to be asked where people and queues are without errors."""
    for queue in queues.values():
        if not queue.members:
            document.problem(("queues", queue.id), "no agent serves this queue", severity=WARNING)
