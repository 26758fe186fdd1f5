"""An agent: status is what the human chose, state is what the engine knows; two fields, never one.

idle -> reserved -> ringing -> talking -> wrap_up -> idle
"""

from __future__ import annotations

from dataclasses import dataclass, field

from cti_engine.core.machine import table

AGENT = table(
    "agent",
    {
        "idle": {"reserve": "reserved"},
        "reserved": {"ring": "ringing", "bridge": "talking", "release": "idle"},
        "ringing": {"bridge": "talking", "release": "idle", "ring": "ringing"},
        "talking": {"wrap_up": "wrap_up", "release": "idle"},
        "wrap_up": {"release": "idle"},
    },
    late={"idle": ["release", "ring"], "talking": ["ring"], "wrap_up": ["wrap_up"]},
)

READY, NOT_READY, LOGGED_OUT = "ready", "not_ready", "logged_out"


@dataclass(slots=True)
class Agent:
    """Row kind `agent`. `after` is the status asked for in mid-contact: it counts when the contact is over.

    `since` when status or state last changed; `idle_since` the idle clock that longest-idle reads.
    `missed` consecutive offers that were not answered.
    """

    id: str
    status: str = LOGGED_OUT
    reason: str = ""
    state: str = "idle"
    since: float = 0.0
    idle_since: float = 0.0
    phone: bool = False
    pages: list[str] = field(default_factory=list)
    contact: str = ""
    offer: str = ""
    after: str = ""
    after_reason: str = ""
    missed: int = 0
    bridged_at: float = 0.0
    shown: dict[str, object] = field(default_factory=dict)
    deadlines: dict[str, float] = field(default_factory=dict)

    @property
    def available(self) -> bool:
        return self.status == READY and self.state == "idle" and self.phone
