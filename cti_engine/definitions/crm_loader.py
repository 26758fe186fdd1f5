"""config/crm.yaml: the CRM that is asked who calls. Without the file none is."""

from __future__ import annotations

from typing import Any

from cti_engine.core.customers.crm import LISTS, SINGLE, Crm, CrmList
from cti_engine.definitions.problems import Path, has_errors
from cti_engine.definitions.service_loader import ARGUMENT, HEADERS, PLAIN, URL, check_headers, check_url
from cti_engine.definitions.shapes import Duration, Key, Keys, Number, Text
from cti_engine.definitions.yaml_source import Document

PATH = Text("a path into the answer such as account.tier or phones.0.number", r"[\w-]+(\.[\w-]+)*")


def _paths(names: object) -> Keys:
    return Keys(tuple(Key(name, PATH, "where it stands", "") for name in names))  # type: ignore[attr-defined]


def _list(parts: object) -> Keys:
    return Keys(
        (
            Key("path", PATH, "where the list stands in the JSON answer"),
            Key("items", _paths(parts), "where each part stands in a row of it"),
        )
    )


CRM = Keys(
    (
        Key("url", URL, "whom to ask, with {number} (E.164) in path or query"),
        HEADERS,
        Key("deadline", Duration(0.1, 30), "how long the page waits; a call waits for its look-up's time only", 3.0),
        Key("cache", Duration(0, 86_400), "how long an answer holds; 0s: ask each time", 300.0),
        Key("at_once", Number(1, 1000), "questions at a time; more are left out", 20),
        Key("fields", _paths(SINGLE), "what a profile has once", _paths(SINGLE).blank()),
        Key("lists", Keys(tuple(Key(name, _list(parts), "rows of a list", None) for name, parts in LISTS.items())),
            "what it has many of", {}),
        PLAIN,
    )
)  # fmt: skip
CRM_FILE = Keys((Key("crm", CRM, "the CRM that is asked who calls", None),))


def load_crm(document: Document) -> Crm | None:
    """None where no CRM is written, or it has errors."""
    written = CRM_FILE.read(document, document.root, ())["crm"]
    if written is None:
        return None
    path: Path = ("crm",)
    check_url(document, (*path, "url"), written["url"], written["plain"])
    check_headers(document, (*path, "headers"), written["headers"])
    if written["url"] and ARGUMENT.findall(written["url"]) != ["number"]:
        document.problem(
            (*path, "url"), "it has to say {number} once", "https://HOST/contacts?phone={number}"
        )
    lists = {name: _crm_list(rows) for name, rows in (written["lists"] or {}).items() if rows}
    fields = {name: tuple(where.split(".")) for name, where in written["fields"].items() if where}
    if not lists and not fields:
        document.problem(path, "nothing of its answer is taken", "fields: {name: full_name}")
    if has_errors(document.problems):
        return None
    return Crm(
        "crm", written["url"], "GET", ("number",), {}, written["headers"], ("number",), written["deadline"], 1,
        written["at_once"], fields, lists, written["cache"],
    )  # fmt: skip


def _crm_list(written: dict[str, Any]) -> CrmList:
    parts = {name: tuple(where.split(".")) for name, where in written["items"].items() if where}
    return CrmList(tuple(written["path"].split(".")), parts)
