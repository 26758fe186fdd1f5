"""The four machines, and for each the pairs that no table allows, with the reason why they cannot happen."""

from __future__ import annotations

from cti_engine.core import agent, contact, leg, reservation
from cti_engine.core.machine import Table

MACHINES: dict[str, tuple[Table, str]] = {
    "agent": (agent.AGENT, agent.__doc__ or ""),
    "contact": (contact.CONTACT, contact.__doc__ or ""),
    "leg": (leg.LEG, leg.__doc__ or ""),
    "reservation": (reservation.RESERVATION, reservation.__doc__ or ""),
}
BEGINS = {
    "agent": ("idle",),
    "contact": ("arriving",),
    "leg": ("offered", "dialling"),
    "reservation": ("popping",),
}
ENDS = {"agent": "idle", "contact": "closed", "leg": "gone", "reservation": "over"}

Pairs = dict[str, dict[str, tuple[str, ...]]]
"""machine -> reason -> `state input` pairs."""

ILLEGAL: Pairs = {
    "agent": {
        "only an idle agent is matched": (
            "reserved reserve",
            "ringing reserve",
            "talking reserve",
            "wrap_up reserve",
        ),
        "only the offer's own answer bridges": ("idle bridge", "talking bridge", "wrap_up bridge"),
        "wrap-up follows a talk": ("idle wrap_up", "reserved wrap_up", "ringing wrap_up"),
        "the offer's leg is over before wrap-up begins": ("wrap_up ring",),
    },
    "contact": {
        "a flow begins once, when the caller is connected": (
            "in_flow flow_started",
            "queued flow_started",
            "offered flow_started",
            "talking flow_started",
            "calling flow_started",
            "resting flow_started",
            "after_call flow_started",
            "transferring flow_started",
            "dialling flow_started",
            "parked flow_started",
            "scheduled flow_started",
        ),
        "only a running flow or a callback enters a queue; the core checks the state before": (
            "queued enqueued",
            "offered enqueued",
            "talking enqueued",
            "ended enqueued",
            "after_call enqueued",
            "calling enqueued",
            "resting enqueued",
            "transferring enqueued",
            "dialling enqueued",
            "parked enqueued",
        ),
        "only calls that are queued are offered, and callbacks that rest to their own agent": (
            "arriving reserved",
            "in_flow reserved",
            "offered reserved",
            "talking reserved",
            "ended reserved",
            "calling reserved",
            "scheduled reserved",
            "after_call reserved",
            "transferring reserved",
            "dialling reserved",
            "parked reserved",
        ),
        "only a queued call leaves the queue into a flow": (
            "arriving left_queue",
            "in_flow left_queue",
            "offered left_queue",
            "talking left_queue",
            "calling left_queue",
            "resting left_queue",
            "transferring left_queue",
            "dialling left_queue",
            "parked left_queue",
            "scheduled left_queue",
            "ended left_queue",
            "after_call left_queue",
        ),
        "an offer fails or bridges only while its call is offered": (
            "arriving offer_failed",
            "in_flow offer_failed",
            "queued offer_failed",
            "talking offer_failed",
            "calling offer_failed",
            "resting offer_failed",
            "after_call offer_failed",
            "after_call bridged",
            "transferring offer_failed",
            "dialling offer_failed",
            "parked offer_failed",
            "scheduled offer_failed",
            "scheduled bridged",
            "arriving bridged",
            "in_flow bridged",
            "queued bridged",
            "talking bridged",
            "ended bridged",
            "parked bridged",
            "resting bridged",
        ),
        "an agent can leave only a conversation": (
            "arriving agent_gone",
            "in_flow agent_gone",
            "queued agent_gone",
            "offered agent_gone",
            "calling agent_gone",
            "resting agent_gone",
            "after_call agent_gone",
            "transferring agent_gone",
            "parked agent_gone",
            "scheduled agent_gone",
        ),
        "only a conversation whose agent hangs up leaves a caller behind": tuple(
            f"{state} kept"
            for state in (
                "arriving",
                "in_flow",
                "queued",
                "offered",
                "calling",
                "resting",
                "ended",
                "after_call",
                "transferring",
                "dialling",
                "parked",
                "scheduled",
            )
        ),
        "a contact closes after its end": (
            "arriving closed",
            "in_flow closed",
            "queued closed",
            "offered closed",
            "talking closed",
            "calling closed",
            "resting closed",
            "after_call closed",
            "transferring closed",
            "dialling closed",
            "parked closed",
            "scheduled closed",
        ),
        "only the agent of a callback's offer answers first": (
            *(f"{state} agent_answered" for state in ("arriving", "calling", "ended", "in_flow")),
            *(f"{state} agent_answered" for state in ("queued", "resting", "talking", "after_call")),
            "transferring agent_answered",
            "parked agent_answered",
            "scheduled agent_answered",
        ),
        "only a callback that is offered or calls is put off": (
            *(f"{state} put_off" for state in ("arriving", "ended", "in_flow", "queued", "resting")),
            *(
                f"{state} put_off"
                for state in ("talking", "after_call", "transferring", "dialling", "parked", "scheduled")
            ),
        ),
        "a callback is promised in its first moment": tuple(
            f"{state} scheduled"
            for state in (
                *("in_flow", "queued", "offered", "calling", "resting", "talking", "scheduled"),
                *("ended", "after_call", "transferring", "dialling", "parked"),
            )
        ),
        "only a callback that was put off has rested": (
            *(f"{state} rested" for state in ("arriving", "calling", "ended", "in_flow")),
            *(f"{state} rested" for state in ("offered", "queued", "talking", "after_call", "transferring")),
            "dialling rested",
            "parked rested",
            "scheduled rested",
        ),
        "only a flow or an agent transfers; who waits has left the queue before": (
            *(f"{state} transfer" for state in ("arriving", "calling", "ended", "offered", "queued")),
            *(f"{state} transfer" for state in ("resting", "transferring", "after_call", "dialling")),
            "scheduled transfer",
        ),
        "the core asks whether it is being transferred": (
            *(f"{state} not_reached" for state in ("arriving", "calling", "ended", "in_flow", "offered")),
            *(
                f"{state} not_reached"
                for state in ("queued", "resting", "talking", "after_call", "dialling", "parked", "scheduled")
            ),
        ),
        "who is called back has no call that could go": (
            *("calling caller_gone", "resting caller_gone", "scheduled caller_gone"),
        ),
        "an agent parks only a conversation, and lets go only of that or of what is parked": (
            "parked parked",
            *(
                f"{state} {input_}"
                for input_ in ("parked", "let_go")
                for state in (
                    *("arriving", "in_flow", "queued", "offered", "calling", "resting", "transferring"),
                    *("dialling", "after_call", "ended", "scheduled"),
                )
            ),
        ),
        "whom an agent calls is the outside until both talk": ("dialling caller_gone",),
        "a contact is an outbound call from its first moment": (
            *(
                f"{state} dials"
                for state in ("in_flow", "queued", "offered", "calling", "resting", "talking")
            ),
            *(f"{state} dials" for state in ("ended", "after_call", "transferring", "dialling", "parked")),
            "scheduled dials",
        ),
    },
    "leg": {
        "an incoming leg does not ring out": ("offered ringing",),
        "a leg is answered by its far end only after we dialled or sent 200": ("offered answered",),
        "only an incoming leg is answered by us": ("dialling answer", "ringing answer", "connected answer"),
    },
    "reservation": {
        "nothing rings before it is dialled": ("popping ringing",),
    },
}
