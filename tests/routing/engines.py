"""The subject behind the oracle's plain interface, and both in lockstep: every answer is compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from types import ModuleType
from typing import Any

from cti_engine.core.expressions import syntax
from cti_engine.core.expressions.condition import Condition
from cti_engine.core.expressions.values import BOOLEAN, NUMBER, TEXT
from cti_engine.core.routing import model
from tests.routing.oracle import Oracle
from tests.routing.plain import Agent, Call, Difference, Names, Place, Queue, Rules, Tree, is_name

MATCHER = "cti_engine.core.routing.precision"
QueueNames = Callable[[str, str], Names]


Engine = Any
"""The oracle, or what answers like it."""
Make = Callable[[Rules, Iterable[Agent], QueueNames, int], Engine]


def make_oracle(rules: Rules, agents: Iterable[Agent], names: QueueNames, seed: int) -> Engine:
    return Oracle(rules, agents, names=names, seed=seed)


def make_matcher(rules: Rules, agents: Iterable[Agent], names: QueueNames, seed: int) -> Engine:
    return Subject(import_module(MATCHER), rules, agents, names, seed)


SIZES = (
    ("pools", "FEW", 1),
    ("pool_index", "KEPT", 1),
    ("call_classes", "RANKED", 2),
    ("timers", "SWEEP_AT", 3),
    ("agent_book", "STALE", 1),
)
"""What the matcher takes for few, and when it tidies up: lowered in most centers, which are never large enough."""
_REAL = {name: getattr(import_module(f"cti_engine.core.routing.{file}"), name) for file, name, _ in SIZES}


def _set_sizes(matcher: ModuleType, small: bool) -> None:
    for file, name, size in SIZES:
        module = import_module(f"{matcher.__package__}.{file}")
        setattr(module, name, size if small else _REAL[name])


class Subject:
    """PrecisionMatcher asked in plain words."""

    def __init__(
        self, module: ModuleType, rules: Rules, agents: Iterable[Agent], names: QueueNames, seed: int
    ) -> None:
        people = [agent_facts(agent) for agent in agents]
        _set_sizes(module, small=bool(len(people) % 3))
        self._matcher = module.PrecisionMatcher(routing_rules(rules), people, names=names, seed=seed)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._matcher, name)

    def install(self, rules: Rules, agents: Iterable[Agent]) -> None:
        self._matcher.install(routing_rules(rules), map(agent_facts, agents))

    def set_agent(self, facts: Agent) -> None:
        self._matcher.set_agent(agent_facts(facts))

    def join(self, call: Call, queue: str, now: int) -> Any:
        return self._matcher.join(model.WaitingCall(*call), queue, now)

    def restore(self, call: Call, standings: Iterable[Any], now: int) -> None:
        self._matcher.restore(model.WaitingCall(*call), standings, now)

    def records(self, decisions: list[tuple[Any, ...]], now: int) -> list[Any]:
        asked = [model.Decision(*decision) for decision in decisions]
        found = self._matcher.records(asked, now)
        return [(each.order, *each[2:8], each.lost_by) for each in found]

    def took(self, decision: tuple[Any, ...]) -> None:
        self._matcher.took(model.Decision(*decision))


def node(tree: Tree) -> syntax.Node:
    """The language's own tree."""
    if is_name(tree):
        return syntax.Name(f"{tree[0]}.{tree[1]}")
    if isinstance(tree, tuple):
        parts = tuple(node(part) for part in tree[1:])
        if tree[0] == "not":
            return syntax.Not(parts[0])
        if tree[0] in ("and", "or"):
            return syntax.Junction(tree[0], parts)
        return syntax.Comparison(tree[0], parts[0], parts[1])
    if isinstance(tree, list):
        return syntax.ListLiteral(tuple(_literal(value) for value in tree))
    return _literal(tree)


def _literal(value: bool | int | float | str) -> syntax.Literal:
    kind = BOOLEAN if isinstance(value, bool) else TEXT if isinstance(value, str) else NUMBER
    return syntax.Literal(value, kind)


def condition(tree: Tree) -> Condition | None:
    return None if tree is None else Condition(node(tree))


def agent_facts(agent: Agent) -> model.AgentFacts:
    return model.AgentFacts(**agent._asdict())


