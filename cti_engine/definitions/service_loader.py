"""config/services.yaml: HTTP services that flows may ask, and webhooks. Secrets are named here, never written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, get_args
from urllib.parse import SplitResult, urlsplit

from cti_engine.core.events import Event
from cti_engine.core.expressions.suggestion import did_you_mean
from cti_engine.core.expressions.values import BOOLEAN, NUMBER, TEXT
from cti_engine.core.services import AnswerValue, Secret, Service, Webhook
from cti_engine.definitions.problems import Path
from cti_engine.definitions.shapes import (
    IDENTIFIER,
    Duration,
    Flag,
    Key,
    Keys,
    Many,
    Number,
    Schema,
    Table,
    Text,
)
from cti_engine.definitions.yaml_source import Document, Node

TYPES = {"number": NUMBER, "text": TEXT, "boolean": BOOLEAN}
METHODS = ("GET", "POST")
URL = Text("an address such as https://crm.example/customers/{customer}", r"https?://[!-~]+")
ARGUMENT = re.compile(r"\{([^{}]*)\}")
HEADER = Text("the name of a header", r"[A-Za-z][A-Za-z0-9-]{0,63}")
OWN_HEADERS = ("host", "content-length", "content-type", "transfer-encoding", "connection", "accept-encoding")
SECRET = Keys(
    (
        Key("env", Text("the name of an environment variable", r"[A-Za-z_][A-Za-z0-9_]*"), "the variable it is in", ""),
        Key("file", Text(), "or the file whose first line it is, relative to CTI_HOME", ""),
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SecretShape:
    """`{env: NAME}` or `{file: PATH}`."""

    def read(self, document: Document, node: Node, path: Path) -> Secret:
        written = SECRET.read(document, node, path)
        if node.kind == "mapping" and bool(written["env"]) == bool(written["file"]):
            document.problem(path, "a secret has one place", "{env: NAME} or {file: PATH}")
        return Secret(written["env"], written["file"])

    def blank(self) -> Secret:
        return Secret()

    def schema(self) -> Schema:
        return SECRET.schema()


@dataclass(frozen=True, slots=True)
class HeaderValue:
    """A text, or where a secret is."""

    def read(self, document: Document, node: Node, path: Path) -> str | Secret:
        if node.kind == "mapping":
            return SecretShape().read(document, node, path)
        return Text("a text, {env: NAME} or {file: PATH}", r"[ -~]+").read(document, node, path)

    def blank(self) -> str:
        return ""

    def schema(self) -> Schema:
        return {"anyOf": [{"type": ["string", "number"]}, SECRET.schema()]}


ANSWER = Keys(
    (
        Key("path", Text("a path into the answer such as account.balance or orders.0.id", r"[\w-]+(\.[\w-]+)*"),
            "where it stands in the JSON answer"),
        Key("type", Text("a type", choices=tuple(TYPES)), "what it is; anything else is a bad answer", "text"),
        Key("optional", Flag(), "it may be missing", False),
    )
)  # fmt: skip
HEADERS = Key(
    "headers", Table(HeaderValue(), HEADER), "sent along; secrets as {env: NAME} or {file: PATH}", {}
)
PLAIN = Key("plain", Flag(), "http:// to another machine is meant: everybody on the way can read it", False)
SERVICE = Keys(
    (
        Key("url", URL, "whom to ask, with {argument} in path or query"),
        Key("method", Text("a method", choices=METHODS), "other arguments go into its query or JSON body", "GET"),
        Key("arguments", Many(IDENTIFIER), "what a flow has to give", ()),
        Key("sensitive", Many(IDENTIFIER), "of these what is neither logged nor told, such as a PIN", ()),
        HEADERS,
        Key("answer", Table(ANSWER, least=1), "what comes back, by the names that flows use"),
        Key("deadline", Duration(0.1, 30), "how long the caller waits for it, all tries together", 2.0),
        Key("tries", Number(1, 5), "how often it is asked; if not written 2 for GET, 1 for POST", None),
        Key("at_once", Number(1, 1000), "calls that ask at a time; more are refused", 20),
        PLAIN,
    )
)  # fmt: skip
EVENTS = tuple(sorted(event.__name__ for event in get_args(Event)))
WEBHOOK = Keys(
    (
        Key("url", URL, "where each event is posted to"),
        Key("events", Many(Text("an event", choices=EVENTS), 1), "which; FlowMessage is what `send` tells"),
        Key("secret", SecretShape(), "signs what is sent (HMAC-SHA256): {env: NAME} or {file: PATH}"),
        HEADERS,
        PLAIN,
    )
)
SERVICES = Keys(
    (
        Key("services", Table(SERVICE), "services that flows may ask, by name", {}),
        Key("webhooks", Table(WEBHOOK), "who outside is told of events, by name", {}),
    )
)


@dataclass(frozen=True, slots=True)
class Outside:
    services: dict[str, Service]
    webhooks: dict[str, Webhook]


def load_services(document: Document) -> Outside:
    written = SERVICES.read(document, document.root, ())
    return Outside(
        {id: _service(document, id, values) for id, values in written["services"].items()},
        {id: _webhook(document, id, values) for id, values in written["webhooks"].items()},
    )


def _webhook(document: Document, id: str, written: dict[str, Any]) -> Webhook:
    path: Path = ("webhooks", id)
    check_url(document, (*path, "url"), written["url"], written["plain"])
    check_headers(document, (*path, "headers"), written["headers"])
    if ARGUMENT.search(written["url"]):
        document.problem((*path, "url"), "a webhook's address has no arguments", "all is in the body")
    return Webhook(id, written["url"], written["events"], written["secret"], written["headers"])


def _service(document: Document, id: str, written: dict[str, Any]) -> Service:
    path: Path = ("services", id)
    in_url = ARGUMENT.findall(written["url"])
    check_url(document, (*path, "url"), written["url"], written["plain"])
    check_headers(document, (*path, "headers"), written["headers"])
    for name in in_url:
        if name not in written["arguments"]:
            hint = did_you_mean(name, written["arguments"]) or f"arguments: [{name}]"
            document.problem((*path, "url"), f"{{{name}}} is not an argument", hint)
    for index, name in enumerate(written["sensitive"]):
        if name and name not in written["arguments"] and name not in written["answer"]:
            hint = did_you_mean(name, (*written["arguments"], *written["answer"]))
            document.problem((*path, "sensitive", index), f"{name} is neither argument nor answer", hint)
        elif name in in_url or (name in written["arguments"] and written["method"] == "GET"):
            text = f"{name} would stand in the address, which servers write into their logs"
            document.problem((*path, "sensitive", index), text, "method: POST, and not in the url")
    answer = {
        name: AnswerValue(
            tuple(values["path"].split(".")), TYPES.get(values["type"], TEXT), values["optional"]
        )
        for name, values in written["answer"].items()
    }
    tries = written["tries"] or (2 if written["method"] == "GET" else 1)
    return Service(
        id, written["url"], written["method"], written["arguments"], answer, written["headers"],
        written["sensitive"], written["deadline"], tries, written["at_once"],
    )  # fmt: skip


def check_url(document: Document, path: Path, url: str, plain: bool) -> None:
    """Encrypted unless it stays on this machine; no secrets, and no arguments before the path."""
    if not url:
        return
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        document.problem(path, f"{url} is no address: {error}")
        return
    if "@" in parts.netloc:
        document.problem(path, "a password does not belong here", "headers: {Authorization: {env: NAME}}")
    elif not host or ARGUMENT.search(parts.netloc) or parts.fragment:
        document.problem(path, f"{url} is no address of a service", "https://HOST/PATH{argument}")
    elif not _private(parts) and not plain:
        document.problem(
            path, "everybody on the way could read it", "https://, or plain: true if that is meant"
        )


def _private(parts: SplitResult) -> bool:
    if parts.scheme == "https" or parts.hostname == "localhost":
        return True
    try:
        return ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def check_headers(document: Document, path: Path, headers: dict[str, str | Secret]) -> None:
    for name in headers:
        if name.lower() in OWN_HEADERS:
            document.key_problem((*path, name), f"{name} is set by the engine itself", "delete this line")
