"""What the admin wrote, validated: agents, queues, dialled numbers and flows as one immutable, versioned set.

Built from YAML by `cti_engine.definitions`; a running call keeps the version it began with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cti_engine.core.ivr.flow import Flow


@dataclass(frozen=True, slots=True)
class AgentDefinition:
    """`id` is the SIP user too. `attributes`: bool, proficiency 1-10, or a declared text."""

    id: str
    name: str
    attributes: Mapping[str, bool | int | str] = field(default_factory=dict)
    site: str = "main"


@dataclass(frozen=True, slots=True)
class QueueDefinition:
    """Times in seconds. `members`: agents who serve it, worked out from `members:` or `require:` at load.

    `on_time_out` names the flow for a caller who has waited `max_wait`; empty: the call is ended.
    """

    id: str
    name: str
    members: tuple[str, ...]
    treatment: str = ""
    priority: int = 0
    ring_timeout: float = 20.0
    wrap_up: float = 30.0
    max_wait: float = 600.0
    on_time_out: str = ""
    service_level_threshold: float = 20.0
    service_level_target: float = 0.8


@dataclass(frozen=True, slots=True)
class DialledNumber:
    """`priority` is added to every call that came in on this number."""

    number: str
    flow: str
    language: str
    priority: int = 0


@dataclass(frozen=True, slots=True)
class CallLimits:
    """Seconds. `pop_wait`: how long a ring waits for the painted pop (decision 3)."""

    pop_wait: float = 0.15
    look_up: float = 0.25
    answer: float = 10.0
    maximum_length: float = 7200.0
    rona_before_not_ready: int = 1
    rona_cool_down: float = 30.0


@dataclass(frozen=True, slots=True)
class Disposition:
    code: str
    label: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CenterDefinitions:
    """The whole set. `version` changes with any file's content."""

    version: str
    agents: Mapping[str, AgentDefinition]
    queues: Mapping[str, QueueDefinition]
    dialled_numbers: Mapping[str, DialledNumber]
    flows: Mapping[str, Flow]
    not_ready_reasons: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    dispositions: Mapping[str, Disposition] = field(default_factory=dict)
    limits: CallLimits = CallLimits()
    record_calls: bool = True
