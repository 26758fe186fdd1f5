"""Who may do what: each role and nobody, for oneself and for another agent, by every request and every REST route.

The wire's catalogue and the routes of the application are the lists; what is allowed is written here by hand, so that a
new request or route without a line here fails.
"""

from __future__ import annotations

from contextlib import closing

import aiohttp
import pytest

from agent_console.routes import application
from agent_console.wire_types import BODIES
from cti_engine.adapters.customer_schema import open_customers
from cti_engine.wire.catalogue import REQUESTS, ROLES, Permission
from tests.console.stand_in_engine import StandInEngine
from tests.console.world import ConsoleProcess, Person, agent

in_the_loop = pytest.mark.asyncio(loop_scope="session")

PEOPLE = {"agent": "maria", "supervisor": "supervisor", "admin": "admin"}
"""Role to a user of that role. Who takes no calls (`site`) has no password for pages."""
REFUSED = ("forbidden", "unknown_request")
ALL, STEERING, ADMIN, NONE = {*PEOPLE}, {"supervisor", "admin"}, {"admin"}, set[str]()

MAY_ASK: dict[str, tuple[set[str], set[str]]] = {
    "Ready": (ALL, STEERING),
    "NotReady": (ALL, STEERING),
    "LogOut": (ALL, STEERING),
    "HangUp": (ALL, STEERING),
    "Hold": (ALL, NONE),
    "Mute": (ALL, NONE),
    "SendDigits": (ALL, NONE),
    "PauseRecording": (ALL, NONE),
    "Transfer": (ALL, NONE),
    "Consult": (ALL, NONE),
    "CompleteTransfer": (ALL, NONE),
    "JoinCall": (ALL, NONE),
    "CancelConsult": (ALL, NONE),
    "DropParty": (ALL, NONE),
    "ReturnToQueue": (ALL, NONE),
    "Park": (ALL, NONE),
    "PickUpParked": (ALL, NONE),
    "Escalate": (ALL, NONE),
    "ListTargets": (ALL, NONE),
    "ScheduleCallback": (ALL, STEERING),
    "MoveCallback": (ALL, STEERING),
    "CancelCallback": (ALL, STEERING),
    "ListCallbacks": (ALL, STEERING),
    "Monitor": (STEERING, NONE),
    "MonitorMode": (STEERING, NONE),
    "EndMonitor": (STEERING, NONE),
    "TakeOver": (STEERING, NONE),
    "Accept": (ALL, NONE),
    "AnswerHint": (ALL, NONE),
    "Dial": (ALL, NONE),
    "OfferShown": (ALL, NONE),
    "SubmitDisposition": (ALL, NONE),
    "Grant": (ALL, NONE),
    "AnswerGuide": (ALL, NONE),
    "CallCampaignCustomer": (STEERING, NONE),
    "DecideGrant": (STEERING, NONE),
    "Explain": (STEERING, STEERING),
    "ListWaiting": (STEERING, STEERING),
    "CallMe": (ADMIN, ADMIN),
    "PageOpened": (NONE, NONE),  # told by the console, never by a page
    "PageClosed": (NONE, NONE),
    "ConnectPhone": (ALL, NONE),
    "DisconnectPhone": (ALL, NONE),
    "AnswerPhone": (ALL, NONE),
    "HangUpPhone": (ALL, NONE),
    "TestEcho": (ALL, NONE),
}
"""Request to the roles that may ask it in their own name, and in another agent's."""

OWN, OTHERS = "own", "others"
MAY_READ: dict[str, tuple[str, dict[str, set[str]]]] = {
    "GET /api/me": ("/api/me", {OWN: ALL}),
    "GET /api/state": ("/api/state", {OWN: ALL}),  # test_live: who sees what of it
    "GET /api/events": ("/api/events?since=0", {OWN: ALL}),
    "GET /api/history": ("/api/history?agent={agent}", {OWN: ALL, OTHERS: STEERING}),
    "GET /api/my-day": ("/api/my-day?agent={agent}", {OWN: ALL, OTHERS: STEERING}),
    "GET /api/retention": ("/api/retention", {OWN: STEERING}),
    "GET /api/surveys": ("/api/surveys?days=7&weighted=true", {OWN: STEERING}),
    "GET /api/surveys/comments": ("/api/surveys/comments", {OWN: STEERING}),
    "GET /api/surveys/comments/{contact}/{question}": ("/api/surveys/comments/c-1/comment", {OWN: STEERING}),
    "GET /api/colleagues": ("/api/colleagues", {OWN: ALL}),
    "GET /api/cases": ("/api/cases?text=router", {OWN: ALL}),
    "GET /api/message/{contact}": ("/api/message/c-{agent}", {OWN: ALL, OTHERS: NONE}),
    "GET /api/queues/{queue}/waiting": ("/api/queues/sales_es/waiting", {OWN: STEERING}),
    "GET /api/contacts/{contact}/explanation": (
        "/api/contacts/c-{agent}/explanation",
        {OWN: STEERING, OTHERS: STEERING},
    ),
}
"""Route to a path of one's own and of another agent's, and the roles that may read them; nobody without a session."""
FOR_EVERYBODY = {
    "GET /", "GET /healthz", "GET /static", "GET /api/openapi.json", "POST /api/session", "POST /api/sessions",
}  # fmt: skip
BY_REST = {f"POST /api/requests/{name}" for name in BODIES}
"""Requests, asked by the same `Asking` as those of a page: what is allowed there is allowed here."""
WITH_THEIR_OWN_TESTS = {
    "DELETE /api/session",  # test_session: one's own session, by the token of its page
    "GET /live",  # test_session, test_live
    "GET /api/tickets", "POST /api/tickets", "GET /api/tickets/{ticket}", "POST /api/tickets/{ticket}/changes",
    # test_tickets
    "GET /api/customers/{customer}", "GET /api/customers/{customer}/export", "POST /api/customers/{customer}/erase",
    "GET /api/rights", "GET /api/doubles", "GET /api/merges", "POST /api/merges", "POST /api/merges/{merge}/undo",
    # test_customer_rights
    "POST /api/call-me", "GET /api/call-me/{id}", "OPTIONS /api/call-me", "OPTIONS /api/call-me/{id}",  # test_call_me
}  # fmt: skip


