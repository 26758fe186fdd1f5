"""A customer is forgotten while the center runs: what waits for them ends, what is on goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cti_engine.core import signals
from cti_engine.core.customer_signals import ErasureAsked, ErasureDone
from tests.scenarios.playbook import Elapse, Scenario, the
from tests.scenarios.promises import CENTER, caller, center, customer, john, maria, promised, until
from tests.scenarios.test_voicemail import left


@pytest.mark.parametrize("state", ["scheduled", "queued", "offered"])
def test_an_appointment_is_never_kept(state: str) -> None:
    """Promised, due, or ringing at the agent's: it ends, nobody is called, its record names the cause; the agent is
    free."""
    s = promised(center("maria"))
    if state == "queued":
        s = s >> maria.logs_out()
    if state != "scheduled":
        s = s >> until(s, "2027-03-26T12:00") >> caller.found("c2")
    s = s >> ErasureAsked(("c2",), (caller.ani,)) << the.CallbackEnded(contact="c2", outcome="erased")
    while ending := [leg for leg in s.center.legs.values() if leg.state == "ending"]:
        s = s >> signals.LegEnded(ending[0].worker, ending[0].id, "local")
    assert s.record("c2")["cause"] == "system/erased"
    assert not s.center.contacts and not s.center.appointments and s.center.agents["maria"].contact == ""
    (s >> Elapse(7300)).without(the.CallOffered())


def test_a_message_that_nobody_has_heard_ends() -> None:
    """It waits in a queue; erased, nobody is offered it."""
    s = left() >> ErasureAsked(("c2",), ()) << the.ContactClosed(contact="c2")
    (s >> john.opens_page() >> john.registers() >> john.is_ready()).without(the.CallOffered())


def test_a_call_goes_on() -> None:
    """With a caller on the line nothing is ended, nor is an appointment that both talk in: it is asked again later."""
    s = Scenario(CENTER, ready=("maria",)) >> caller.calls("1000") >> caller.connects() >> caller.found("c1")
    s = s >> maria.rings() >> maria.answers() << the.CallBridged()
    s = s >> ErasureAsked(("c1",), (caller.ani,))
    s.quiet()
    s = promised(center("maria"))
    s = s >> until(s, "2027-03-26T12:00") >> caller.found("c2") >> maria.answers() >> customer("answers")
    (s >> ErasureAsked(("c2",), (caller.ani,))).quiet()


def test_numbers_are_forgotten() -> None:
    """Who gave up is known by number for a while, so that they come first when they call again: not after this."""
    rules = replace(CENTER, re_caller_within=600.0)
    s = Scenario(rules, ready=()) >> caller.calls("1000") >> caller.connects() >> caller.found("c1")
    s = s >> Elapse(20) >> caller.hangs_up()
    assert list(s.center.recallers) == [caller.ani]
    s = s >> ErasureAsked((), (caller.ani,))
    assert s.center.recallers == {}


def test_it_is_told_when_it_is_done() -> None:
    """One event without a contact, for whoever keeps a copy."""
    s = center("maria") >> ErasureDone(3, "erased-1", 2, 9, 1, ("k2.wav",))
    s << the.CustomerErased(
        erasure=3, pseudonym="erased-1", records=2, events=9, recordings=1, kept=("k2.wav",)
    )