def queue_rules(queue: Queue) -> model.QueueRules:
    steps = tuple(
        model.StepRule(
            **step._asdict()
            | {
                "require": condition(step.require),
                "consider_if": condition(step.consider_if),
                "order": tuple(model.Order(name, weights) for name, weights in step.order),
            }
        )
        for step in queue.steps
    )
    classes = None if queue.classes is None else model.ServiceClasses(*queue.classes)
    plain = queue._asdict()
    return model.QueueRules(index=plain.pop("number"), **plain | {"steps": steps, "classes": classes})


def routing_rules(rules: Rules) -> model.RoutingRules:
    profiles = {
        profile: {queue: model.ProfileQueue(*entry) for queue, entry in queues.items()}
        for profile, queues in rules.profiles.items()
    }
    queues = {queue.id: queue_rules(queue) for queue in rules.queues.values()}
    return model.RoutingRules(rules.version, queues, profiles, rules.near, rules.burst)


class Alone:
    """One engine as the world drives it."""

    def __init__(
        self, make: Make, rules: Rules, agents: Iterable[Agent], names: QueueNames, seed: int
    ) -> None:
        self._make, self._names, self._seed = make, names, seed
        self.engine = make(rules, agents, names, seed)

    def tell(self, name: str, *given: Any, **named: Any) -> Any:
        return getattr(self.engine, name)(*given, **named)

    def due(self, now: int) -> Any:
        """The next due timer that changes something: a step change, or a contact that has an agent now."""
        while True:
            due = self.engine.take_due(now)
            if not isinstance(due, str) or self.engine.agents_for(due, now):
                return due

    def next_timer(self) -> int | None:
        moment: int | None = self.engine.next_timer()
        return moment

    def restart(self, rules: Rules, agents: Iterable[Agent]) -> Callable[[Call, int], None]:
        """A new engine, and how a call is taken over from the old one."""
        old, self.engine = self.engine, self._make(rules, agents, self._names, self._seed)
        return lambda call, now: self.engine.restore(call, old.standings(call.contact), now)


class Lockstep:
    """Two engines; any difference of their answers is a Difference, a crash of the subject too."""

    def __init__(
        self,
        make: Make,
        rules: Rules,
        agents: Iterable[Agent],
        names: QueueNames,
        seed: int,
        oracle: Make = make_oracle,
    ) -> None:
        people = tuple(agents)
        self.oracle = Alone(oracle, rules, people, names, seed)
        self.subject = self._guard("make", lambda: Alone(make, rules, people, names, seed))

    @staticmethod
    def _guard(question: str, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except Exception as fault:
            raise Difference(question, "an answer", f"{type(fault).__name__}: {fault}") from fault

    def _compare(self, question: str, one: Any, other: Any) -> Any:
        if _plain(one) != _plain(other):
            raise Difference(question, _plain(one), _plain(other))
        return one

    def tell(self, name: str, *given: Any, **named: Any) -> Any:
        question = f"{name}({', '.join(map(_short, given))})"
        other = self._guard(question, lambda: self.subject.tell(name, *given, **named))
        return self._compare(question, self.oracle.tell(name, *given, **named), other)

    def due(self, now: int) -> Any:
        other = self._guard("take_due", lambda: self.subject.due(now))
        return self._compare(f"take_due({now})", self.oracle.due(now), other)

    def next_timer(self) -> int | None:
        moments = (self.oracle.next_timer(), self._guard("next_timer", self.subject.next_timer))
        return min((moment for moment in moments if moment is not None), default=None)

    def restart(self, rules: Rules, agents: Iterable[Agent]) -> Callable[[Call, int], None]:
        people = tuple(agents)
        one = self.oracle.restart(rules, people)
        other = self._guard("restart", lambda: self.subject.restart(rules, people))

        def restore(call: Call, now: int) -> None:
            one(call, now)
            self._guard(f"restore({call.contact})", lambda: other(call, now))

        return restore


def _plain(answer: Any) -> Any:
    """Without the pools of standings: printed on one side, trees on the other; `pool_size` compares them."""
    if isinstance(answer, Place | model.Standing):
        return tuple(getattr(answer, name) for name in Place._fields if name != "pool")
    if isinstance(answer, list):
        return [_plain(each) for each in answer]
    if isinstance(answer, tuple):
        return tuple(_plain(each) for each in answer)
    return answer


def _short(given: object) -> str:
    return given.contact if isinstance(given, Call) else str(given)
