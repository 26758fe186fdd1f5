"""`outbound:` and `emergency:` of config/engine.yaml: whom agents may call, and what becomes of emergency numbers.

Nobody may call out unless written. Each emergency number has a flow, made here, for phones that dial it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import Any

from cti_engine.core.definitions import (
    AgentDefinition,
    DialPermission,
    EmergencyRules,
    OutboundRules,
)
from cti_engine.core.expressions.suggestion import closest_or_all
from cti_engine.core.ivr.flow import EndCall, Fixed, Flow, Say, Step, Transfer
from cti_engine.definitions.problems import WARNING
from cti_engine.definitions.shapes import IDENTIFIER, Duration, Key, Keys, Many, Text
from cti_engine.definitions.site_loader import BEGINNING
from cti_engine.definitions.trunk_check import check_trunk
from cti_engine.definitions.yaml_source import Document

SHOWN = Text("a number", r"\+?[0-9]{1,15}")
TRUNK = Text("the name of a trunk", IDENTIFIER.pattern)
_RULES = OutboundRules()
PERMISSION = Keys(
    (
        Key("agents", Many(Text("the id of an agent", IDENTIFIER.pattern)), "agents by id", ()),
        Key("profiles", Many(Text("the id of a profile", IDENTIFIER.pattern)),
            "or all agents of these profiles of routing_rules/profiles.yaml", ()),
        Key("numbers", Many(BEGINNING, least=1), "beginnings of the numbers that they may call"),
        Key("shows", SHOWN, "the number that the called phone shows; without, the one of outbound:", ""),
    )
)  # fmt: skip
OUTBOUND = Keys(
    (
        Key("permissions", Many(PERMISSION), "who may call whom; nobody if not written", ()),
        Key("never", Many(BEGINNING), "beginnings of numbers that nobody may call, such as costly ones", ()),
        Key("trunk", TRUNK, "by which trunk; without, phones registered here", ""),
        Key("shows", SHOWN, "the number that the called phone shows", ""),
        Key("ring_timeout", Duration(5, 180), "how long the called phone rings", _RULES.ring_timeout),
    )
)  # fmt: skip
EMERGENCY = Keys(
    (
        Key("policy", Text("allow or refuse", choices=("allow", "refuse")),
            "allow: agents' phones and pages reach these numbers; refuse: they hear and see that they do not"),
        Key("numbers", Many(Text("a number such as 112", r"[0-9]{2,6}"), least=1), "the emergency numbers"),
        Key("trunk", TRUNK, "by which trunk; it goes before every other rule", ""),
        Key("language", Text("es or en", choices=("es", "en")), "in which a refusal is spoken", "en"),
    )
)  # fmt: skip
RING_SECONDS = 180.0
_SORRY = {
    "refuse": {
        "en": "Emergency numbers cannot be called from this phone. Please use a mobile phone.",
        "es": "Desde este teléfono no se puede llamar a números de emergencia. Por favor, use un teléfono móvil.",
    },
    "failed": {
        "en": "The emergency number could not be reached. Please use a mobile phone.",
        "es": "No se ha podido llamar al número de emergencia. Por favor, use un teléfono móvil.",
    },
}


def load_outbound(
    document: Document,
    written: dict[str, Any],
    agents: Mapping[str, AgentDefinition] | None,
    profiles: Collection[str] | None,
    trunks: Collection[str] | None,
) -> OutboundRules:
    """What is None could not be read, and is not looked at."""
    check_trunk(document, ("outbound", "trunk"), written["trunk"], trunks)
    permissions = []
    for index, each in enumerate(written["permissions"]):
        place = ("outbound", "permissions", index)
        for key, known, what in (("agents", agents, "agent"), ("profiles", profiles, "profile")):
            for at, name in enumerate(each[key]):
                if name and known is not None and name not in known:
                    text = f"there is no {what} {name}"
                    document.problem((*place, key, at), text, closest_or_all(name, list(known)))
        if not each["agents"] and not each["profiles"]:
            document.problem(place, "nobody is named", "agents: [maria], or profiles: [sales]")
        permissions.append(
            DialPermission(
                tuple(each["numbers"]), tuple(each["agents"]), tuple(each["profiles"]), each["shows"]
            )
        )
    return OutboundRules(
        tuple(permissions),
        tuple(written["never"]),
        written["trunk"],
        written["shows"],
        written["ring_timeout"],
    )


def load_emergency(
    document: Document, written: dict[str, Any] | None, trunks: Collection[str] | None
) -> EmergencyRules:
    if written is None:
        return EmergencyRules()
    check_trunk(document, ("emergency", "trunk"), written["trunk"], trunks)
    return EmergencyRules(
        tuple(written["numbers"]), written["policy"], written["trunk"], written["language"] or "en"
    )


def review_emergency(document: Document, rules: EmergencyRules) -> None:
    """What an admin has to decide and has not."""
    if not rules.numbers:
        hint = "emergency: {policy: allow, numbers: [112], trunk: NAME}, or policy: refuse"
        text = "nothing is said of emergency numbers: whoever dials one is told that there is no such number"
        document.problem((), text, hint, severity=WARNING)
    elif rules.policy == "allow" and not rules.trunk:
        text = "emergency calls are allowed, and no trunk is named: whoever dials one is told that it failed"
        document.problem(("emergency",), text, "trunk: NAME, of config/sip.yaml", severity=WARNING)


def emergency_flows(rules: EmergencyRules) -> dict[str, Flow]:
    """Ring the number by the trunk, or say that it is not possible; built like flows of files."""
    version = hashlib.sha256(repr(rules).encode()).hexdigest()[:12]
    flows = (_flow(rules, number, version) for number in rules.numbers)
    return {flow.id: flow for flow in flows}


def _flow(rules: EmergencyRules, number: str, version: str) -> Flow:
    steps: dict[str, Step] = {
        "sorry": Say(_both("text", _SORRY["failed" if rules.allowed else "refuse"]), "end"),
        "end": EndCall(),
    }
    if rules.allowed:
        steps["call"] = Transfer(
            content=_both("tone", {"en": "ringing", "es": "ringing"}),
            busy="sorry",
            no_answer="sorry",
            failed="sorry",
            number=number,
            trunk=rules.trunk,
            seconds=RING_SECONDS,
        )
    return Flow(rules.flow(number), version, ("en", "es"), "call" if rules.allowed else "sorry", steps)


def _both(kind: str, values: Mapping[str, str]) -> dict[str, tuple[tuple[Fixed, ...], ...]]:
    return {language: ((Fixed(kind, value),),) for language, value in values.items()}
