"""What callers and agents do in the fake world: talk, hold, hand over, hang up, go away; all by chance."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cti_engine.core import events, party_events, party_signals, signals
from cti_engine.core.callback_signals import CancelCallbackRequested, ScheduleCallbackRequested
from cti_engine.core.contact import Contact
from cti_engine.core.signals import Signal
from tests.properties.outside import OutsideLeg

if TYPE_CHECKING:
    from tests.properties.world import World


SUPERVISORS = ("boss", "second boss")


def told(world: World, event: events.Event) -> None:
    match event:
        case events.CallOffered():
            shown = signals.OfferShown(event.agent, event.offer)
            world.later(0.02, 0.4, lambda: shown)
        case events.CallBridged():
            for _ in range(world.rng.randrange(3)):
                world.later(0.2, 9.0, lambda: hold(world, event.contact))
            for _ in range(6 if world.sociable else world.rng.choice((0, 0, 0, 0, 0, 2, 6))):
                world.later(0.2, 14.0, lambda: with_others(world, event.contact))
            for _ in range(4 if world.sociable else world.rng.choice((0, 0, 0, 0, 2))):
                world.later(0.1, 14.0, lambda: supervises(world, event.contact))
            world.later(
                9.0 if world.sociable else 0.5,
                30.0,
                lambda: conversation_over(world, event.contact, event.agent),
            )
        case party_events.ConsultStarted() | party_events.PartyJoined():
            for _ in range(3):
                world.later(0.5, 9.0, lambda: with_others(world, event.contact))
        case party_events.MonitorStarted():
            for _ in range(4):
                world.later(0.1, 9.0, lambda: supervises(world, event.contact))
        case party_events.CallHandedOver(slot=slot) if slot:
            agent = world.rng.choice(("ana", "john", "maria"))
            world.later(0.1, 9.0, lambda: pick_up(world, agent, slot))
        case events.AfterCallStarted():
            world.later(0.1, 9.0, lambda: answers(world, event.contact))
        case events.WrapUpStarted():
            if world.rng.random() < 0.7:
                world.later(0.1, 9.0, lambda: disposition(world, event.agent, event.contact))
        case _:
            return


def conversation_over(world: World, contact: str, agent: str) -> Signal | None:
    known = world.center.contacts.get(contact)
    if world.rng.random() < 0.3:
        version = known.version if known is not None else 3
        version -= world.rng.random() < 0.2
        return signals.HangUpRequested(world.request("h"), agent, contact, version)
    theirs = [leg for leg in world.legs.values() if known is not None and leg.worker == known.worker]
    phones = [leg for leg in theirs if leg.agent not in SUPERVISORS]
    if not phones:
        return None
    if world.rng.random() < 0.15:  # both at once
        world.later(0.0, 0.0, lambda: world.end(phones[0], "remote"))
    return world.end(phones[-1], "media_timeout" if world.rng.random() < 0.1 else "remote")


OTHERS = (
    party_signals.ConsultRequested,
    party_signals.ConsultRequested,
    party_signals.ConsultRequested,
    party_signals.CompleteRequested,
    party_signals.JoinRequested,
    party_signals.JoinRequested,
    party_signals.CancelConsultRequested,
    party_signals.DropPartyRequested,
    party_signals.TransferRequested,
    party_signals.ReturnRequested,
    party_signals.ParkRequested,
    party_signals.EscalateRequested,
)


WITH_ONE = (
    party_signals.JoinRequested,
    party_signals.JoinRequested,
    party_signals.CompleteRequested,
    party_signals.CancelConsultRequested,
    party_signals.ParkRequested,
)


def with_others(world: World, contact: str) -> Signal | None:
    """Who has the call, rarely another, asks for something with others; or one of the phones is hung up."""
    known, chance = world.center.contacts.get(contact), world.rng.random()
    if known is None:
        return None
    if chance < 0.1:
        phones = [leg for leg in world.legs.values() if leg.worker == known.worker]
        return world.end(world.rng.choice(phones), "remote") if phones else None
    if world.with_keys and world.rng.random() < 0.5:
        return on_the_phone(world, known)
    agent = known.holder if chance < 0.9 and known.holder else world.rng.choice(("ana", "john", "maria"))
    if chance > 0.97:
        return party_signals.PickUpRequested(world.request("p"), agent, world.rng.randrange(3))
    if known.guests and world.rng.random() < 0.2:
        ask = world.rng.choice((signals.HoldRequested, signals.MuteRequested))
        return ask(world.request("c"), agent, contact, known.version, world.rng.random() < 0.5)
    consulted = known.consulted
    wanted = world.rng.choice(WITH_ONE if consulted is not None and consulted.talks else OTHERS)
    target = {}
    if wanted in (party_signals.ConsultRequested, party_signals.TransferRequested):
        target = world.rng.choice(
            ({"to_agent": "ana"}, {"to_agent": "john"}, {"to_agent": "maria"}, {"to_number": "+34911"})
        )
    if wanted is party_signals.DropPartyRequested and known.conferees:
        one = world.rng.choice(known.conferees)
        target = {"party_agent": one.agent, "party_number": one.number}
    if wanted is party_signals.TransferRequested and world.rng.random() < 0.4:
        target = world.rng.choice(({"to_queue": "sales"}, {"to_queue": "slow"}, {"to_number": "2000"}, {}))
    return wanted(world.request("t"), agent, contact, known.version, **target)


NAMED = ("ana", "john", "maria", "+34911", "slow", "2000", "nobody")


def on_the_phone(world: World, contact: Contact) -> Signal | None:
    """One of the phones, mostly of who has the call, holds, transfers, or calls on its second line."""
    phones = [leg for leg in world.legs.values() if leg.worker == contact.worker and leg.state == "connected"]
    mine = [leg for leg in phones if leg.agent == contact.agent]
    if not phones:
        return None
    rng = world.rng
    phone = rng.choice(mine if mine and rng.random() < 0.9 else phones)
    lines = [guest.line for guest in contact.guests if guest.line]
    match rng.randrange(4):
        case 0:
            return signals.LegHeld(phone.worker, phone.leg, rng.random() < 0.5)
        case 1 if not lines and phone.agent:
            world.number += 1
            second = OutsideLeg(phone.worker, f"{phone.worker}/{world.number}", "line", phone.agent)
            world.legs[second.leg] = second
            world.later(0.1, 15.0, lambda: world.end(second, "remote"))
            source = f"account:{phone.agent}"
            return signals.InviteReceived(
                second.worker, second.leg, phone.agent, rng.choice(NAMED), source=source
            )
        case _:
            other = rng.choice((*lines, contact.agent_leg)) if lines else ""
            return signals.TransferAsked(phone.worker, phone.leg, rng.choice(NAMED), other)


def supervises(world: World, contact: str) -> Signal | None:
    """The supervisor listens, changes the mode, stops or hangs up; takes over, does with the call as an agent does, and
    says how it ended; rarely another tries.
    """
    known, chance, who = world.center.contacts.get(contact), world.rng.random(), SUPERVISORS[0]
    if known is None:
        return None
    if (chance < 0.05) == (who in world.phones):
        (world.phones.discard if chance < 0.05 else world.phones.add)(who)
        world.later(0.0, 1.0, lambda: supervises(world, contact))
        gone = signals.PhoneUnregistered(who)
        return gone if chance < 0.05 else signals.PhoneRegistered(who, "sip:phone", 60.0)
    if chance < 0.1:
        who = world.rng.choice(("maria", SUPERVISORS[1]))
    mode = world.rng.choice(("listen", "whisper", "barge"))
    monitor = known.monitor
    if known.noting and chance < 0.5:
        code = world.rng.choice(("sold", "nonsense"))
        return signals.DispositionSubmitted(world.request("d"), known.noting, contact, code, "")
    if known.supervisor:
        world.later(0.1, 9.0, lambda: supervises(world, contact))
        if chance < 0.8:
            return with_others(world, contact)
        return signals.HangUpRequested(world.request("h"), known.supervisor, contact, known.version)
    if monitor is None:
        listened = world.rng.choice(known.agents or [""]) if chance < 0.5 else ""
        return party_signals.MonitorRequested(world.request("m"), who, contact, listened, mode)
    if chance < 0.65:
        return party_signals.MonitorModeRequested(world.request("m"), who, contact, mode)
    if chance < 0.75:
        return party_signals.MonitorEndRequested(world.request("m"), who, contact)
    if chance < 0.9:
        return party_signals.TakeOverRequested(world.request("m"), who, contact, known.version)
    leg = world.legs.get(monitor.leg)
    return world.end(leg, world.rng.choice(("remote", "media_timeout"))) if leg is not None else None


def pick_up(world: World, agent: str, slot: int) -> Signal:
    return party_signals.PickUpRequested(world.request("p"), agent, slot)


def hold(world: World, contact: str) -> Signal | None:
    legs = [leg for leg in world.center.legs.values() if leg.contact == contact]
    if not legs:
        return None
    known = world.center.contacts.get(contact)
    if known is not None and known.holder and world.rng.random() < 0.5:
        ask = world.rng.choice(
            (signals.HoldRequested, signals.MuteRequested, signals.PauseRecordingRequested)
        )
        on = world.rng.random() < 0.6
        return ask(world.request("c"), known.holder, contact, known.version, on)
    leg = world.rng.choice(legs)
    return signals.LegHeld(leg.worker, leg.id, world.rng.random() < 0.6)


def answers(world: World, contact: str) -> Signal | None:
    known = world.center.contacts.get(contact)
    leg = world.legs.get(known.caller_leg) if known is not None else None
    return signals.DigitPressed(leg.worker, leg.leg, world.rng.choice("129")) if leg is not None else None


def disposition(world: World, agent: str, contact: str) -> Signal:
    code = world.rng.choice(("sold", "sold", "sold", "no such code"))
    return signals.DispositionSubmitted(world.request("d"), agent, contact, code, "a note")


def something_new(world: World) -> None:
    usual = (a_call, a_call, an_agent_acts, an_agent_acts, a_reload, a_key)
    calls = an_agent_promises if world.number % 3 == 0 else an_agent_dials
    world.rng.choice((*usual, *usual, calls))(world)


def an_agent_dials(world: World) -> None:
    """Calls somebody, on a worker that the core has to know."""
    world.calls += 1
    worker = f"w{world.calls}"
    world.workers.add(worker)
    world.take(signals.WorkerSeen(worker))
    number = world.rng.choice(("+34600000002", "+34600000003", "+44600"))
    agent = world.rng.choice(("ana", "maria"))
    world.take(signals.DialRequested(world.request("t"), agent, number))


def an_agent_promises(world: World) -> None:
    """A callback soon, or takes one back that some agent has promised."""
    agent = world.rng.choice(("ana", "maria", "john"))
    known = sorted(c.id for c in world.center.contacts.values() if c.kind == "callback")
    if known and world.rng.random() < 0.3:
        callback = world.rng.choice(known)
        world.take(CancelCallbackRequested(world.request("t"), agent, callback, world.rng.random() < 0.5))
        return
    world.calls += 1
    worker = f"w{world.calls}"
    world.workers.add(worker)
    world.take(signals.WorkerSeen(worker))
    at = datetime.fromtimestamp(world.now + world.rng.uniform(-70.0, 200.0), UTC).replace(tzinfo=None)
    number = world.rng.choice(("+34600000002", "+34600000001", "+44600"))
    own = world.rng.random() < 0.8
    asked = ScheduleCallbackRequested(
        world.request("t"), agent, at.isoformat(timespec="seconds"), number=number, own=own
    )
    world.take(asked)


def a_reload(world: World) -> None:
    world.a_reload()


def a_call(world: World) -> None:
    world.calls += 1
    worker = f"w{world.calls}"
    leg = OutsideLeg(worker, f"{worker}/1", "caller")
    world.workers.add(worker)
    world.legs[leg.leg] = leg
    dnis = world.rng.choice(
        ("1000", "1000", "1001", "2000", "3000", "4000", "5000", "6000", "7000", "7000", "9999")
    )
    ani = world.rng.choice(("+34600000001", "+12135550100", ""))
    patience = world.rng.choice((60.0, 200.0) if world.sociable else (0.05, 2.0, 20.0, 60.0, 200.0))
    world.take(signals.InviteReceived(worker, leg.leg, ani, dnis))
    world.later(0.0, patience, lambda: world.end(leg, "remote"))


def a_key(world: World) -> None:
    callers = [leg for leg in world.legs.values() if leg.role == "caller"]
    if callers:
        leg = world.rng.choice(callers)
        world.take(signals.DigitPressed(leg.worker, leg.leg, world.rng.choice("129")))


def an_agent_acts(world: World) -> None:
    agent = world.rng.choice(("ana", "john", "maria"))
    page = f"page{world.rng.randrange(3)}"
    match world.rng.choice((2, 6, 10, 10)) if world.sociable else world.rng.randrange(20):
        case 0:
            world.phones.discard(agent)
            world.take(signals.PhoneUnregistered(agent))
        case 1 | 2 | 3 | 4:
            world.phones.add(agent)
            world.take(signals.PhoneRegistered(agent, "sip:phone", 60.0))
        case 5:
            world.take(signals.PageClosed(agent, page))
        case 6 | 7:
            world.take(signals.PageOpened(agent, page))
        case 8:
            reason = world.rng.choice(("lunch", "no such reason"))
            world.take(signals.NotReadyRequested(world.request("n"), agent, reason))
        case 9:
            world.take(signals.LogOutRequested(world.request("o"), agent))
        case _:
            world.take(signals.ReadyRequested(world.request("r"), agent))
