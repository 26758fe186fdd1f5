"""REGISTER: digest, several contacts, expiry, what the engine is told, and what survives kill -9."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import sqlite3
import time
from pathlib import Path

import pytest

from cti_engine.adapters.account_store import Account, AccountStore, read_accounts_file
from cti_engine.core.signals import PhoneRegistered, PhoneUnregistered
from cti_engine.sip_edge.config import Limits
from cti_engine.wire.tokens import issue_token
from tests.phones.waiting import until
from tests.sip_edge.agent import Agent, authorization
from tests.sip_edge.running import REALM, SECRET, RunningEdge, running_edge, silence, write_accounts


def contacts(agent: Agent, values: list[str]) -> list[str]:
    """The URIs of Contact values."""
    return [found[1] for value in values if (found := re.search("<(.*?)>", value))]


async def test_a_phone_registers_and_leaves(tmp_path: Path) -> None:
    """200 with its contact; the engine is told of it, and of its leaving (Expires 0)."""
    async with running_edge(tmp_path) as edge:
        phone = await edge.agent("maria")
        answer = await phone.register("secret-m", expires=120)
        assert answer.code == 200
        assert contacts(phone, answer.headers.getlist("Contact")) == [phone.contact]
        await until(lambda: edge.engine.told, "PhoneRegistered")
        told = edge.engine.told[0]
        assert isinstance(told, PhoneRegistered)
        assert (told.user, told.contact) == ("maria", phone.contact)
        assert told.expires_in == pytest.approx(120, abs=1)
        assert (await phone.register("secret-m", expires=0)).headers.getlist("Contact") == []
        await until(lambda: PhoneUnregistered("maria") in edge.engine.told, "PhoneUnregistered")


async def test_sha_256_accounts_get_a_sha_256_challenge(tmp_path: Path) -> None:
    """One challenge, with the account's own algorithm (RFC 8760)."""
    async with running_edge(tmp_path) as edge:
        write_accounts(edge.config.accounts_db, {"clara": "pw"}, "sha-256")
        phone = await edge.agent("clara")
        assert (await phone.register("pw")).code == 200


async def test_an_account_made_by_the_engines_own_store_is_read(tmp_path: Path) -> None:
    """What adapters/account_store writes, with the password it prints, opens the registrar."""
    accounts = tmp_path / "made" / "accounts.db"
    store = AccountStore(accounts, REALM)
    store.ensure([Account("eva", "agent")])
    async with running_edge(tmp_path, accounts_db=accounts) as edge:
        passwords = {told.user: told.password for told in read_accounts_file(store.accounts_file)}
        phone = await edge.agent("eva")
        assert (await phone.register(passwords["eva"])).code == 200
    store.close()


async def test_wrong_passwords_and_unknown_users_look_alike(tmp_path: Path) -> None:
    """Both are challenged, then 403; nothing is registered and the engine hears nothing."""
    async with running_edge(tmp_path) as edge:
        for user in ("maria", "nobody"):
            phone = await edge.agent(user)
            assert (await phone.register("guess")).code == 403
        assert edge.engine.told == []


async def test_an_account_that_is_disabled_cannot_register(tmp_path: Path) -> None:
    """403 with the right password, within a second of the change in the file."""
    async with running_edge(tmp_path) as edge:
        phone = await edge.agent("maria")
        assert (await phone.register("secret-m")).code == 200
        with contextlib.closing(sqlite3.connect(edge.config.accounts_db)) as db, db:
            db.execute("UPDATE accounts SET disabled=1 WHERE user='maria'")
        end = time.monotonic() + 5
        while (await phone.register("secret-m")).code != 403:
            assert time.monotonic() < end
            await silence(0.1)


