"""From INVITE to queue: numbers, look-ups, menus, and the ends that a call can come to without an agent."""

from __future__ import annotations

from dataclasses import replace

from cti_engine.core.call_names import Names
from cti_engine.core.definitions import QueueDefinition
from cti_engine.core.ivr.flow import EndCall, EnterQueue, Say, Wait
from cti_engine.core.signals import CommandRefused, LegFailed, PlaybackEnded
from tests.scenarios.playbook import Caller, Desk, Elapse, Install, Scenario, is_recorded, the
from tests.scenarios.small_center import DEFINITIONS, flow, spoken, with_flows, with_number, with_queues

caller, maria, john = Caller(), Desk("maria"), Desk("john")


def test_an_unknown_number_gets_404_and_a_record() -> None:
    """Nobody answers there; the refusal is recorded like any call."""
    s = (
        Scenario()
        >> caller.calls("9999")
        << the.RejectLeg(leg="w1/1", sip_code=404)
        << the.CallArrived(dnis="9999")
        << the.CallEnded(cause="unknown_number", party="system", sip_code=404, q850=1)
        >> caller.is_gone()
        << the.ContactClosed()
    )
    assert (s.record()["cause"], s.record()["outcome"]) == ("system/unknown_number", "refused")


def test_the_look_up_comes_back_before_the_answer() -> None:
    """Name, segment and last contacts are in the pop; the flow begins when the leg is connected."""
    s = Scenario(ready=("maria",)) >> caller.calls("1000") << the.LookUp(contact="c1", number=caller.ani)
    s = s >> caller.found("c1", customer="7", name="Eva", segment="gold", contacts=[{"at": 1}, "nonsense"])
    s = s << the.CallAttributesSet(attributes={"customer": "7", "name": "Eva", "segment": "gold"})
    s = s >> caller.connects() << the.CallAttributesSet(attributes={"language": "en"})
    s = s << the.CallOffered(name="Eva", segment="gold", contacts=({"at": 1},))


def test_a_customer_is_spoken_to_in_their_language_where_the_flow_knows_it() -> None:
    """The number's language gives way to the known customer's, a stranger's area does not; nor what the flow cannot
    say. How a caller answers menus is there for flows."""
    for profile, language in (
        ({"customer": "7", "language": "es"}, "es"),
        ({"customer": "", "language": "es"}, "en"),
        ({"customer": "7", "language": "fr"}, "en"),
    ):
        greet = replace(
            flow("greet", hello=Say(spoken("hello"), "bye"), bye=EndCall()), languages=("en", "es")
        )
        s = Scenario(with_number("1000", "greet", with_flows(greet))) >> caller.calls("1000")
        s = s >> caller.found("c1", answer_by="voice", **profile) >> caller.connects()
        s = s << the.CallAttributesSet(attributes={"language": language})
        assert Names(s.center, s.center.contacts["c1"])("call.answer_by") == "voice"


def test_the_newest_open_ticket_is_known_to_flows_and_in_the_pop() -> None:
    """Its number and who has it, by the agent's name; an owner who is no agent has none; without tickets nothing."""
    ticket = {"ticket": 4711, "category": "fault", "state": "taken", "owner": "maria"}
    older = {**ticket, "ticket": 17, "owner": "nobody_here"}
    for tickets, told in (
        ([ticket, older], (True, 4711, "taken", DEFINITIONS.agents["maria"].name)),
        ([older], (True, 17, "taken", None)),
        ([], (False, None, None, None)),
        ("nonsense", (False, None, None, None)),
    ):
        s = (
            Scenario(ready=("maria",))
            >> caller.calls("1000")
            >> caller.found("c1", customer="7", tickets=tickets)
        )
        names = Names(s.center, s.center.contacts["c1"])
        asked = ("open_ticket", "ticket", "ticket_state", "ticket_owner")
        assert tuple(names(f"call.{name}") for name in asked) == told
        shown = tuple(tickets) if isinstance(tickets, list) else ()
        shown = tuple(
            {**one, "owner_name": DEFINITIONS.agents["maria"].name} if one["owner"] == "maria" else one
            for one in shown
        )
        s = s >> caller.connects() << the.CallOffered(open_tickets=shown)


