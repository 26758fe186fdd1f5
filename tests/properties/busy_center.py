"""A center with times so short that everything that can expire does, and with flows that chase each other."""

from __future__ import annotations

from dataclasses import replace

from cti_engine.core.definitions import (
    AfterCall,
    CallbackRules,
    CenterDefinitions,
    DialledNumber,
    DialPermission,
    OutboundRules,
    QueueDefinition,
    TransferRules,
)
from cti_engine.core.ivr.flow import Choice, EndCall, EnterQueue, GoToFlow, Record, Survey, Transfer, Wait
from tests.scenarios.small_center import flow, spoken, with_flows, with_limits, with_queues

MUSIC = Wait({"en": ()}, 7.0, "leave")


def busy_center() -> CenterDefinitions:
    """Three agents, five queues; `ping` has a treatment that comes back to it for ever."""
    base = with_flows(
        flow("impatient", wait=MUSIC, leave=EnterQueue("support")),
        flow("there", go=EnterQueue("ping", "back")),
        flow("back", go=EnterQueue("ping", "there")),
        flow("again", go=EnterQueue("slow")),
        flow(
            "hand_over",
            maria=Transfer(agent="maria", seconds=6.0, busy="out", no_answer="out", failed="out", content={}),
            out=Transfer(
                number="+34911", seconds=7.0, busy="out", no_answer="rest", failed="rest", content={}
            ),
            rest=Wait({"en": ()}, 3.0, "last"),
            last=GoToFlow("to_slow"),
        ),
        flow("to_ping", go=EnterQueue("ping", "there")),
        flow(
            "opinion",
            ask=Survey(
                prompt=spoken("How was it?"),
                into="score",
                scale="1-2",
                next="comment",
                choices={key: Choice("comment", {"en": key}) for key in "12"},
                no_input="end",
                no_match="comment",
            ),
            comment=Record(next="end", no_input="end", into="comment", longest=20.0, answer=True),
            end=EndCall(),
        ),
    )
    base = with_queues(
        QueueDefinition(
            "sales", "Sales", ("ana", "john", "maria"), ring_timeout=6.0, wrap_up=8.0, max_wait=90.0,
            after_call=AfterCall("opinion", share=0.7, at_most_every=60.0),
        ),
        QueueDefinition(
            "support", "Support", ("ana",), treatment="music", wrap_up=0.0, max_wait=40.0,
            after_call=AfterCall("opinion"),
        ),
        QueueDefinition(
            "slow", "Slow", ("john",), "impatient", max_wait=15.0, on_time_out="again", priority=2
        ),
        QueueDefinition("ping", "Ping", ("ana", "maria"), ring_timeout=5.0, wrap_up=4.0, max_wait=20.0),
        base=base,
    )  # fmt: skip
    numbers = {**base.dialled_numbers, "6000": DialledNumber("6000", "to_ping", "en")}
    numbers["7000"] = DialledNumber("7000", "hand_over", "en")
    rules = TransferRules(("+349",), supervisors=("ana",), escalation_queue="slow", park_for=6.0)
    calls = OutboundRules(
        (DialPermission(("+34",), agents=("ana", "maria")),), trunk="carrier", ring_timeout=12.0
    )
    promises = CallbackRules(
        ("+34",), "carrier", ring_timeout=8.0, within=60.0, tries=2, retry_after=5.0, grace=10.0
    )
    base = replace(base, dialled_numbers=numbers, transfers=rules, outbound=calls, callbacks=promises)
    return with_limits(base, answer=3.0, maximum_length=120.0, rona_before_not_ready=2, rona_cool_down=9.0)


def smaller(base: CenterDefinitions) -> CenterDefinitions:
    """A reload in mid-flight: an agent and a queue are gone, another queue has other members, a flow changed."""
    queues = {id_: q for id_, q in base.queues.items() if id_ != "support"}
    queues["sales"] = replace(queues["sales"], members=("john", "maria"))
    queues["slow"] = replace(queues["slow"], members=("maria",))
    agents = {id_: a for id_, a in base.agents.items() if id_ != "ana"}
    flows = {**base.flows, "to_slow": flow("to_slow", "2", enter=EnterQueue("slow", priority=1))}
    return replace(base, version="2", queues=queues, agents=agents, flows=flows)
