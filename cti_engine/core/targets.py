"""To whom an agent may hand a call: colleagues who are free, queues, our own numbers, and those outside as allowed."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cti_engine.core import callbacks, emergency, parties, requests, transfers
from cti_engine.core.agent import LOGGED_OUT, Agent
from cti_engine.core.center import Center
from cti_engine.core.commands import Reply
from cti_engine.core.contact import Contact
from cti_engine.core.party_signals import TargetsRequested

LEGS = 4
"""Of an interaction, as pjsua2 is built; the last is kept for a supervisor except in a conference (decision 9)."""
_NUMBER = re.compile(r"\+?[0-9]{2,15}")


@dataclass(frozen=True, slots=True)
class Phone:
    """What is rung: an agent's phone, or a number outside."""

    agent: Agent | None
    number: str = ""


def phone(center: Center, by: str, agent: str, number: str) -> Phone | str:
    """The phone that `by` wants, or why not."""
    if bool(agent) == bool(number):
        return "unknown_target"
    if agent:
        found = transfers.agent_of(center, agent)
        if found is None or found.id == by or found.id not in center.definitions.agents:
            return "unknown_target"
        return Phone(found) if parties.free_for_calls(found) else "target_busy"
    number = callbacks.dialled(number)
    if emergency.is_one(center, number):
        return Phone(None, number) if center.definitions.emergency.allowed else "emergency_refused"
    if not _NUMBER.fullmatch(number) or not number.startswith(center.definitions.transfers.numbers):
        return "number_not_allowed"
    return Phone(None, number)


def named(center: Center, target: str) -> tuple[str, str]:
    """Of what somebody has dialled: the agent it stands for, by id or extension, or else the number."""
    agent = transfers.agent_of(center, target)
    return (agent.id, "") if agent is not None else ("", target)


def leg_left(center: Center, contact: Contact, *, all_of_them: bool = False) -> bool:
    """Whether one more phone can be rung beside those of now; `all_of_them`: the supervisor's too."""
    most = LEGS if all_of_them or contact.conferees or contact.monitor is not None else LEGS - 1
    return len(center.legs_of(contact)) < most


def listed(center: Center, signal: TargetsRequested) -> None:
    """For the page of an agent, or of a supervisor with a phone: names, and who is free; nothing of whom they talk
    with. All parked calls, also those that came by no queue, in whose states the others are told.
    """
    if signal.agent not in center.definitions.agents and signal.agent not in center.other_phones:
        requests.refuse(center, signal.request, "unknown_agent")
        return
    colleagues = [
        {"agent": agent.id, "name": known.name, "state": _state(agent)}
        for agent_id, known in center.definitions.agents.items()
        if agent_id != signal.agent and (agent := center.agents.get(agent_id)) is not None
        and agent.status != LOGGED_OUT
    ]  # fmt: skip
    queues = [{"queue": queue.id, "name": queue.name} for queue in center.definitions.queues.values()]
    rules = center.definitions.transfers
    result: dict[str, object] = {
        "agents": sorted(colleagues, key=lambda row: (row["state"] != "free", row["name"])),
        "queues": sorted(queues, key=lambda row: row["name"]),
        "parked": [
            {"slot": one.slot, "since_at": one.parked_at, "queue": one.queue} for one in center.parked
        ],
        "numbers": bool(rules.numbers),
        "escalation": bool(rules.supervisors or rules.escalation_queue),
    }
    center.command(Reply(signal.request, True, result=result))


def _state(agent: Agent) -> str:
    if not agent.phone:
        return "no_phone"
    if agent.state != "idle":
        return "busy"
    return "free" if agent.available else "not_ready"
