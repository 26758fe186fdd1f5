"""Random rules, agents and events, by seed. Small centers with small values, so that ties and rare paths are hit.

Nothing here comes from cti_engine; what is drawn depends on the seed and on the world (whose phone rings, who waits).
"""

from __future__ import annotations

from random import Random
from typing import Any

from tests.routing.plain import Agent, Classes, Queue, Rules, Step, Tree
from tests.routing.world import Event, World

SKILLS = ("spanish", "mortgage", "care")
SITES = ("north", "south", "west")
GROUPS = ("home", "helpers", "beginners")
TEAMS = ("a", "b", 'c "quoted" ñ')
ORDERS = (
    "longest_idle", "least_occupied", "fewest_calls", "most_skilled", "least_skilled", "weighted",
    "least_flexible", "lowest_cost", "round_robin", "random", "top_down", "site_affinity", "site_balance",
)  # fmt: skip
SELDOM_DECISIVE = (
    "site_balance",
    "site_balance",
    "site_balance",
    "site_affinity",
    "least_flexible",
    "least_flexible",
)
WAITS = (0, 500, 1000, 1000, 2000, 5000, 10_000, 30_000)
STEPS_OF_TIME = (0, 0, 0, 500, 500, 1000, 2000, 5000)
LARGE_SHARE = 0.02
ROOM = 64  # what the matcher makes room for at first; hired beyond it, it has to grow


