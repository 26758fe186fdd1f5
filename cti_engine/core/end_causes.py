"""End causes with attribution: the closed list of why a call or an offer ended, and who ended it.

SIP and Q.850 codes follow RFC 3398 and RFC 4497; no free text is ever a reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Party(StrEnum):
    CALLER = "caller"
    AGENT = "agent"
    OUTSIDE = "outside"  # who a call was transferred to, and is no agent
    SYSTEM = "system"
    CARRIER = "carrier"
    UNKNOWN = "unknown"


class OfferOutcome(StrEnum):
    """How an offer to an agent ended when no conversation came of it."""

    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    NOT_REGISTERED = "not_registered"
    CALLER_GONE = "caller_gone"
    WORKER_LOST = "worker_lost"
    ANSWERED_ELSEWHERE = "answered_elsewhere"


@dataclass(frozen=True, slots=True)
class EndCause:
    """`name` is what the CDR shows, with the party in front: `caller/hang_up`."""

    party: Party
    name: str
    q850: int
    sip_code: int = 0

    def __str__(self) -> str:
        return f"{self.party}/{self.name}"


CALLER_HANG_UP = EndCause(Party.CALLER, "hang_up", 16)
CALLER_ABANDONED_RINGING = EndCause(Party.CALLER, "cancelled", 16, 487)
CALLER_ABANDONED_IVR = EndCause(Party.CALLER, "left_in_menu", 16)
CALLER_ABANDONED_QUEUE = EndCause(Party.CALLER, "abandoned_in_queue", 16)
CALLER_ABANDONED_OFFER = EndCause(Party.CALLER, "abandoned_while_ringing", 16)
CALLER_ABANDONED_TRANSFER = EndCause(Party.CALLER, "abandoned_in_transfer", 16)
CALLER_MEDIA_TIMEOUT = EndCause(Party.CALLER, "media_timeout", 27)
AGENT_HANG_UP = EndCause(Party.AGENT, "hang_up", 16)
AGENT_MEDIA_TIMEOUT = EndCause(Party.AGENT, "media_timeout", 27)
OUTSIDE_HANG_UP = EndCause(Party.OUTSIDE, "hang_up", 16)
OUTSIDE_MEDIA_TIMEOUT = EndCause(Party.OUTSIDE, "media_timeout", 27)
FLOW_HANG_UP = EndCause(Party.SYSTEM, "flow_ended", 16)
QUEUE_TIME_OUT = EndCause(Party.SYSTEM, "queue_time_out", 19)
MAXIMUM_LENGTH = EndCause(Party.SYSTEM, "maximum_length", 16)
UNKNOWN_NUMBER = EndCause(Party.SYSTEM, "unknown_number", 1, 404)
FLOW_FAULT = EndCause(Party.SYSTEM, "flow_fault", 41, 500)
ANSWER_FAILED = EndCause(Party.CARRIER, "answer_failed", 41)
WORKER_LOST = EndCause(Party.SYSTEM, "worker_lost", 41)
LEG_LOST = EndCause(Party.SYSTEM, "leg_lost", 41)
ENGINE_AWAY = EndCause(Party.SYSTEM, "engine_away", 41)
CALLBACK_NOT_REACHED = EndCause(Party.SYSTEM, "callback_not_reached", 18)
CALLBACK_EXPIRED = EndCause(Party.SYSTEM, "callback_expired", 19)
CALLBACK_CANCELLED = EndCause(Party.AGENT, "callback_cancelled", 16)
CALLBACK_SETTLED = EndCause(Party.AGENT, "callback_settled", 16)
ERASED = EndCause(Party.SYSTEM, "erased", 16)
TRANSFER_FAILED = EndCause(Party.SYSTEM, "transfer_failed", 20)
CALLED_BUSY = EndCause(Party.OUTSIDE, "busy", 17, 486)
CALLED_NO_ANSWER = EndCause(Party.OUTSIDE, "no_answer", 19, 480)
CALLED_REJECTED = EndCause(Party.OUTSIDE, "rejected", 21, 603)
CALLED_NOT_REACHED = EndCause(Party.CARRIER, "not_reached", 41)
AGENT_NO_ANSWER = EndCause(Party.AGENT, "no_answer", 19)
NO_LINE = EndCause(Party.SYSTEM, "no_line", 34, 503)
SHUT_DOWN = EndCause(Party.SYSTEM, "shut_down", 41, 503)

OFFER_OUTCOME_BY_SIP_CODE = {
    480: OfferOutcome.NOT_REGISTERED,
    404: OfferOutcome.NOT_REGISTERED,
    486: OfferOutcome.BUSY,
    600: OfferOutcome.BUSY,
    603: OfferOutcome.REJECTED,
    403: OfferOutcome.REJECTED,
    408: OfferOutcome.UNREACHABLE,
    503: OfferOutcome.UNREACHABLE,
}


def offer_outcome(sip_code: int) -> OfferOutcome:
    """The outcome that a failed agent leg's final SIP code stands for."""
    return OFFER_OUTCOME_BY_SIP_CODE.get(sip_code, OfferOutcome.UNREACHABLE)
