"""What pages see of agents and queues: published retained on every change, so late pages know all too.

Times named `..._at` are wall seconds since the epoch.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AgentView:
    """`status` ready | not_ready | logged_out; `state` idle | reserved | ringing | talking | wrap_up.

    While there is a contact (from the offer to the end of wrap-up) `offer` holds the data of CallOffered,
    so a page that reloads paints the same pop again. `state_version` goes into requests (decision 13).
    `after` is the status asked for in mid-contact, empty when it stays as it is. Of the conversation: is the caller on
    hold, the agent muted, the `recording` `on`, `paused`, `refused` (by the caller) or empty;
    `role`: `agent`, who has the call, `consulted` or
    `conferee`; `parties`: who is in it beside caller and agent, as maps of agent, name, number, role, state (`ringing`,
    `talking`, or `waiting` with music) and since_at. `can_return`: it can go back to the queue it came from. `dials`:
    may call some numbers; `auto_answer`: the phone answers by itself, calls of the offered one's queue or all.
    `monitor`: who listens to this agent, as a map of supervisor, mode, state (`ringing`, `listening`), since_at and
    visible (may the agent see it); empty: nobody. `grant`: what may be given to this customer without asking, what is
    left of it, the currency, and the grants of this contact (grant, amount, reason, state); empty without a contact.
    `guide`: what to do and say, step by step, with the answers so far (core/customers/guides.py); empty without one.
    `poor_line`: the caller's (`line_quality`).
    """

    agent: str
    name: str
    status: str
    reason: str
    state: str
    since_at: float
    phone: bool
    queues: tuple[str, ...]
    state_version: int
    contact: str = ""
    offer: dict[str, object] = field(default_factory=dict)
    bridged_at: float = 0.0
    wrap_up_ends_at: float = 0.0
    after: str = ""
    after_reason: str = ""
    held: bool = False
    muted: bool = False
    recording: str = ""
    role: str = ""
    parties: tuple[dict[str, object], ...] = ()
    can_return: bool = False
    dials: bool = False
    auto_answer: bool = False
    monitor: dict[str, object] = field(default_factory=dict)
    grant: dict[str, object] = field(default_factory=dict)
    guide: dict[str, object] = field(default_factory=dict)
    poor_line: bool = False


@dataclass(frozen=True, slots=True)
class QueueView:
    """`oldest_at` is 0 when nobody waits. Counts are since midnight of the center's day and of calls alone; beside them
    so many `messages` wait.

    `in_time` of the calls answered were answered within the threshold; `service_level` is
    in_time / offered with still-waiting calls left out, 1.0 when nothing was offered yet.
    `ewt_p50` and `ewt_p80`: seconds that a new caller would wait, by the median and as four of five have it; 0 while
    an agent is free and nobody waits, None when there is nothing to go by. `parked`: calls of this queue that any agent
    may pick up, as maps of slot and since_at.
    """

    queue: str
    name: str
    waiting: int
    oldest_at: float
    agents_ready: int
    agents_logged_in: int
    offered: int
    answered: int
    abandoned: int
    flowed_out: int
    in_time: int
    service_level: float
    target: float
    threshold: float
    ewt_p50: float | None = None
    ewt_p80: float | None = None
    messages: int = 0
    parked: tuple[dict[str, object], ...] = ()
