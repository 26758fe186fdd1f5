"""What console tests stand on: a mosquitto child, accounts, a console child, and the people who log in."""

from __future__ import annotations

import asyncio
import functools
import json
import pickle
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
from argon2 import PasswordHasher

from agent_console.config import ConsoleConfig
from cti_engine.adapters.account_store import Account, AccountStore
from cti_engine.core import events as ev
from cti_engine.core.views import AgentView, QueueView
from tests.phones.child import Child
from tests.phones.ports import free_port
from tests.phones.waiting import until

ROOT = Path(__file__).parents[2]
PEOPLE = (
    Account("maria", "agent", "María López"),
    Account("john", "agent", "John Smith"),
    Account("supervisor", "supervisor", "Supervisor"),
    Account("admin", "admin", "Admin"),
    Account("caller", "caller", "Test caller"),
)
_HOME = {
    "config/agents.yaml": """
        agents:
          maria: {name: María López}
          john: {name: John Smith}
        not_ready_reasons:
          lunch: {en: Lunch, es: Comida}
          training: {en: Training, es: Formación}
          paperwork: {en: Paperwork, es: Papeleo}
        """,
    "config/dispositions.yaml": """
        dispositions:
          sale: {en: Sale, es: Venta}
          question: {en: Question answered, es: Consulta resuelta}
          call_again: {en: Call again, es: Volver a llamar}
          complaint: {en: Complaint, es: Queja}
        """,
    "config/tickets.yaml": """
        categories:
          complaint: {label: {en: Complaint, es: Reclamación}, priority: 1}
          fault: {label: {en: Fault, es: Avería}, priority: 2}
        priorities:
          "1": {en: Urgent, es: Urgente}
          "2": {en: Normal, es: Normal}
        due: [{segments: gold, within: 2h}, {priorities: 1, within: 4h}, {within: 8h}]
        ladder: [{untaken: 1m, to: supervisor}, {at: 100, to: owner}, {at: 100, to: supervisor}]
        """,
    "routing_rules/queues.yaml": """
        queues:
          sales_es: {name: Ventas, members: [maria]}
          support_en: {name: Support, members: [john]}
        """,
    "routing_rules/dialled_numbers.yaml": """
        dialled_numbers:
          "1000": {flow: main, language: es}
        """,
    "ivr_flows/main.yaml": """
        flow: main
        languages: [es]
        start: sales
        steps:
          sales: {enqueue: {queue: sales_es}}
        """,
}


def write_home(home: Path) -> None:
    """A small set of admin's files, good as it is."""
    for name, text in _HOME.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = text.strip("\n").splitlines()
        path.write_text("\n".join(line[8:] for line in lines) + "\n", encoding="utf-8")


@dataclass(slots=True)
class Broker:
    """A mosquitto child, with one user, that may be stopped and started again on its port."""

    folder: Path
    port: int = field(default_factory=free_port)
    child: Child | None = None

    async def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "mosquitto.conf"
        config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\npersistence false\n"
        )
        self.child = await Child(["mosquitto", "-c", str(config)], self.folder, name="mosquitto").start()
        await self.child.logged(r"running", within=10.0)

    async def stop(self) -> None:
        if self.child is not None:
            await self.child.stop()


class ConsoleProcess:
    """A console child; `stop` and `start` again keep its port and sessions."""

    def __init__(self, folder: Path, broker: Broker, **settings: Any) -> None:
        self.folder = folder
        self.passwords = _make_accounts(folder / "accounts.db")
        write_home(folder / "home")
        self.config = replace(
            ConsoleConfig(
                accounts_db=folder / "accounts.db",
                sessions_db=folder / "sessions.db",
                home=folder / "home",
                customers_url=f"sqlite:{folder / 'customers.db'}",
                recordings=folder / "recordings",
                store_url=f"sqlite:{folder / 'engine.db'}",
                broker_url=f"mqtt://127.0.0.1:{broker.port}",
                port=free_port(),
                ready_file=folder / "console.json",
            ),
            **settings,
        )
        self.child: Child | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.config.port}"

    async def start(self) -> None:
        file = self.folder / "config.pickle"
        file.write_bytes(pickle.dumps(self.config))
        ready = self.config.ready_file
        assert ready is not None
        ready.unlink(missing_ok=True)
        argv = [sys.executable, "-m", "tests.console.serve", str(file)]
        self.child = await Child(argv, self.folder, name="console", env={"PYTHONPATH": str(ROOT)}).start()
        child = self.child

        def is_ready() -> bool:
            assert child.exit_code is None, child.log()
            return ready.exists()

        await until(is_ready, "the console's ready file", within=20.0)
        assert json.loads(ready.read_text())["console_port"] == self.config.port

    async def knows_engine(self) -> None:
        """Its news comes over the broker: until then whatever is asked of the engine is told to be unknown."""
        async with aiohttp.ClientSession(self.url) as http, asyncio.timeout(20):
            while True:
                async with http.get("/healthz") as response:
                    if (await response.json())["engine"]:
                        return
                await asyncio.sleep(0.01)

    async def stop(self) -> int:
        assert self.child is not None
        return await self.child.stop()

    def disable(self, user: str) -> None:
        """As the engine does for an admin."""
        store = AccountStore(self.config.accounts_db, "test")
        store.disable(user)
        store.close()