async def test_one_user_cannot_register_as_another(tmp_path: Path) -> None:
    """john's right credentials do not open maria's address of record."""
    async with running_edge(tmp_path) as edge:
        phone = await edge.agent("maria")
        uri = f"sip:127.0.0.1:{edge.port}"
        phone.send(phone.request("REGISTER", uri, to="<sip:maria@127.0.0.1>"))
        challenge = await phone.expect_response(401)
        answer = authorization(challenge.headers["WWW-Authenticate"], "REGISTER", uri, "john", "secret-j")
        phone.send(
            phone.request(
                "REGISTER", uri, to="<sip:maria@127.0.0.1>", cseq=2, headers=(("Authorization", answer),)
            )
        )
        assert (await phone.final("REGISTER")).code == 403


async def test_old_and_used_nonces_are_stale(tmp_path: Path) -> None:
    """An expired nonce, and a nonce count used for another request, get a challenge with stale=true."""
    async with running_edge(tmp_path, limits=Limits(nonce_life=1.0)) as edge:
        phone = await edge.agent("maria")
        uri = f"sip:127.0.0.1:{edge.port}"

        def ask(call_id: str, answer: str) -> None:
            headers = (("Authorization", answer),) if answer else ()
            data = phone.request(
                "REGISTER", uri, to="<sip:maria@127.0.0.1>", call_id=call_id, headers=headers
            )
            phone.send(data)

        ask("first", "")
        challenge = (await phone.expect_response(401)).headers["WWW-Authenticate"]
        answer = authorization(challenge, "REGISTER", uri, "maria", "secret-m")
        ask("first", answer)
        await phone.expect_response(200)
        ask("replayed", answer)
        assert "stale=true" in (await phone.expect_response(401)).headers["WWW-Authenticate"]
        higher = authorization(challenge, "REGISTER", uri, "maria", "secret-m", count=2)
        started = time.monotonic()
        await until(lambda: time.monotonic() - started > 2.1, "the nonce is old")
        ask("late", higher)
        assert "stale=true" in (await phone.expect_response(401)).headers["WWW-Authenticate"]


async def test_credentials_for_another_request_are_refused(tmp_path: Path) -> None:
    """The digest covers the Request-URI: credentials made for one destination open no other."""
    async with running_edge(tmp_path) as edge:
        phone = await edge.agent("maria")
        sent = phone.invite("1000")
        challenge = (await phone.expect_response(407)).headers["Proxy-Authenticate"]
        answer = authorization(challenge, "INVITE", f"sip:2000@127.0.0.1:{edge.port}", "maria", "secret-m")
        phone.invite("1000", call_id=sent.call_id, cseq=2, headers=(("Proxy-Authorization", answer),))
        assert (await phone.final("INVITE")).code == 400


async def test_several_phones_of_one_user(tmp_path: Path) -> None:
    """All are listed, the one that registered last is rung; `*` with Expires 0 takes them all away."""
    async with running_edge(tmp_path) as edge:
        desk = await edge.agent("maria")
        mobile = await edge.agent("maria", transport="tcp")
        await desk.register("secret-m")
        answer = await mobile.register("secret-m")
        assert contacts(mobile, answer.headers.getlist("Contact")) == [desk.contact, mobile.contact]
        worker = await edge.worker()
        token = issue_token(SECRET, "leg", "maria", time.time() + 30)
        worker.invite("maria", headers=(("X-CTI-Token", token),))
        await mobile.expect_request("INVITE")
        assert (await desk.register("secret-m", contact="*", expires=0)).code == 200
        await until(lambda: PhoneUnregistered("maria") in edge.engine.told, "PhoneUnregistered")


async def test_a_contact_star_needs_expires_0(tmp_path: Path) -> None:
    """RFC 3261 10.3 step 6: 400."""
    async with running_edge(tmp_path) as edge:
        phone = await edge.agent("maria")
        assert (await phone.register("secret-m", contact="*", expires=60)).code == 400


async def test_a_short_expiry_is_refused_and_a_long_one_cut(tmp_path: Path) -> None:
    """423 with Min-Expires; more than the maximum becomes the maximum."""
    async with running_edge(tmp_path, limits=Limits(min_expires=30, max_expires=600)) as edge:
        phone = await edge.agent("maria")
        refused = await phone.register("secret-m", expires=5)
        assert (refused.code, refused.headers["Min-Expires"]) == (423, "30")
        answer = await phone.register("secret-m", expires=86400)
        assert "expires=600" in answer.headers["Contact"]