def test_the_flow_waits_for_the_look_up() -> None:
    """A connected caller hears nothing before the look-up has told the language of the customer."""
    s = (Scenario() >> caller.calls("1000") >> caller.connects()).without(the.CallQueued())
    s = s >> Elapse(0.2) >> caller.found("c1") << the.CallQueued()


def test_a_look_up_that_never_returns_holds_nobody_up() -> None:
    """After its deadline the call goes on without a profile; the late answer changes nothing."""
    s = (Scenario() >> caller.calls("1000") >> caller.connects() >> Elapse(0.34)).without(the.CallQueued())
    s = s >> Elapse(0.02) << the.CallQueued()
    (s >> caller.found("c1", name="Eva")).quiet()
    assert s.late == 1


def test_two_callers_on_one_number() -> None:
    """A family or a company's switchboard: each call is its own, with its own agent and record; that one gives up
    does nothing to the other."""
    one, two = Caller("w1"), Caller("w2", one_number := "+34600000001")
    s = Scenario(ready=("maria", "john"))
    for caller_, contact in ((one, "c1"), (two, "c2")):
        s = s >> caller_.calls("1000") << the.LookUp(contact=contact, number=one_number)
    for caller_, contact in ((two, "c2"), (one, "c1")):  # answers come in another order
        s = s >> caller_.found(contact, customer="7", name="Eva") >> caller_.connects()
        s = s << the.CallOffered(contact=contact, name="Eva")
    assert {s.center.agents[agent].contact for agent in ("maria", "john")} == {"c1", "c2"}
    s = s >> one.hangs_up() << the.CallAbandoned(contact="c1")
    other = next(
        desk for desk in (Desk("maria"), Desk("john")) if s.center.agents[desk.agent].contact == "c2"
    )
    s = s >> other.answers() << the.CallBridged(contact="c2", agent=other.agent)
    assert set(s.center.contacts) >= {"c2"} and s.center.contacts["c2"].state == "talking"


def test_what_is_known_of_a_stranger_is_in_the_pop() -> None:
    """Where the number lies, the languages likely there and the calls of this number, as the look-up brings them
    (adapters/customer_profile): the flow speaks the number's language, the agent sees it all."""
    stranger = {
        "customer": "", "name": "", "segment": "unknown", "language": "en", "value": 0.0,
        "region": "Los Angeles, CA", "languages": ["en", "es"], "tickets": [],
        "contacts": [{"at": 1.0, "channel": "voice", "queue": "support_en", "agent": "ana"}],
        "hints": [{"kind": "region", "text": "Los Angeles, CA (en/es)"}],
    }  # fmt: skip
    s = (
        Scenario(ready=("maria",))
        >> caller.calls("1000")
        >> caller.found("c1", **stranger)
        >> caller.connects()
    )
    s = s << the.CallOffered(segment="unknown", language="en", name="")
    shown = s.center.agents["maria"].shown
    assert list(shown["hints"]) == stranger["hints"]  # type: ignore[call-overload]
    assert [contact["queue"] for contact in shown["contacts"]] == ["support_en"]  # type: ignore[attr-defined]


def test_a_withheld_number_is_not_looked_up() -> None:
    """No ANI, no look-up, no waiting for one."""
    nobody = Caller(ani="")
    (Scenario() >> nobody.calls("1000")).without(the.LookUp()) >> nobody.connects() << the.CallQueued()


def test_the_digit_chooses_the_queue_and_the_agent_sees_the_choice() -> None:
    """What the caller pressed is in the pop's path and in the record's steps."""
    s = Scenario(ready=("ana",)) >> caller.calls("2000") >> caller.found("c1") >> caller.connects()
    s = s << the.PlayPrompts(playback="p1") << the.IvrStepEntered(step="ask")
    s = (
        s
        >> caller.presses("2")
        << the.CallQueued(queue="support")
        << the.CallOffered(path=("ask:2 support",))
    )
    assert s.center.contacts["c1"].cdr.flow_path == ["menu.ask", "menu.to_support"]


