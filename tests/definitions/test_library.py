"""The admin's files as one set, with the version that says what stands in them."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

from cti_engine.core.definitions import CallLimits
from cti_engine.core.ivr.flow import Menu
from cti_engine.definitions.library import load_definitions
from tests.definitions.homes import ROOT, shipped_home


def test_the_shipped_center_has_no_problems() -> None:
    """The demo world as interfaces.md names it, without even a warning."""
    definitions, problems = load_definitions(ROOT)
    assert problems == []
    assert definitions is not None
    assert {number: d.flow for number, d in definitions.dialled_numbers.items()} == {
        "1000": "main_es",
        "2000": "main_en",
        "5000": "reception",
    }
    assert {queue.id: queue.members for queue in definitions.queues.values()} == {
        "sales_es": ("maria", "ana"),
        "support_es": ("maria", "ana"),
        "sales_en": ("john", "ana"),
        "support_en": ("john", "ana"),
    }
    assert definitions.limits == CallLimits()
    assert definitions.record_calls
    assert definitions.dispositions["sold"].label["es"] == "Venta hecha"
    assert definitions.not_ready_reasons["lunch"]["en"] == "Lunch"
    menu = definitions.flows["main_es"].steps["menu"]
    assert isinstance(menu, Menu)
    assert {key: choice.label["es"] for key, choice in menu.choices.items()} == {
        "1": "ventas",
        "2": "soporte",
        "3": "saldo",
        "4": "horario",
        "0": "operador",
    }
    assert pickle.loads(pickle.dumps(definitions)) == definitions


def test_versions_follow_content(tmp_path: Path) -> None:
    """Only the edited flow gets a new version, and the set gets one."""
    home = shipped_home(tmp_path)
    before, _ = load_definitions(home)
    path = home / "ivr_flows" / "main_es.yaml"
    path.write_text(path.read_text().replace("Hola, gracias por llamar.", "Buenos días."))
    after, _ = load_definitions(home)
    assert before is not None and after is not None
    assert after.version != before.version
    changed = {name for name in after.flows if after.flows[name].version != before.flows[name].version}
    assert changed == {"main_es"}


def test_the_same_files_are_the_same_version(tmp_path: Path) -> None:
    """The version says what is in the files, not when they were read or where they lie."""
    here, there = load_definitions(ROOT)[0], load_definitions(shipped_home(tmp_path))[0]
    assert here is not None and there is not None
    assert here.version == there.version
    assert here == there


def test_defaults_are_handed_down(tmp_path: Path) -> None:
    """A menu's own word, then the flow's defaults, then the engine's."""
    home = shipped_home(tmp_path)
    (home / "ivr_flows" / "sorry.yaml").write_text("""
flow: sorry
languages: [en]
start: a
defaults: {retries: 1, barge_in: false, no_input: z, no_match: z, no_match_prompt: Wrong}
steps:
  a: {menu: {prompt: A, choices: {"1": b}}}
  b: {menu: {prompt: B, retries: 4, barge_in: true, timeout: 9s, no_match: a, no_match_prompt: No, choices: {"1": z}}}
  z: {hang_up: }
""")
    definitions, problems = load_definitions(home)
    assert definitions is not None, problems
    a, b = definitions.flows["sorry"].steps["a"], definitions.flows["sorry"].steps["b"]
    assert isinstance(a, Menu) and isinstance(b, Menu)
    assert (a.retries, a.barge_in, a.timeout, a.no_input, a.no_match) == (1, False, 5.0, "z", "z")
    assert (b.retries, b.barge_in, b.timeout, b.no_input, b.no_match) == (4, True, 9.0, "z", "a")
    assert a.no_match_prompt != b.no_match_prompt and a.no_input_prompt is None


def test_members_are_worked_out_from_attributes(tmp_path: Path) -> None:
    """An attribute that an agent does not have never matches, whichever way it is asked."""
    home = shipped_home(tmp_path)
    queues = home / "routing_rules" / "queues.yaml"
    queues.write_text("""
queues:
  low: {require: agent.english < 5}
  none: {require: not agent.english >= 5}
  named: {members: [ana, john, ana]}
  me: {require: agent.id == "john" or agent.name == "Ana Torres"}
  site: {require: 'agent.site in ["main"]'}
""")
    for flow in ("main_es", "main_en", "reception", "message_es", "message_en"):
        path = home / "ivr_flows" / f"{flow}.yaml"
        path.write_text(re.sub("(enqueue|queue): (sales|support)_e[sn]", r"\1: low", path.read_text()))
    agents = home / "config" / "agents.yaml"
    agents.write_text(agents.read_text().replace("english: 3, ", ""))
    definitions, problems = load_definitions(home)
    assert definitions is not None
    assert {queue.id: queue.members for queue in definitions.queues.values()} == {
        "low": (),
        "none": (),
        "named": ("ana", "john"),
        "me": ("john", "ana"),
        "site": ("maria", "john", "ana"),
    }
    assert [problem.path for problem in problems] == ["queues.low", "queues.none"]
