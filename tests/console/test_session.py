"""Log in and out: passwords, limits, cookies, CSRF, origin, headers."""

from __future__ import annotations

import sqlite3

import aiohttp
import pytest
from yarl import URL

from tests.console.world import ConsoleProcess, Person

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_right_password_opens_a_session(person: Person) -> None:
    """The right password gives a session; `/api/me` then tells role, permissions and the admin's labels."""
    await person.log_in("maria")
    status, me = await person.get("/api/me")
    assert status == 200
    assert (me["user"], me["role"], me["display"], me["agent"]) == ("maria", "agent", "María López", "maria")
    assert me["permissions"] == ["take_calls"]
    assert me["labels"]["not_ready_reasons"]["lunch"] == {"en": "Lunch", "es": "Comida"}
    assert list(me["labels"]["dispositions"]) == ["sale", "question", "call_again", "complaint"]


async def test_wrong_password_says_nothing_more(person: Person) -> None:
    """A wrong password, an unknown user and an account without pages (with its SIP password) get the same answer."""
    tries = [("maria", "wrong"), ("nobody", "wrong"), ("", ""), ("maria", "x" * 5000), ("ma\x00ria", "x")]
    for user, password in [*tries, ("caller", person.console.passwords["caller"])]:
        status, answer = await person.post("/api/session", json={"user": user, "password": password})
        assert status == 401
        assert answer == {"error": {"code": "wrong_credentials", "text": "user or password is wrong"}}


async def test_sixth_try_is_refused_even_with_the_right_password(person: Person) -> None:
    """Five wrong passwords in a minute close the door for this user and address, with Retry-After."""
    for _ in range(5):
        status, _ = await person.post("/api/session", json={"user": "maria", "password": "guess"})
        assert status == 401
    body = {"user": "maria", "password": person.console.passwords["maria"]}
    async with person.http.post("/api/session", json=body) as response:
        assert response.status == 429
        assert 1 <= int(response.headers["Retry-After"]) <= 60
        assert (await response.json())["error"]["code"] == "too_many"
    await person.log_in("john")


async def test_malformed_log_in_is_a_clear_error(person: Person) -> None:
    """A body that is no log-in is told so, without a traceback; one of a megabyte is not read."""
    as_json = {"Content-Type": "application/json"}
    for body in (b"", b"[]", b"{", b"\xff", b'{"user": 1, "password": "x"}', b'{"user": "maria"}'):
        status, answer = await person.post("/api/session", data=body, headers=as_json)
        assert status == 400
        assert answer["error"]["code"] == "bad_request"
    assert (await person.post("/api/session", data=b"{}"))[0] == 415
    status, answer = await person.post("/api/session", data=b"x" * 1_000_000, headers=as_json)
    assert status == 413
    assert answer["error"]["code"] == "request_entity_too_large"


async def test_cookie_cannot_be_read_or_sent_by_others(person: Person) -> None:
    """The cookie is HttpOnly and SameSite=Strict, and only its hash is kept in the file."""
    body = {"user": "maria", "password": person.console.passwords["maria"]}
    async with person.http.post("/api/session", json=body) as response:
        cookie = response.cookies["cti_session"]
        header = response.headers["Set-Cookie"]
    assert "HttpOnly" in header and "SameSite=Strict" in header
    with sqlite3.connect(person.console.config.sessions_db) as db:
        stored = db.execute("SELECT * FROM sessions").fetchall()
    assert len(stored) == 1
    assert cookie.value not in repr(stored)


async def test_log_out_ends_the_session(maria: Person) -> None:
    """After logging out the old cookie is worth nothing, and open pages are told at once."""
    cookies = {"cti_session": next(iter(maria.http.cookie_jar)).value}
    async with maria.page() as page:
        await page.until("snapshot")
        status, _ = await maria.delete("/api/session")
        assert status == 200
        assert await page.sent_away() == 4401
    url = f"{maria.console.url}/api/me"
    async with aiohttp.ClientSession(cookies=cookies) as thief, thief.get(url) as response:
        assert response.status == 401


async def test_post_needs_csrf_token_and_origin(maria: Person) -> None:
    """A change needs the page's token and our own origin; neither alone is enough."""
    status, answer = await maria.delete("/api/session", headers={"X-CSRF-Token": "guess"})
    assert (status, answer["error"]["code"]) == (403, "wrong_csrf_token")
    status, answer = await maria.delete("/api/session", headers={"Origin": "http://evil.example"})
    assert (status, answer["error"]["code"]) == (403, "wrong_origin")
    status, _ = await maria.get("/api/me")
    assert status == 200


async def test_websocket_of_another_origin_is_refused(maria: Person) -> None:
    """A page of another site cannot open the live feed with our cookie."""
    for origin in ("http://evil.example", "null", ""):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await maria.http.ws_connect("/live", headers={"Origin": origin})
        assert refused.value.status == 403


async def test_websocket_needs_a_session(person: Person) -> None:
    """Nobody hears anything without logging in."""
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await person.http.ws_connect("/live")
    assert refused.value.status == 401


async def test_security_headers_on_every_answer(person: Person) -> None:
    """Pages, files, answers and errors carry the policy; it allows no inline script or style."""
    for path in ("/", "/static/js/app.js", "/api/me", "/healthz", "/nowhere"):
        async with person.http.get(path) as response:
            policy = response.headers["Content-Security-Policy"]
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["X-Frame-Options"] == "DENY"
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy


async def test_only_static_files_are_served(person: Person) -> None:
    """No path leads out of the static folder, and folders are not listed."""
    for path in ("/static/../config.py", "/static/%2e%2e/config.py", "/static//etc/passwd", "/static/"):
        url = URL(f"{person.console.url}{path}", encoded=True)
        async with aiohttp.ClientSession() as http, http.get(url) as response:
            assert response.status in (403, 404)
            assert "error" in await response.json()


async def test_disabled_account_is_out(maria: Person) -> None:
    """Disabling an account ends what it can do with its old session."""
    maria.console.disable("maria")
    status, answer = await maria.get("/api/me")
    assert (status, answer["error"]["code"]) == (401, "logged_out")


async def test_session_survives_a_restart_of_the_console(maria: Person, console: ConsoleProcess) -> None:
    """Nobody has to log in again because the console was started again."""
    assert await console.stop() == 0
    await console.start()
    status, me = await maria.get("/api/me")
    assert (status, me["user"]) == (200, "maria")


async def test_page_without_hello_is_closed(maria: Person) -> None:
    """A WebSocket that does not speak our language is closed, with a reason."""
    for words in ("hello", '{"type": "ask", "id": "1", "name": "Ready"}', '{"type": "hello", "since": "x"}'):
        async with maria.http.ws_connect("/live") as socket:
            await socket.send_str(words)
            closed = await socket.receive(timeout=5)
            assert (closed.type, closed.data) == (aiohttp.WSMsgType.CLOSE, 1008)


async def test_nonsense_from_a_page_closes_only_that_page(maria: Person) -> None:
    """A page that sends nonsense goes; the other one of the same agent stays."""
    async with maria.page() as good, maria.page() as bad:
        await good.until("snapshot")
        await bad.until("snapshot")
        await bad.socket.send_str('{"type": "no such thing"}')
        assert await bad.sent_away() == 1008
        reply = await good.ask("NoSuchRequest")
        assert reply["error"]["code"] == "unknown_request"
