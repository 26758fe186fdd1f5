"""The demo's services as the shipped config/services.yaml asks them."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from cti_engine.core.commands import CallService
from cti_engine.core.services import Service
from cti_engine.core.signals import ServiceAnswered
from cti_engine.definitions.library import load_definitions
from cti_engine.runtime.demo.services import FILE, PORT, serving
from cti_engine.runtime.service_calls import ServiceCalls
from tests.definitions.homes import ROOT

Services = dict[str, Service]


@pytest.fixture
async def shipped() -> AsyncIterator[Services]:
    """The shipped services, at the port that was free here."""
    definitions, _ = load_definitions(ROOT)
    assert definitions is not None
    async with serving(ROOT, 0) as port:
        yield {
            name: replace(each, url=each.url.replace(f":{PORT}/", f":{port}/"))
            for name, each in definitions.services.items()
        }


async def ask(services: Services, name: str, **arguments: object) -> dict[str, object]:
    answered: asyncio.Future[ServiceAnswered] = asyncio.get_running_loop().create_future()
    calls = ServiceCalls(ROOT, answered.set_result)
    calls.start(CallService("c1", "q1", name, arguments, 5.0), services)
    answer = await asyncio.wait_for(answered, 10.0)
    await calls.close()
    assert answer.error == ""
    return answer.values


async def test_who_knows_the_pin_hears_balance_and_status(shipped: Services) -> None:
    """Both shipped services, as declared; an order without a date lacks it."""
    told = await ask(shipped, "balance", account="1001", pin="4711")
    assert told == {"accepted": True, "balance": 1250.5, "currency": "EUR"}
    told = await ask(shipped, "order_status", order="5001", pin="4711")
    assert told == {"accepted": True, "status": "shipped", "delivery": "2026-12-02"}
    told = await ask(shipped, "order_status", order="5002", pin="2468")
    assert told == {"accepted": True, "status": "preparing"}


async def test_a_wrong_pin_and_an_unknown_number_are_one_answer(shipped: Services) -> None:
    """Nobody learns which accounts there are, and it is an answer: no flow takes it for a service that is down."""
    for account, pin in (("1001", "0000"), ("9999", "4711"), ("", "")):
        assert await ask(shipped, "balance", account=account, pin=pin) == {"accepted": False}
    assert await ask(shipped, "order_status", order="5001", pin="é") == {"accepted": False}


async def test_a_file_with_faults_is_not_served(tmp_path: Path) -> None:
    """The problem is told with its line, and the PIN in it is not."""
    (tmp_path / "config").mkdir()
    shutil.copy(ROOT / FILE, tmp_path / FILE)
    text = (tmp_path / FILE).read_text(encoding="utf-8").replace('pin: "2468", b', 'pin: "24x8", b')
    (tmp_path / FILE).write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"demo_accounts.yaml:5: accounts.1002.pin: expected a PIN") as told:
        async with serving(tmp_path, 0):
            pass
    assert "24x8" not in str(told.value)
