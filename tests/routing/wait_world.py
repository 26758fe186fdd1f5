"""The matcher's world with a wait model for each queue: what every caller is promised, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from cti_engine.core import events as ev
from cti_engine.core.routing.model import AgentFacts, Decision, RoutingRules
from cti_engine.core.routing.wait_estimate import Promise, WaitModel
from cti_engine.simulation.matcher_world import ANSWERED, Arrival, MatcherWorld, Staffing

Fact = tuple[float, ev.Event]


class WaitWorld(MatcherWorld):
    """`facts`: the events that the report folds. `restart_at`: the models are stored and loaded at that moment;
    `forget` then loses them, as a store without them would.
    """

    def __init__(
        self,
        rules: RoutingRules,
        groups: Mapping[str, Sequence[AgentFacts]],
        *,
        restart_at: int = -1,
        forget: bool = False,
    ) -> None:
        super().__init__(rules, groups)
        self.models = {queue: WaitModel(queue) for queue in rules.queues}
        self.facts: list[Fact] = []
        self._busy_in: dict[str, tuple[str, int]] = {}
        self._promises: dict[str, Promise | None] = {}
        self._restart_at, self._forget = restart_at, forget
        self.staff = dict.fromkeys(self.models, 0)
        self._serve(0)

    def _arrive(self, call: Arrival) -> None:
        self._maybe_restart(call.at)
        super()._arrive(call)
        contact = str(len(self._out.ends) - 1)
        told: tuple[float, float, float] | None = (0.0, 0.0, 0.0)
        if contact in self._waiting:
            model = self.models[call.queue]
            model.joins(call.at, self.staff[call.queue])
            ahead = self._matcher.position(contact, call.queue) - 1
            promise = self._promises[contact] = model.promise(
                self.staff[call.queue], ahead, model.line - 1 - ahead
            )
            told = None
            if promise is not None:
                told = promise.seconds
        self.facts.append((call.at / 1000, ev.CallQueued(contact, call.queue, 0, 0, told)))
        if contact not in self._waiting:
            self.facts.append((call.at / 1000, ev.CallBridged(contact, "", call.queue, 0.0, 0.0)))

    def _gone(self, contact: str, end: int, now: int) -> Arrival:
        call = super()._gone(contact, end, now)
        if contact not in self._promises:
            return call
        model, promise = self.models[call.queue], self._promises.pop(contact)
        if end == ANSWERED:
            model.takes(now, self.staff[call.queue], stood=True)
            fact: ev.Event = ev.CallBridged(contact, "", call.queue, (now - call.at) / 1000, 0.0)
        else:
            model.leaves(now, self.staff[call.queue])
            fact = ev.CallAbandoned(contact, call.queue, (now - call.at) / 1000)
        if promise is not None and promise.law is not None:
            model.learn(promise.law, now - call.at, answered=end == ANSWERED)
        self.facts.append((now / 1000, fact))
        return call

    def _answer(self, decision: Decision, now: int) -> None:
        self._busy_in[decision.agent] = decision.queue, now
        super()._answer(decision, now)

    def _handle_ends(self, agent: str, now: int) -> None:
        queue, since = self._busy_in.pop(agent)
        self.models[queue].handles(now - since, 0)
        super()._handle_ends(agent, now)

    def _staff(self, change: Staffing) -> None:
        super()._staff(change)
        self._serve(change.at)

    def _go(self, agent: str, now: int) -> None:
        super()._go(agent, now)
        self._serve(now)

    def _serve(self, now: int) -> None:
        serving = dict.fromkeys(self.models, 0)
        for agent in self._group_of:
            if agent not in self._off and agent not in self._leaving:
                for queue in self._matcher.queues_of(agent):
                    serving[queue] += 1
        for queue, model in self.models.items():
            model.passes(now, self.staff[queue])
        self.staff = serving

    def _maybe_restart(self, now: int) -> None:
        if not 0 <= self._restart_at <= now:
            return
        self._restart_at = -1
        for queue, model in self.models.items():
            if self._forget:
                self.models[queue] = WaitModel(queue, model.at, model.line)
            else:
                self.models[queue] = msgspec.json.decode(msgspec.json.encode(model), type=WaitModel)
