"""The JSON Schemas beside the files: current, valid, and of one mind with the loader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from cti_engine.definitions.json_schema import FILES, schema_of, write_schemas
from tests.definitions.homes import BROKEN, ROOT

YAML = [
    path
    for folder in ("config", "ivr_flows", "routing_rules", "guides", "scenarios")
    for path in sorted((ROOT / folder).glob("*.yaml"))
]


def _named_in(path: Path) -> str:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    return str(path.parent / first.partition("$schema=./")[2])


@pytest.mark.parametrize("path", YAML, ids=lambda path: path.name)
def test_each_shipped_file_names_its_schema_and_fits_it(path: Path) -> None:
    """The first line tells an editor which schema to complete from; the file is valid under it."""
    schema = json.loads(Path(_named_in(path)).read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load(path.read_text(encoding="utf-8")), schema)


def test_the_schemas_in_the_tree_are_those_of_the_loader(tmp_path: Path) -> None:
    """A key added to a loader is in the schema too: run `write_schemas` when this fails."""
    write_schemas(tmp_path)
    for name in FILES:
        file = f"{name}.schema.json"
        assert (ROOT / file).read_text(encoding="utf-8") == (tmp_path / file).read_text(encoding="utf-8")


def _safe(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("ivr_flows/flow", "flow/ivr_flows/main_es.yaml"),
        ("ivr_flows/flow", "languages/ivr_flows/sorry.yaml"),
        ("routing_rules/queues", "rules/routing_rules/queues.yaml"),
        ("routing_rules/dialled_numbers", "languages/routing_rules/dialled_numbers.yaml"),
        ("config/agents", "people/config/agents.yaml"),
        ("config/attributes", "people/config/attributes.yaml"),
        ("config/dispositions", "people/config/dispositions.yaml"),
        ("config/engine", "settings/config/engine.yaml"),
        ("config/sip", "settings/config/sip.yaml"),
        ("config/speech", "settings/config/speech.yaml"),
    ],
)
def test_an_editor_underlines_the_broken_files(name: str, file: str) -> None:
    """What the loader refuses for its shape, the schema refuses as well."""
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(_safe(BROKEN / file), schema_of(name))
