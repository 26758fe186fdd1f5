"""A center whose agents promise callbacks, for scenarios: Madrid, a Friday at ten, two days before clocks change."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from cti_engine.core import commands, signals
from cti_engine.core.callback_signals import (
    ListCallbacksRequested,
    ScheduleCallbackRequested,
)
from cti_engine.core.definitions import (
    CallbackRules,
    CenterDefinitions,
    DialPermission,
    EmergencyRules,
    OutboundRules,
    Region,
)
from cti_engine.core.hours import DAY, Calendar
from cti_engine.definitions.zones import zone_of
from tests.scenarios.playbook import (
    Caller,
    Deferred,
    Desk,
    Elapse,
    Scenario,
    dialog,
    is_recorded,
    the,
)
from tests.scenarios.small_center import DEFINITIONS

maria, john, ana = Desk("maria"), Desk("john"), Desk("ana")
caller = Caller("w1")
WORKER, OTHER = "w8", "w9"
MADRID = zone_of("Europe/Madrid")
START = datetime(2027, 3, 26, 10, 0, tzinfo=ZoneInfo("Europe/Madrid")).timestamp()
"""A Friday; the clocks go forward on Sunday the 28th at two."""
GRACE = 120.0
WEEKDAYS = Calendar("office", MADRID, ((((8 * 3600, 20 * 3600)),),) * 5 + ((), ()))
RULES = CallbackRules(
    numbers=("+34",),
    trunk="out",
    ring_timeout=25.0,
    within=3600.0,
    tries=2,
    retry_after=60.0,
    zone=MADRID,
    hours="office",
    customer_hours=((9 * 3600, 21 * 3600),),
    ahead=30.0 * DAY,
    grace=GRACE,
)
CENTER: CenterDefinitions = replace(
    DEFINITIONS,
    callbacks=RULES,
    calendars={"office": WEEKDAYS},
    regions={
        "ny": Region("ny", ("+1212",), zone=zone_of("America/New_York")),
        "canaries": Region("canaries", ("+34928",), zone=zone_of("Atlantic/Canary")),
    },
    outbound=OutboundRules(
        (DialPermission(("+1212",), agents=("maria",), shows="+34910"),), never=("+34806",), trunk="world"
    ),
    emergency=EmergencyRules(("112",), "allow", "out"),
)


def center(*ready: str, definitions: CenterDefinitions = CENTER) -> Scenario:
    s = Scenario(definitions, ready=ready, start=START)
    return s >> signals.WorkerSeen(WORKER) >> signals.WorkerSeen(OTHER)


def wraps_up(s: Scenario, ani: str = caller.ani) -> Scenario:
    """Maria has talked with a caller, who is gone; she has 30 s for it."""
    s = s >> signals.InviteReceived(caller.worker, caller.leg, ani, "1000", source="trunk:carrier")
    s = s >> caller.connects() >> caller.found("c1") >> maria.rings() >> maria.answers() << the.CallBridged()
    return s >> Elapse(60) >> caller.hangs_up() >> maria.is_gone() >> is_recorded


def asks(at: str = "2027-03-26T12:00", agent: str = "maria", of: str = "c1", **rest: Any) -> signals.Signal:
    return ScheduleCallbackRequested("later", agent, at, of=of, **rest)


def promised(s: Scenario, at: str = "2027-03-26T12:00", **rest: Any) -> Scenario:
    """Maria has promised c2 in her wrap-up, which is over; nobody is in a contact."""
    s = wraps_up(s) >> asks(at, **rest) << the.Reply(ok=True)
    return s >> maria.disposes() << the.ContactClosed(contact="c1")


def until(s: Scenario, at: str) -> Elapse:
    """Time passes until the clock in Madrid shows this."""
    moment = datetime.fromisoformat(at).replace(tzinfo=ZoneInfo("Europe/Madrid")).timestamp()
    return Elapse(moment - s.now)


def customer(name: str, number: str = caller.ani, **values: object) -> Deferred:
    """What happens to the phone of who is called."""

    def signal(s: Scenario) -> signals.Signal:
        dialled = [c for c in s.commands if isinstance(c, commands.DialLeg) and c.target == number][-1]
        if name == "answers":
            return signals.LegAnswered(dialled.worker, dialled.leg, dialog(dialled.leg))
        if name == "fails":
            return signals.LegFailed(dialled.worker, dialled.leg, int(str(values["code"])))
        return signals.LegEnded(dialled.worker, dialled.leg, "remote")

    return Deferred(f"the customer's phone {name} {values}", signal)


_Fact = TypeVar("_Fact")


def facts(s: Scenario, kind: type[_Fact]) -> list[_Fact]:
    """All of this kind so far."""
    return [fact for _, fact in s.facts if isinstance(fact, kind)]


def told(s: Scenario, agent: str = "maria") -> list[dict[str, object]]:
    """The list that this agent's page shows."""
    s = s >> ListCallbacksRequested("list", agent) << the.Reply(ok=True)
    rows = [c for c in s.commands if isinstance(c, commands.Reply)][-1].result["callbacks"]
    assert isinstance(rows, list)
    return rows