async def test_a_registration_ends_by_itself(tmp_path: Path) -> None:
    """When its time is over the engine is told and calls to it get 480."""
    async with running_edge(tmp_path) as edge:
        phone = await edge.agent("maria")
        await phone.register("secret-m", expires=1)
        await until(lambda: PhoneUnregistered("maria") in edge.engine.told, "PhoneUnregistered")
        worker = await edge.worker()
        token = issue_token(SECRET, "leg", "maria", time.time() + 30)
        worker.invite("maria", headers=(("X-CTI-Token", token),))
        assert (await worker.final("INVITE")).code == 480


async def test_an_older_cseq_changes_nothing(tmp_path: Path) -> None:
    """RFC 3261 10.3 step 7: a REGISTER that was overtaken by a later one of the same phone fails."""
    async with running_edge(tmp_path) as edge:
        phone = await edge.agent("maria")
        await phone.register("secret-m", call_id="same", cseq=10)
        assert (await phone.register("secret-m", call_id="same", cseq=4, expires=0)).code == 500


async def test_behind_nat_the_phone_is_rung_where_it_was_heard(tmp_path: Path) -> None:
    """A private address in the Contact is kept as Request-URI but the INVITE goes to the packet's source."""
    async with running_edge(tmp_path) as edge:
        phone = await edge.agent("maria")
        await phone.register("secret-m", contact="sip:maria@192.168.1.77:5060;line=x1")
        worker = await edge.worker()
        token = issue_token(SECRET, "leg", "maria", time.time() + 30)
        worker.invite("maria", headers=(("X-CTI-Token", token),))
        received = await phone.expect_request("INVITE")
        assert str(received.uri) == "sip:maria@192.168.1.77:5060;line=x1"


async def kill_and_start(edge: RunningEdge) -> None:
    """kill -9, and a new edge on the same port and files."""
    assert edge.child is not None
    await edge.child.send(signal.SIGKILL)
    await edge.child.ended()
    await edge.start()


async def test_registrations_survive_kill_9(tmp_path: Path) -> None:
    """What was answered 200 is known to the next edge: the hello names the users, and the phone is rung."""
    async with running_edge(tmp_path) as edge:
        phone = await edge.agent("maria")
        gone = await edge.agent("john")
        await gone.register("secret-j")
        await gone.register("secret-j", expires=0)
        await phone.register("secret-m")
        await kill_and_start(edge)
        await until(lambda: len(edge.engine.hellos) == 2, "the second hello")
        assert edge.engine.hellos[1].kind == "edge"
        assert edge.engine.hellos[1].body == {"users": ["maria"]}
        worker = await edge.worker()
        token = issue_token(SECRET, "leg", "maria", time.time() + 30)
        worker.invite("maria", headers=(("X-CTI-Token", token),))
        await phone.expect_request("INVITE")


async def test_a_tcp_phone_is_reached_by_its_contact_after_kill_9(tmp_path: Path) -> None:
    """Its connection died with the edge; the new edge connects to where the Contact says it listens."""
    async with running_edge(tmp_path) as edge:
        phone = await edge.agent("maria", transport="tcp")
        calls: list[bytes] = []

        async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            calls.append(await reader.readuntil(b"\r\n\r\n"))
            writer.close()

        server = await asyncio.start_server(listen, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        await phone.register("secret-m", contact=f"sip:maria@127.0.0.1:{port};transport=tcp")
        await kill_and_start(edge)
        worker = await edge.worker()
        token = issue_token(SECRET, "leg", "maria", time.time() + 30)
        worker.invite("maria", headers=(("X-CTI-Token", token),))
        await until(lambda: calls, "the INVITE on a new connection")
        assert calls[0].startswith(b"INVITE sip:maria@127.0.0.1")
        server.close()