def test_no_key_and_no_key_again_ends_the_flow() -> None:
    """Retries are asked, then the flow's own way out is taken: system/flow_ended."""
    s = Scenario() >> caller.calls("2000") >> caller.found("c1") >> caller.connects()
    s = s >> PlaybackEnded("w1", "w1/1", "p1", True) >> Elapse(5) << the.PlayPrompts(playback="p2")
    s = (
        s
        >> PlaybackEnded("w1", "w1/1", "p2", True)
        >> Elapse(5)
        << the.EndLeg()
        << the.CallEnded(cause="flow_ended")
    )
    s = s >> caller.is_gone() << the.ContactClosed()
    assert s.record()["outcome"] == "ended_in_menu"


def test_a_prompt_that_cannot_be_played_does_not_hold_the_menu_up() -> None:
    """The worker refuses the files: the menu listens as if the prompt had been heard."""
    s = Scenario() >> caller.calls("2000") >> caller.found("c1") >> caller.connects()
    s = s >> CommandRefused("w1", "PlayFiles", "w1/1", "bad_file", "no such file")
    assert s.anomalies == ["contact c1: nothing could be played: no such file"]
    s = s >> Elapse(5) << the.PlayPrompts(playback="p2")


def test_the_answer_fails() -> None:
    """No ACK within the time: the leg is ended, the cause is the carrier's."""
    s = Scenario() >> caller.calls("1000") >> caller.found("c1") >> Elapse(10) << the.EndLeg(leg="w1/1")
    s = s << the.CallEnded(cause="answer_failed", party="carrier") >> LegFailed("w1", "w1/1", 408)
    assert s.record()["cause"] == "carrier/answer_failed"


def test_nobody_logged_in_leads_to_the_queues_time_out_flow() -> None:
    """After the longest wait the caller hears the flow for that and is released; the queue counts flowed out."""
    s = (
        Scenario()
        >> caller.calls("4000")
        >> caller.found("c1")
        >> caller.connects()
        << the.CallQueued(queue="slow")
    )
    s = s >> Elapse(60) << the.PlayPrompts() << the.QueueLeft(queue="slow", waited_s=60.0, reason="time_out")
    s = s >> PlaybackEnded("w1", "w1/1", "p1", True) << the.EndLeg() << the.CallEnded(cause="flow_ended")
    s = s >> caller.is_gone() << the.ContactClosed()
    assert (s.record()["outcome"], s.record()["wait_s"]) == ("flowed_out", 60.0)
    assert s.center.queues["slow"].flowed_out == 1


def test_nobody_logged_in_and_no_flow_ends_the_call() -> None:
    """Without a time-out flow the call is ended by the system, with that cause."""
    s = Scenario() >> caller.calls("5000") >> caller.found("c1") >> caller.connects() >> Elapse(60)
    s = (
        s
        << the.EndLeg()
        << the.QueueLeft(reason="time_out")
        << the.CallEnded(cause="queue_time_out", q850=19)
    )


def test_the_next_queue_has_a_longest_wait_of_its_own() -> None:
    """Overflow to a second queue keeps the first queue time, but its longest wait counts from entering it."""
    definitions = with_flows(
        flow("sorry", on=EnterQueue("second")),
        base=with_queues(QueueDefinition("second", "Second", ("maria",), max_wait=60.0)),
    )
    s = Scenario(definitions) >> caller.calls("4000") >> caller.found("c1") >> caller.connects() >> Elapse(60)
    s = (s << the.QueueLeft(queue="slow", reason="time_out") << the.CallQueued(queue="second")).without(
        the.CallEnded()
    )
    s = (
        s
        >> Elapse(30)
        >> maria.registers()
        >> maria.is_ready()
        << the.CallOffered(queue="second", waited_s=90.0)
    )


def test_a_missed_offer_in_the_next_queue_leaves_its_longest_wait_as_it_was() -> None:
    """After overflow and a miss there, the time-out still counts from entering the second queue."""
    definitions = with_flows(
        flow("sorry", on=EnterQueue("second")),
        base=with_queues(QueueDefinition("second", "Second", ("maria",), max_wait=60.0)),
    )
    s = (
        Scenario(definitions, ready=("maria",))
        >> caller.calls("4000")
        >> caller.found("c1")
        >> caller.connects()
    )
    s = s >> Elapse(60) << the.DialLeg(target="maria") >> Elapse(10) >> maria.fails(486) << the.CallRequeued()
    s = (
        (s >> Elapse(49)).without(the.QueueLeft())
        >> Elapse(2)
        << the.QueueLeft(queue="second", waited_s=120.0)
    )