def test_every_request_has_a_line() -> None:
    """A request that is new in the catalogue says here who may ask it."""
    assert MAY_ASK.keys() == REQUESTS.keys()


def test_every_route_has_a_line() -> None:
    """A route that is new says here who may use it."""
    routes = {
        f"{route.method} {route.resource.canonical}"
        for route in application().router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    assert routes - BY_REST == MAY_READ.keys() | FOR_EVERYBODY | WITH_THEIR_OWN_TESTS
    assert routes >= BY_REST


def test_every_permission_of_every_role() -> None:
    """What each role may do, in one place, as it was decided."""
    may = {role: sorted(permissions) for role, permissions in ROLES.items()}
    assert may == {
        "agent": ["take_calls"],
        "supervisor": [
            "merge_customers",
            "monitor_calls",
            "read_records",
            "steer_agents",
            "take_calls",
            "watch_center",
        ],
        "admin": sorted(Permission),
        "site": ["call_me"],
    }


@in_the_loop
@pytest.mark.parametrize("role", PEOPLE)
async def test_requests(running: tuple[StandInEngine, ConsoleProcess], role: str) -> None:
    """Every request in one's own name and in john's: what is not permitted is refused by the console, and the engine
    does not hear of it.
    """
    engine, console = running
    engine.requests.clear()
    person = Person(console)
    await person.log_in(PEOPLE[role])
    refused = set[tuple[str, str]]()
    async with person.page() as page:
        await page.until("snapshot", engine=True)
        for name, lines in MAY_ASK.items():
            for for_agent, may in zip((PEOPLE[role], "john"), lines, strict=True):
                reply = await page.ask(name, agent=for_agent, contact="c-1", args={})
                code = "" if reply["ok"] else reply["error"]["code"]
                assert (code in REFUSED) == (role not in may), f"{name} by {role} for {for_agent}: {reply}"
                if code in REFUSED:
                    refused.add((name, for_agent))
        await page.ask("Ready")  # whatever was sent before has been heard
    heard = {(request.name, request.args.get("agent", PEOPLE[role])) for _, request in engine.requests}
    assert not heard & refused
    await person.close()


@in_the_loop
@pytest.mark.parametrize("role", PEOPLE)
async def test_routes(running: tuple[StandInEngine, ConsoleProcess], role: str) -> None:
    """Every route for what is one's own and what is john's; a message is for whoever has it on the desk."""
    engine, console = running
    folder = console.folder / "recordings"
    folder.mkdir(exist_ok=True)
    (folder / "m.wav").write_bytes(b"RIFF")
    with closing(open_customers(console.folder / "customers.db")) as database, database.writing() as db:
        db.run(
            "INSERT INTO surveys VALUES('', 1, 'c-1', 'survey', 'comment', '', NULL, 'john', 'sales_es', 0, 'm.wav', 2)"
        )
    for user in (PEOPLE[role], "john"):
        await engine.shows(agent(user, state="ringing", contact=f"c-{user}", offer={"message": "m.wav"}))
    person = Person(console)
    await person.log_in(PEOPLE[role])
    async with person.page() as page:
        await page.until("snapshot", engine=True)
        await page.ask("Ready")  # what was published before has arrived
    for name, (path, allowed) in MAY_READ.items():
        for whose, may in allowed.items():
            url = path.format(agent=PEOPLE[role] if whose == OWN else "john")
            async with person.http.get(url) as response:
                assert (response.status == 200) == (role in may), (
                    f"{name} {whose} by {role}: {response.status}"
                )
    await person.close()


@in_the_loop
async def test_nobody(running: tuple[StandInEngine, ConsoleProcess]) -> None:
    """Without a session: 401 from every route, and no WebSocket."""
    _, console = running
    nobody = Person(console)
    for path, _ in MAY_READ.values():
        status, answer = await nobody.get(path.format(agent="maria"))
        assert (status, answer["error"]["code"]) == (401, "logged_out"), path
    for name in BODIES:
        status, answer = await nobody.post(f"/api/requests/{name}", json={})
        assert (status, answer["error"]["code"]) == (401, "logged_out"), name
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await nobody.http.ws_connect("/live")
    await nobody.close()
