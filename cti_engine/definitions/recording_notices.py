"""`recording:` of config/engine.yaml: what callers are told before they are recorded, and whether they are asked.

Each notice becomes a flow in front of the dialled number's own, made here, so that it is spoken like any other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import Any

from cti_engine.core.definitions import CONSENT, DialledNumber, RecordingNotice
from cti_engine.core.expressions.suggestion import closest_or_all
from cti_engine.core.ivr.flow import Choice, Content, Fixed, Flow, GoToFlow, Menu, Say, SetValues, Step
from cti_engine.definitions.shapes import IDENTIFIER, LANGUAGE, Key, Keys, Many, Table, Text
from cti_engine.definitions.trunk_check import check_trunk
from cti_engine.definitions.yaml_source import Document

NOTICE = Keys(
    (
        Key("consent", Text("announce, ask or none", choices=("announce", "ask", "none")),
            "announce: callers are told; ask: key 1 agrees, anything else does not; none: nothing is said"),
        Key("numbers", Many(Text("a dialled number", r"\+?[0-9*#]{1,15}")),
            "of these dialled numbers; without, of all", ()),
        Key("trunks", Many(Text("the name of a trunk", IDENTIFIER.pattern)), "by these trunks; without, by all", ()),
        Key("say", Table(Text(), LANGUAGE), "the sentence by language; without, our own in es and en", {}),
    )
)  # fmt: skip
SAY = {
    "announce": {
        "en": "This call may be recorded.",
        "es": "Esta llamada puede ser grabada.",
    },
    "ask": {
        "en": "We would like to record this call. To agree, press one. To refuse, press two.",
        "es": "Nos gustaría grabar esta llamada. Si está de acuerdo, marque uno. Si no, marque dos.",
    },
}
_AGREED = {"en": "recording agreed", "es": "acepta la grabación"}
_REFUSED = {"en": "recording refused", "es": "rechaza la grabación"}


def load_notices(
    document: Document,
    written: tuple[dict[str, Any], ...],
    numbers: Mapping[str, DialledNumber],
    flows: Mapping[str, Flow],
    trunks: Collection[str] | None,
    vip: Collection[str] = (),
) -> tuple[RecordingNotice, ...]:
    """Every language that a caller may be spoken to in needs its sentence. `vip`: numbers that other calls are taken
    as, so that their flows may be led to by any notice.
    """
    notices = []
    for index, each in enumerate(written):
        place = ("recording", index)
        for at, number in enumerate(each["numbers"]):
            if number and number not in numbers:
                text = f"{number} is not dialled here"
                document.problem((*place, "numbers", at), text, closest_or_all(number, list(numbers)))
        for at, trunk in enumerate(each["trunks"]):
            check_trunk(document, (*place, "trunks", at), trunk, trunks)
        notice = RecordingNotice(
            each["consent"] or "none",
            tuple(each["numbers"]),
            tuple(each["trunks"]),
            {**SAY.get(each["consent"], {}), **each["say"]},
        )
        for language in sorted(
            {language for flow in _flows_of(notice, numbers, flows, vip) for language in flow.languages}
        ):
            if notice.consent != "none" and language not in _sentences(notice):
                document.problem(place, f"nothing is said in {language}", f'say: {{{language}: "..."}}')
        notices.append(notice)
    return tuple(notices)


def _flows_of(
    notice: RecordingNotice,
    numbers: Mapping[str, DialledNumber],
    flows: Mapping[str, Flow],
    vip: Collection[str],
) -> list[Flow]:
    wanted = {*notice.numbers, *vip} if notice.numbers else numbers.keys()
    theirs = [each.flow for number, each in numbers.items() if number in wanted]
    return [flows[name] for name in dict.fromkeys(theirs) if name in flows]


def _sentences(notice: RecordingNotice) -> dict[str, str]:
    return {**SAY.get(notice.consent, {}), **notice.say}


def notice_flows(
    notices: tuple[RecordingNotice, ...],
    numbers: Mapping[str, DialledNumber],
    flows: Mapping[str, Flow],
    vip: Collection[str] = (),
) -> dict[str, Flow]:
    made = {}
    for index, notice in enumerate(notices):
        if notice.consent != "none":
            for target in _flows_of(notice, numbers, flows, vip):
                flow = _flow(notice, index, target)
                made[flow.id] = flow
    return made


def _flow(notice: RecordingNotice, index: int, target: Flow) -> Flow:
    texts = {language: _sentences(notice).get(language, "") for language in target.languages}
    content: Content = {language: ((Fixed("text", text),),) for language, text in texts.items()}
    go: dict[str, Step] = {"go": GoToFlow(target.id)}
    if notice.consent == "announce":
        steps: dict[str, Step] = {"announce": Say(content, "go", barge_in=False), **go}
    else:
        steps = {
            "ask": Menu(
                prompt=content,
                choices={"1": Choice("agreed", _AGREED), "2": Choice("refused", _REFUSED)},
                no_input="refused",
                no_match="refused",
                retries=1,
            ),
            "agreed": SetValues({}, {CONSENT: "agreed"}, "go"),
            "refused": SetValues({}, {CONSENT: "refused"}, "go"),
            **go,
        }
    version = hashlib.sha256(repr((notice, target.id)).encode()).hexdigest()[:12]
    return Flow(RecordingNotice.flow(index, target.id), version, target.languages, next(iter(steps)), steps)