def test_a_call_is_ended_at_its_maximum_length() -> None:
    """Also in the middle of a talk; the agent wraps up as always."""
    s = Scenario(ready=("maria",)) >> caller.calls("1000") >> caller.found("c1") >> caller.connects()
    s = s >> maria.answers() >> Elapse(1800) << the.EndLeg(leg="w1/1") << the.EndLeg(leg="l1")
    s = s << the.CallEnded(cause="maximum_length", party="system") << the.WrapUpStarted()
    s = s >> caller.is_gone() >> maria.is_gone() >> is_recorded >> maria.disposes() << the.ContactClosed()


def test_flows_that_lead_to_each_other_without_waiting_leave_the_caller_in_the_queue() -> None:
    """Two treatments that send the caller to and fro stop the treatment, not the engine, and not the call."""
    definitions = with_number(
        "7000",
        "in",
        with_flows(
            flow("in", go=EnterQueue("left", "to_right")),
            flow("to_right", go=EnterQueue("right", "to_left")),
            flow("to_left", go=EnterQueue("left", "to_right")),
            base=with_queues(
                QueueDefinition("left", "L", ("maria",)), QueueDefinition("right", "R", ("maria",))
            ),
        ),
    )
    s = Scenario(definitions) >> caller.calls("7000") >> caller.found("c1") >> caller.connects()
    assert s.center.contacts["c1"].state == "queued"
    assert [a for a in s.anomalies if "without ever waiting" in a]
    s = s >> maria.registers() >> maria.is_ready() << the.CallOffered(contact="c1")


def test_a_treatment_that_ends_while_a_phone_rings_begins_again() -> None:
    """The treatment's hang-up comes too late when an agent is being offered; the caller keeps hearing something."""
    busy = Wait({"en": spoken("Music")["en"]}, 10.0, "end")
    definitions = with_queues(
        QueueDefinition("sales", "Sales", ("maria",), treatment="busy"),
        base=with_flows(flow("busy", wait=busy, end=EndCall())),
    )
    s = (
        Scenario(definitions, ready=("maria",))
        >> caller.calls("1000")
        >> caller.found("c1")
        >> caller.connects()
    )
    s = (s >> maria.rings() >> Elapse(10) << the.PlayPrompts(repeat=True)).without(the.CallEnded())
    s = s >> Elapse(5) >> maria.answers() << the.StopPlayback() << the.CallBridged()


def test_a_treatment_may_hang_up() -> None:
    """With no agent on the way, the treatment's own end counts: the caller left the queue by the flow."""
    busy = Say(spoken("All lines are busy."), "end")
    definitions = with_queues(
        QueueDefinition("sales", "Sales", ("maria",), treatment="busy"),
        base=with_flows(flow("busy", say=busy, end=EndCall())),
    )
    s = Scenario(definitions) >> caller.calls("1000") >> caller.found("c1") >> caller.connects()
    s = (
        s
        >> PlaybackEnded("w1", "w1/1", "p1", True)
        << the.QueueLeft(reason="flow")
        << the.CallEnded(cause="flow_ended")
    )


def test_music_stops_and_the_time_out_flow_is_heard() -> None:
    """A looping treatment is silenced when the queue's time is over."""
    definitions = with_queues(
        QueueDefinition("slow", "Slow", ("john",), "music", max_wait=10.0, on_time_out="sorry")
    )
    s = Scenario(definitions) >> caller.calls("4000") >> caller.found("c1") >> caller.connects()
    s = s << the.PlayPrompts(playback="p1", repeat=True)
    s = s >> Elapse(10) << the.StopPlayback(playback="p1") << the.PlayPrompts(playback="p2", repeat=False)


def test_a_number_taken_out_between_invite_and_answer_ends_the_call() -> None:
    """A reload may take the flow away under a call that has not begun it."""
    s = Scenario() >> caller.calls("1000") >> caller.found("c1")
    s = s >> Install(replace(DEFINITIONS, version="2", dialled_numbers={})) >> caller.connects()
    s = s << the.EndLeg(sip_code=500) << the.CallEnded(cause="flow_fault")
