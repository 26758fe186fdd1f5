"""What the demo and its phone processes say to each other over a pipe."""

from __future__ import annotations

from dataclasses import dataclass, field

from cti_engine.runtime.demo.scripts import CallScript


@dataclass(frozen=True, slots=True)
class AgentLine:
    """An agent's phone: SIP user and password."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PhoneConfig:
    """One phone process. `voices` and `agent_voices`: language to WAV. At most four calls at a time."""

    name: str
    seed: str
    edge_host: str
    edge_port: int
    realm: str
    rtp_port: int
    lines: tuple[AgentLine, ...]
    voices: dict[str, str]


# --- orders to a phone --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """Make this call."""

    script: CallScript


@dataclass(frozen=True, slots=True)
class Joined:
    """The call of this number is bridged to an agent: begin to talk."""

    number: str


@dataclass(frozen=True, slots=True)
class HangUpAll:
    """End all calls, unregister, and leave."""


Order = Place | Joined | HangUpAll

# --- facts from a phone -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PhoneReady:
    """`sip_port`: where it listens, for calls that come past any edge."""

    phone: str
    sip_port: int


@dataclass(frozen=True, slots=True)
class Registration:
    """The edge's answer to an agent's REGISTER."""

    user: str
    sip_code: int
    reason: str


@dataclass(frozen=True, slots=True)
class CallOver:
    """A caller's call as the caller saw it. `heard`: the agent's voice arrived. `hung_up`: by the caller."""

    number: str
    sip_code: int
    reason: str
    answered: bool
    joined: bool
    heard: bool
    hung_up: bool


@dataclass(frozen=True, slots=True)
class LineOver:
    """A call as an agent's phone saw it. `talked` seconds; `heard`: the caller's voice arrived."""

    user: str
    number: str
    answered: bool
    talked: float
    heard: bool


Fact = PhoneReady | Registration | CallOver | LineOver