class Centers:
    """One random center: its rules and people, then events without end."""

    def __init__(self, seed: int, large: bool = False) -> None:
        self.rng = Random(seed)
        rng = self.rng
        self.large = rng.random() < LARGE_SHARE or large
        queues = rng.randint(8, 14) if self.large else rng.randint(2, 6)
        self.queue_ids = [f"q{number}" for number in rng.sample(range(queues), queues)]
        self.quiet = rng.random() < 0.65
        agents = rng.randint(6 if self.quiet else 3, 12)
        if self.large:
            agents = rng.choice((rng.randint(25, 40), rng.randint(ROOM - 2, ROOM + 6)))
        self.agent_ids = [f"a{number}" for number in range(agents)]
        self.profile_ids = [f"p{number}" for number in range(rng.randint(0, 3))]
        self.most_waiting = 60 if self.large else rng.choice((4, 8, 16))
        self.burst = rng.random() < 0.3
        self.one_order = rng.choice((*ORDERS, *SELDOM_DECISIVE))
        self.one_order_share = rng.choice((0.2, 1))
        self.picky = (
            self.one_order == "least_flexible"
        )  # else nearly everybody may stand in nearly every queue
        self.even = rng.random() < 0.25  # all queues alike, so that their index decides
        self.versions = 0
        self.contacts = 0
        self.rules = self.random_rules()
        self.agents = tuple(self.random_agent(agent) for agent in self.agent_ids[: ROOM - 3])
        weights = {
            "time": 14, "leap": 1, "join": 16, "join_more": 2, "leave_queue": 1, "abandon": 2, "answer": 12,
            "no_answer": 6,
            "end": 10, "ready": 4, "login": 5, "shift": 1, "facts": 3, "remove": 0.6, "install": 0.7, "replan": 0.7,
            "restart": 0.7, "raise": 1.5, "exclude": 1.5, "value": 2, "fact": 2, "new_day": 0.3, "look": 2,
            "slow": 2,
        }  # fmt: skip
        # each center has a temper of its own: quiet, busy, understaffed, restless
        self.weights = {name: weight * rng.choice((0.3, 1, 1, 2.5)) for name, weight in weights.items()}
        if self.burst:
            self.weights["shift"] *= 2
        if self.quiet:  # agents wait for calls
            self.weights["join"] *= 0.7
            self.weights["end"] *= 4
            self.weights["answer"] *= 2

    # rules

    def random_rules(self) -> Rules:
        rng = self.rng
        self.versions += 1
        queues = [
            each for each in self.queue_ids if self.versions == 1 or rng.random() < 0.85
        ] or self.queue_ids[:1]
        profiles = {
            profile: {
                queue: (rng.randint(0, 2), rng.choice((0, 0, 1000, 3000, 10_000)))
                for queue in self.queue_ids
                if rng.random() < 0.7
            }
            for profile in self.profile_ids
        }
        near = {
            site: tuple(rng.sample([each for each in SITES if each != site], rng.randint(0, 2)))
            for site in SITES
            if rng.random() < 0.6
        }
        made = {queue: self.random_queue(queue, index) for index, queue in enumerate(queues)}
        return Rules(f"v{self.versions}", made, profiles, near, self.burst)

    def random_queue(self, queue: str, index: int) -> Queue:
        rng = self.rng
        classes = None
        if rng.random() < 0.3 and not self.even:
            names = ["missed", "lost", "at_risk", "safe"]
            rng.shuffle(names)
            lost = rng.choice((500, 1000, 2000))
            classes = Classes(
                tuple(names), rng.choice((2000, 5000, 20_000)), lost, lost + rng.choice((0, 1000, 5000))
            )
        return Queue(
            queue,
            index,
            tuple(self.random_step() for _ in range(1 if self.picky else rng.randint(1, 4))),
            from_enqueue=rng.random() < 0.3,
            exhausted=rng.choice(("stay_on_last", "stay_on_last", "any_member", "overflow")),
            rate=1000 if self.even else rng.choice((0, 500, 1000, 1000, 1000, 2000)),
            longest_wait_cap=rng.choice((None, None, 2000, 5000, 30_000)),
            at_most_wait=rng.choice((None, 1000, 5000, 10_000, 60_000)),
            classes=classes,
        )

    def random_step(self) -> Step:
        rng = self.rng
        orders: list[str] = rng.sample(ORDERS, rng.choice((1, 1, 1, 2, 3)))
        if rng.random() < self.one_order_share:
            orders = [self.one_order]
        require = None if rng.random() < 0.2 and not self.picky else self.random_require()
        if (
            orders[0].endswith("_skilled") and rng.random() < 0.6
        ):  # else too seldom two skills of the pool differ
            require = ("or", *((">=", ("agent", skill), 1) for skill in rng.sample(SKILLS, 2)))
        return Step(
            require=require,
            wait=None if rng.random() < 0.2 else rng.choice(WAITS),
            skip_when_none=rng.random() < 0.7,
            consider_if=self.random_question() if rng.random() < 0.2 else None,
            cumulative=rng.random() < 0.35,
            raise_priority=0 if self.even else rng.choice((0, 0, 0, 1, 3)),
            order=tuple((name, self.random_weights() if name == "weighted" else ()) for name in orders),
            offer_to=rng.choice((1, 1, 1, 1, 1, 2, 3, 1_000_000)),
        )

    def random_weights(self) -> tuple[tuple[str, int], ...]:
        names = self.rng.sample((*SKILLS, "senior", "team", "unknown"), self.rng.randint(1, 3))
        return tuple((name, self.rng.choice((-2, 1, 1, 3))) for name in names)

    def random_require(self, depth: int = 0) -> Tree:
        rng = self.rng
        if depth < 2 and rng.random() < 0.35:
            return (
                rng.choice(("and", "or")),
                *(self.random_require(depth + 1) for _ in range(rng.choice((2, 2, 3)))),
            )
        if depth < 3 and rng.random() < 0.12:
            return ("not", self.random_require(depth + 1))
        skill = ("agent", rng.choice(SKILLS))
        return rng.choice(
            (
                (">=", skill, rng.randint(1, 4)),
                (">=", skill, rng.randint(1, 3)),
                ("<", skill, rng.randint(2, 4)),
                ("agent", "senior"),
                ("==", ("agent", "team"), rng.choice(TEAMS)),
                ("!=", ("agent", "site"), rng.choice(SITES)),
                ("in", ("agent", "team"), rng.sample(TEAMS, 2)),
                ("not in", ("agent", "id"), rng.sample(self.agent_ids, 2)),
                (">=", skill, ("call", "level")),
                ("==", ("agent", "team"), ("call", "team")),
                ("in", ("agent", "id"), ("call", "preferred")),
                ("has", ("call", "preferred"), ("agent", "id")),
                ("call", "vip"),
                ("==", skill, ("agent", rng.choice(SKILLS))),
                (">", skill, 1.5),
                ("==", ("agent", "team"), 3),
            )
        )

    def random_question(self) -> Tree:
        rng = self.rng
        atom: Tree = rng.choice(
            (
                (">", ("queue", "ewt"), 30),
                ("<", ("now", "hour"), 12),
                ("==", ("call", "team"), rng.choice(TEAMS)),
                ("call", "vip"),
                (">=", ("call", "level"), rng.randint(1, 4)),
            )
        )
        return rng.choice(
            (atom, atom, ("not", atom), ("or", atom, ("call", "vip")), ("and", atom, ("now", "open")))
        )

    # people and calls

    def random_agent(self, agent: str) -> Agent:
        rng = self.rng
        attributes: dict[str, Any] = {skill: rng.randint(1, 4) for skill in SKILLS if rng.random() < 0.75}
        if rng.random() < 0.8:
            attributes["senior"] = rng.random() < 0.5
        if rng.random() < 0.8:
            attributes["team"] = rng.choice(TEAMS)
        return Agent(
            agent,
            attributes,
            site=rng.choice(SITES),
            name=agent.upper(),
            profile=rng.choice(("", "", *self.profile_ids, "p9" if rng.random() < 0.1 else "")),
            capacity=rng.choice((1, 1, 1, 2, 3)),
            cost=rng.randint(0, 2),
            place=rng.randint(0, 3),
            group=rng.choice(GROUPS),
        )

    def random_value(self, name: str) -> Any:
        rng = self.rng
        if rng.random() < 0.2:
            return None
        if name == "level":
            return rng.randint(1, 4)
        if name == "team":
            return rng.choice(TEAMS)
        if name == "vip":
            return rng.random() < 0.5
        return rng.sample(self.agent_ids, rng.randint(0, 2))

    # events

    def random_event(self, world: World) -> Event:
        if self.quiet and self.contacts == 0:
            self.contacts += 1
            return ("shift", tuple(self.agent_ids))
        names, weights = list(self.weights), list(self.weights.values())
        while True:
            event = self._draw(self.rng.choices(names, weights)[0], world)
            if event is not None:
                return event

    def _draw(self, name: str, world: World) -> Event | None:
        rng = self.rng
        callers = [contact for contact, caller in world.callers.items() if not caller.ringing]
        ringing = [contact for contact, caller in world.callers.items() if caller.ringing]
        agent = rng.choice(self.agent_ids)
        match name:
            case "time" | "leap":
                long = rng.random() < (0.15 if self.one_order == "least_occupied" else 0.03)
                ms = rng.choice((60_000, 777_777, 1_800_000) if long else STEPS_OF_TIME)
                return ("time", ms, name == "leap")
            case "join" if len(callers) < self.most_waiting:
                return self._join()
            case "join_more" if callers:
                return (name, rng.choice(callers), rng.choice(self.queue_ids))
            case "leave_queue" if callers:
                contact = rng.choice(callers)
                return (name, contact, rng.choice(world.callers[contact].queues))
            case "abandon" if world.callers:
                return (name, rng.choice([*callers, *ringing]))
            case "answer" if ringing:
                return (name, rng.choice(ringing), rng.randint(0, 3))
            case "no_answer" if ringing:
                return (name, rng.choice(ringing), rng.choice((0, 500, 2000, 5000)), rng.random() < 0.5)
            case "end":
                talking = [each for each, person in world.people.items() if person.talks]
                return (name, rng.choice(talking), rng.randint(0, 2)) if talking else None
            case "ready":
                return (name, agent, rng.random() < (0.9 if self.quiet else 0.6))
            case "login":
                return (
                    name,
                    agent,
                    rng.random() < (0.9 if self.quiet else 0.7),
                    rng.choice((0, 0, 500, 2000)),
                )
            case "shift":
                return (name, tuple(rng.sample(self.agent_ids, rng.randint(2, len(self.agent_ids)))))
            case "facts":
                return (name, self.random_agent(agent))
            case "remove":
                return (name, agent)
            case "install":
                people = tuple(self.random_agent(each) for each in self.agent_ids if rng.random() < 0.9)
                kept = tuple(person.facts for person in world.people.values())
                return (name, self.random_rules(), kept if rng.random() < 0.5 else people)
            case "replan" | "restart" | "new_day" | "look":
                return (name,)
            case "raise" if world.callers:
                return (name, rng.choice([*callers, *ringing]), rng.choice((1, 2, 5, -1)))
            case "exclude" if callers:
                return (name, rng.choice(callers), agent, rng.choice((0, 500, 2000, 5000)))
            case "value" if callers:
                value = rng.choice(("level", "team", "vip", "preferred"))
                return (name, rng.choice(callers), value, self.random_value(value))
            case "fact":
                return self._fact()
            case "slow":
                return (
                    name,
                    rng.choice(self.queue_ids),
                    tuple(rng.sample(GROUPS, rng.choice((0, 1, 1, 1, 2, 2)))),
                )
        return None

    def _join(self) -> Event:
        rng = self.rng
        self.contacts += 1
        queues = rng.sample(self.queue_ids, min(len(self.queue_ids), rng.choice((1, 1, 2, 2, 3))))
        facts = {
            "priority": rng.choice((0, 0, 0, 1, 2, 5)),
            "head_start": rng.choice((0, 0, 0, 0, 1000, 3000)),
            "site": rng.choice(("", *SITES, "east")),
        }
        ago = rng.choice((0, 0, 0, 0, 0, 2000, 5000))
        values = {name: self.random_value(name) for name in ("level", "team", "vip", "preferred")}
        return ("join", f"c{self.contacts}", tuple(queues), facts, ago, values)

    def _fact(self) -> Event:
        rng = self.rng
        name, value = rng.choice(
            (
                (f"queue.{rng.choice(self.queue_ids)}.ewt", rng.choice((10, 60))),
                ("now.hour", rng.choice((9, 15))),
                ("now.open", rng.random() < 0.7),
            )
        )
        return ("fact", name, value)
