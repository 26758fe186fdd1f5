"""Whom agents may call: the first permission that names agent and beginning of the number. Nobody by default."""

from __future__ import annotations

import re

from cti_engine.core import callbacks
from cti_engine.core.definitions import AgentDefinition, DialPermission, OutboundRules

_NUMBER = re.compile(r"\+?[0-9]{2,15}")
_BETWEEN = str.maketrans("", "", " \t-.()/")


def written(number: str) -> str:
    """As it is dialled: without the signs that people write between digits."""
    return callbacks.dialled(number.translate(_BETWEEN))


def is_number(number: str) -> bool:
    return _NUMBER.fullmatch(number) is not None


def permission(rules: OutboundRules, agent: AgentDefinition, number: str) -> DialPermission | None:
    """The first that lets this agent call this number."""
    if number.startswith(rules.never):
        return None
    for each in rules.permissions:
        if _of(each, agent) and number.startswith(each.numbers):
            return each
    return None


def may_dial(rules: OutboundRules, agent: AgentDefinition) -> bool:
    """Some number at least."""
    return any(_of(each, agent) for each in rules.permissions)


def _of(permission: DialPermission, agent: AgentDefinition) -> bool:
    return agent.id in permission.agents or (agent.profile != "" and agent.profile in permission.profiles)