def _make_accounts(path: Path) -> dict[str, str]:
    content, passwords = _accounts()
    path.write_bytes(content)
    return dict(passwords)


@functools.cache
def _accounts() -> tuple[bytes, dict[str, str]]:
    """accounts.db and its passwords, made once in a run. Verifying reads the cost from each hash: the least will do."""
    with tempfile.TemporaryDirectory(prefix="cti-accounts-") as folder:
        path = Path(folder) / "accounts.db"
        store = AccountStore(path, "test")
        store._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        passwords = dict(store.ensure(PEOPLE))
        store.close()
        return path.read_bytes(), passwords


class Person:
    """Somebody with a browser's cookie jar, but without a browser."""

    def __init__(self, console: ConsoleProcess) -> None:
        self.console = console
        self.http = aiohttp.ClientSession(
            console.url, headers={"Origin": console.url}, cookie_jar=aiohttp.CookieJar(unsafe=True)
        )
        self.csrf = ""

    async def post(self, path: str, **kwargs: Any) -> tuple[int, dict[str, Any]]:
        return await self._ask("POST", path, **kwargs)

    async def get(self, path: str, **kwargs: Any) -> tuple[int, dict[str, Any]]:
        return await self._ask("GET", path, **kwargs)

    async def delete(self, path: str, **kwargs: Any) -> tuple[int, dict[str, Any]]:
        return await self._ask("DELETE", path, **kwargs)

    async def _ask(self, method: str, path: str, **kwargs: Any) -> tuple[int, dict[str, Any]]:
        headers = {"X-CSRF-Token": self.csrf, **kwargs.pop("headers", {})}
        async with self.http.request(method, path, headers=headers, **kwargs) as response:
            return response.status, await response.json()

    async def log_in(self, user: str) -> dict[str, Any]:
        body = {"user": user, "password": self.console.passwords[user]}
        status, me = await self.post("/api/session", json=body)
        assert status == 200, me
        self.csrf = me["csrf"]
        return me

    @asynccontextmanager
    async def page(self, since: int | None = None) -> AsyncIterator[Page]:
        """An open page that has said hello."""
        async with self.http.ws_connect("/live") as socket:
            await socket.send_json({"type": "hello", "since": since})
            yield Page(socket)

    async def close(self) -> None:
        await self.http.close()


class Page:
    """The other end of `/live`; what was read stays in `seen`."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.seen: list[dict[str, Any]] = []

    async def until(self, type_: str, **fields: Any) -> dict[str, Any]:
        """Read on until a message of this type with these fields."""
        while True:
            message = await self.socket.receive(timeout=15.0)
            assert message.type is aiohttp.WSMsgType.TEXT, f"{message} instead of {type_} {fields}"
            said: dict[str, Any] = json.loads(message.data)
            self.seen.append(said)
            if said["type"] == type_ and all(said.get(name) == value for name, value in fields.items()):
                return said

    async def sent_away(self) -> int:
        """Read on until the console closes the page, with this code."""
        while (message := await self.socket.receive(timeout=5.0)).type is aiohttp.WSMsgType.TEXT:
            pass
        assert message.type is aiohttp.WSMsgType.CLOSE, message
        return int(message.data)

    async def ask(self, name: str, **fields: Any) -> dict[str, Any]:
        """Ask the engine and give its reply."""
        id_ = secrets.token_hex(4)
        await self.socket.send_json({"type": "ask", "id": id_, "name": name, **fields})
        return await self.until("reply", id=id_)

    def events(self) -> list[int]:
        return [said["seq"] for said in self.seen if said["type"] == "event"]


def agent(agent: str = "maria", **fields: Any) -> AgentView:
    """An agent who is ready and idle."""
    view = AgentView(
        agent=agent,
        name={"maria": "María López", "john": "John Smith"}.get(agent, agent),
        status="ready",
        reason="",
        state="idle",
        since_at=time.time() - 30,
        phone=True,
        queues=("sales_es",),
        state_version=7,
    )
    return replace(view, **fields)


def queue(queue: str = "sales_es", **fields: Any) -> QueueView:
    """A queue in which nobody waits."""
    view = QueueView(
        queue=queue,
        name={"sales_es": "Ventas", "support_en": "Support"}.get(queue, queue),
        waiting=0,
        oldest_at=0.0,
        agents_ready=1,
        agents_logged_in=2,
        offered=20,
        answered=18,
        abandoned=2,
        flowed_out=0,
        in_time=17,
        service_level=0.85,
        target=0.8,
        threshold=20.0,
        ewt_p50=42.0,
        ewt_p80=125.0,
    )
    return replace(view, **fields)


def offer(agent: str = "maria", contact: str = "c-1", **fields: Any) -> ev.CallOffered:
    """A call of somebody we know."""
    event = ev.CallOffered(
        contact=contact,
        offer=f"offer-{contact}",
        agent=agent,
        number="+34600123456",
        name="Carmen Ruiz",
        segment="gold",
        language="es",
        queue="sales_es",
        waited_s=42.0,
        path=("ventas", "portátiles"),
        contacts=(
            {
                "at": time.time() - 86400 * 3,
                "queue": "sales_es",
                "disposition": "question",
                "note": "Asked for a quote",
            },
            {
                "at": time.time() - 86400 * 20,
                "queue": "support_en",
                "disposition": "complaint",
                "note": "Late delivery",
            },
        ),
    )
    return replace(event, **fields)
