"""What the random events have to hit, by the names under which oracle and world count it."""

from __future__ import annotations

from tests.routing.random_centers import ORDERS

FEATURES = (
    *(f"agent decided by {order}" for order in ORDERS),
    "agent decided by idle_since",
    "agent decided by rank",
    "answer: of one of several phones",
    "back: into several queues",
    "back: what was left of a step",
    "burst: decisions",
    "call decided by class",
    "call decided by level",
    "call decided by level: capped",
    "call decided by queue index",
    "call decided by score",
    "call decided by seq",
    "consider_if: False",
    "consider_if: None",
    "consider_if: True",
    "delay: over",
    "delay: over because capped",
    "equal time stamps",
    "exhausted: any_member",
    "exhausted: overflow",
    "exhausted: stay_on_last",
    "exhausted: the last step without rules 2 to 4",
    "install: while calls wait",
    "not eligible: delay",
    "not eligible: excluded",
    "not eligible: profile",
    "offer: of a call in several queues",
    "offer: to an agent with a contact",
    "offer: to several agents",
    "offer_to cut",
    "overflow: to another queue",
    "pool: bound to the call",
    "pool: cumulative",
    "raise_priority of a step",
    "replan: of a waiting call",
    "reskill: while calls wait",
    "restart: planned anew",
    "restart: with a call that rings",
    "restart: with a call that waits",
    "skipped: clock",
    "skipped: consider_if",
    "skipped: nobody",
    "timer: a delay or exclusion ran out and gave an agent",
    "timer: late",
    "timer: several at one moment",
    "when_none: wait",
    *(
        f"event: {event}"
        for event in (
            "join", "join_more", "leave_queue", "abandon", "answer", "no_answer", "end", "ready", "login", "shift",
            "facts", "remove", "install", "replan", "restart", "raise", "exclude", "value", "fact", "new_day", "look",
        )
    ),
)  # fmt: skip
