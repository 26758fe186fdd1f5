"""Everything a flow can play is known beforehand; what the admin's READMEs show really works."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti_engine.core.commands import Prompt
from cti_engine.core.ivr.actions import Play
from cti_engine.core.ivr.spoken_values import fragments_of
from cti_engine.definitions.calendar_loader import load_calendars
from cti_engine.definitions.library import load_definitions
from cti_engine.definitions.prompt_inventory import all_prompts, prompts_of
from cti_engine.definitions.service_loader import load_services
from cti_engine.definitions.yaml_source import read_yaml
from tests.core_ivr.caller import Caller, flow_of
from tests.definitions.homes import ROOT, shipped_home

SOUNDS = Path("/usr/share/asterisk/sounds")


def test_texts_sounds_and_numbers_of_a_flow_are_listed_per_language() -> None:
    """The fixed parts of each text, every fragment of its values, also of prompts inherited from defaults."""
    flow = flow_of("""
        languages: [es, en]
        start: a
        defaults: {no_input: a, no_match: a, no_match_prompt: {es: Mal, en: Wrong}}
        steps:
          a: {menu: {prompt: {es: "Es el {position}.", en: "Hi"}, choices: {"1": b}}}
          b: {wait: 20s, next: a}
    """)
    prompts = prompts_of(flow)
    numbers = set(fragments_of("number", "es"))
    assert {"cero", "veintiuno", "cien", "mil"} < numbers
    assert {p for p in prompts if p.kind == "text" and p.value not in numbers} == {
        Prompt("text", "Es el", "es"),
        Prompt("text", "Hi", "en"),
        Prompt("text", "Mal", "es"),
        Prompt("text", "Wrong", "en"),
    }
    assert {p.value for p in prompts if p.kind == "text" and p.language == "es"} > numbers - {""}
    assert {p for p in prompts if p.kind == "music"} == {
        Prompt("music", "default", "es"), Prompt("music", "default", "en")
    }  # fmt: skip


@given(st.lists(st.sampled_from(["1", "2", "0", "9", "end", "wait"]), max_size=25), st.integers(0, 200))
@settings(max_examples=100, deadline=None)
def test_nothing_is_ever_played_that_was_not_listed(inputs: list[str], position: int) -> None:
    """Whatever callers do in the shipped flows, each prompt is in the inventory."""
    definitions, _ = load_definitions(ROOT)
    assert definitions is not None
    known = all_prompts(definitions.flows.values())
    for flow in definitions.flows.values():
        for language in flow.languages:
            world = {"queue.position": position, "hours.phones": "open"}
            caller = Caller({flow.id: flow, **definitions.flows}, language, world)
            for each in inputs:
                if each == "end":
                    caller.hear_out()
                elif each == "wait":
                    caller.wait(20)
                else:
                    caller.press(each)
            played = [p for action in caller.actions if isinstance(action, Play) for p in action.prompts]
            assert set(played) <= known


def test_the_sounds_that_shipped_flows_name_are_in_the_packages() -> None:
    """Each sound name is a file of asterisk-core-sounds in the languages that play it."""
    definitions, _ = load_definitions(ROOT)
    assert definitions is not None
    sounds = [p for p in all_prompts(definitions.flows.values()) if p.kind == "sound"]
    assert len([p for p in sounds if not p.value.startswith("digits/")]) == 18
    for prompt in sounds:
        assert list(SOUNDS.glob(f"{prompt.language}_*/{prompt.value}.wav")), prompt


def _examples(readme: Path) -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)


def test_the_night_example_of_the_flow_readme_works() -> None:
    """Closed at the weekend and at night, open on Monday at ten."""
    (example,) = [text for text in _examples(ROOT / "ivr_flows" / "README.md") if "now.weekday" in text]
    flow = "languages: [es, en]\n" + example + "  welcome: {enqueue: sales_es}\n"
    for weekday, time, steps in [
        ("mon", "10:00", ["hours", "welcome"]),
        ("mon", "18:00", ["hours", "closed"]),
        ("mon", "08:59", ["hours", "closed"]),
        ("sun", "10:00", ["hours", "closed"]),
    ]:
        caller = Caller(flow, "es", {"now.weekday": weekday, "now.time": time})
        assert [a.step for a in caller.actions if hasattr(a, "step")] == steps


ROUTING_README = ["dialled_numbers", "queues", "queues", "queues", "priorities", "profiles", "overflow"]


@pytest.mark.parametrize(("example", "file"), list(enumerate(ROUTING_README)))
def test_the_examples_of_the_routing_readme_load(example: int, file: str, tmp_path: Path) -> None:
    """An admin may paste them."""
    home = shipped_home(tmp_path)
    path = home / "routing_rules" / f"{file}.yaml"
    text = _examples(ROOT / "routing_rules" / "README.md")[example]
    if file == "queues":
        above, _, own = text.partition("queues:\n")
        text = above + path.read_text() + own.replace("another_queue", "sales_es")
    path.write_text(text)
    definitions, problems = load_definitions(home)
    assert definitions is not None, problems
    assert file != "queues" or "loans_es" in definitions.queues


def test_the_examples_of_the_config_readme_load() -> None:
    """Hours, services and webhooks as an admin may paste them, without a problem."""
    shown = {text.partition(":")[0]: text for text in _examples(ROOT / "config" / "README.md")}
    documents = {
        key: read_yaml(f"{key}.yaml", shown[key].encode()) for key in ("calendars", "services", "webhooks")
    }
    assert load_calendars(documents["calendars"], "").keys() == {"office"}
    assert load_services(documents["services"]).services["balance"].tries == 2
    assert load_services(documents["webhooks"]).webhooks["crm"].events == ("FlowMessage", "ContactClosed")
    assert [problem for document in documents.values() for problem in document.problems] == []


EXAMPLES = sorted(path.name for path in (ROOT / "routing_rules" / "examples").iterdir() if path.is_dir())


@pytest.mark.parametrize("example", EXAMPLES)
def test_each_worked_example_of_routing_is_a_good_set(example: str, tmp_path: Path) -> None:
    """Copied over the shipped center it has no problem, not even a warning; and the table names it."""
    folder = ROOT / "routing_rules" / "examples"
    home = shipped_home(tmp_path)
    shutil.copytree(folder / example, home, dirs_exist_ok=True)
    definitions, problems = load_definitions(home)
    assert definitions is not None and problems == []
    assert f"| `{example}` |" in (folder / "README.md").read_text()
