"""The agent's page in a real Chromium as the phone, in a whole center: devices, tabs, trouble with the line."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import expect

from cti_engine.wire.tasks import spawn
from tests.browser.axe import findings
from tests.browser.pages import contact, log_in, open_page
from tests.core.test_line_quality import SCORES
from tests.e2e.who_hears import hears_only
from tests.e2e.world import AGENT_HZ, CALLER_HZ, Center
from tests.webrtc_gateway.browser_desk import (
    choose_browser,
    chromium,
    connected,
    desk,
    page_hears,
    phone,
    ready_in_browser,
    says,
)

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]


async def test_keys_answer_and_the_gateway_dies(center: Center) -> None:
    """Alt+A answers. A gateway killed in mid-call is back by itself: the page connects anew and both hear each other
    within seconds, without a hand on the page and without another ring."""
    async with chromium(*says(center, AGENT_HZ)) as browser:
        page = await desk(center, browser)
        await ready_in_browser(page)
        caller = await center.caller()
        await caller.dial(center.number("3000"))
        await expect(page.get_by_role("button", name="Decline")).to_be_visible(timeout=15_000)
        await page.keyboard.press("Alt+a")
        await expect(contact(page)).to_contain_text("Talking", timeout=10_000)
        await page_hears(page, CALLER_HZ)
        killed = center.kill("gateway")
        await center.back("gateway", killed)
        await page_hears(page, CALLER_HZ)
        await hears_only(caller, AGENT_HZ)
        await caller.hang_up()
        await page.get_by_role("radio").first.check()
        await page.get_by_role("button", name="Finish").click()
        assert (await center.cdr())["cause"] == "caller/hang_up"
        assert len(center.events("AgentDialled")) == 1


async def test_a_call_answered_by_itself(center: Center) -> None:
    """With auto-answer the call is taken after a beep, without a hand on the page; the choice outlives a reload."""
    async with chromium(*says(center, AGENT_HZ)) as browser:
        page = await desk(center, browser)
        await ready_in_browser(page)
        await phone(page).click()
        await page.get_by_label("Answer by itself, after a beep").check()
        await page.keyboard.press("Escape")
        await page.reload()
        await connected(page)
        caller = await center.caller()
        await caller.dial(center.number("3000"))
        await expect(contact(page)).to_contain_text("Talking", timeout=15_000)
        await page_hears(page, CALLER_HZ)
        await caller.hang_up()
        await page.get_by_role("radio").first.check()
        await page.get_by_role("button", name="Finish").click()


async def test_devices_levels_and_echo(center: Center) -> None:
    """The panel lists the devices, its meter moves with the microphone, and the echo test plays back what was said and
    shows its quality; Escape closes the panel and gives the focus back."""
    async with chromium(*says(center, AGENT_HZ)) as browser:
        page = await desk(center, browser)
        await choose_browser(page)
        await connected(page)
        await phone(page).click()
        panel = page.get_by_role("dialog", name="Phone")
        assert await panel.get_by_label("Microphone", exact=True).locator("option").count() > 1
        await panel.get_by_label("Microphone", exact=True).select_option(index=1)
        await page.wait_for_function("() => document.querySelector('meter').value > 0.3")
        await panel.get_by_role("button", name="Ring", exact=True).click()
        await expect(panel.get_by_role("button", name="Stop")).to_be_visible()
        await panel.get_by_role("button", name="Stop").click()
        await panel.get_by_role("button", name="Echo test").click()
        await expect(panel).to_contain_text("Speak now")
        await page_hears(page, AGENT_HZ)
        await expect(panel.locator(".phone-quality.good")).to_contain_text("MOS 4.", timeout=15_000)
        assert await findings(page) == []
        await panel.get_by_role("button", name="Echo test").click()
        await expect(panel).to_contain_text("Speak, and hear yourself")
        await page.keyboard.press("Escape")
        await expect(phone(page)).to_be_focused()


async def test_no_permission_offers_the_desk_phone(center: Center) -> None:
    """Whoever does not allow the microphone reads why, in their language, and takes the desk phone."""
    async with chromium("--use-fake-device-for-media-stream", "--deny-permission-prompts") as browser:
        page = await desk(center, browser, language="es")
        await phone(page).click()
        await page.get_by_role("radio", name="Este navegador").check()
        panel = page.get_by_role("dialog")
        await expect(panel).to_contain_text("El micrófono no está permitido")
        await expect(phone(page)).to_have_text("Micrófono no permitido")
        assert await findings(page) == []
        await panel.get_by_role("button", name="Probar otra vez").click()
        await expect(panel).to_contain_text("El micrófono no está permitido")
        await panel.get_by_role("button", name="Usar el teléfono de mesa").click()
        await expect(panel).to_contain_text("Las llamadas suenan en su teléfono de mesa")
        assert not await page.get_by_role("radio", name="Este navegador").is_checked()


async def test_no_device_and_no_https(center: Center) -> None:
    """No microphone in the machine, and a page that is no secure context: each is said, and what helps."""
    async with chromium() as browser:
        page = await desk(center, browser)
        await page.context.grant_permissions(["microphone"])
        await phone(page).click()
        await page.get_by_role("radio", name="This browser").check()
        await expect(page.get_by_role("dialog")).to_contain_text("No microphone was found")
        insecure = await page.context.new_page()
        await insecure.add_init_script("Object.defineProperty(window, 'isSecureContext', { value: false })")
        await insecure.goto(center.origin)
        await phone(insecure).click()
        await expect(insecure.get_by_role("dialog")).to_contain_text("only to pages opened with https")
        await insecure.get_by_role("button", name="Use the desk phone").click()


async def test_blocked_sound_is_explained(center: Center) -> None:
    """A browser that blocks sound: the page says so, and the first touch of it lets the sound through."""
    async with chromium(*says(center, AGENT_HZ)) as browser:
        page = await open_page(browser, center.origin)
        await page.add_init_script(
            """const play = HTMLMediaElement.prototype.play;
            HTMLMediaElement.prototype.play = function () {
              return window.touched ? play.call(this) : Promise.reject(new DOMException("no", "NotAllowedError"));
            };"""
        )
        await page.goto(center.origin)
        await log_in(page, "john", center.password("john"))
        await choose_browser(page)
        await expect(phone(page)).to_have_text("Sound is blocked", timeout=20_000)
        await page.evaluate("window.touched = true")
        await page.mouse.click(5, 5)
        await expect(phone(page)).to_have_text("Browser phone")


async def test_two_tabs_one_phone(center: Center) -> None:
    """A second tab says that the phone is in another one, and takes it over when asked; the first says so then."""
    async with chromium(*says(center, AGENT_HZ)) as browser:
        page = await desk(center, browser)
        await choose_browser(page)
        await connected(page)
        other = await page.context.new_page()
        await other.goto(center.origin)
        await expect(phone(other)).to_have_text("Phone in another tab", timeout=20_000)
        await phone(other).click()
        await other.get_by_role("button", name="Use it here").click()
        await connected(other)
        await expect(phone(page)).to_have_text("Phone in another tab")


def certificate(folder: Path) -> ssl.SSLContext:
    """Of nobody whom a browser trusts."""
    key, chain = folder / "key.pem", folder / "chain.pem"
    name = ["-subj", "/CN=desk.example", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-keyout",
        key,
        "-out",
        chain,
    ]
    subprocess.run([*map(str, made), *name], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    return context


@asynccontextmanager
async def behind_tls(port: int, folder: Path) -> AsyncIterator[str]:
    """The console behind a proxy that ends TLS and passes bytes; its origin."""

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind = await asyncio.open_connection("127.0.0.1", port)
        spawn(pipe(reader, behind[1]), "to the console")
        spawn(pipe(behind[0], writer), "to the browser")

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=certificate(folder))
    yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


async def test_behind_the_page_of_a_tls_proxy(center: Center, tmp_path: Path) -> None:
    """The page by https, its WebSocket and with it the phone's signalling by wss: a call is heard in the browser."""
    port = int(center.run["ports"]["console_port"])
    async with (
        behind_tls(port, tmp_path) as origin,
        chromium(*says(center, AGENT_HZ), "--ignore-certificate-errors") as browser,
    ):
        page = await open_page(browser, origin)
        await log_in(page, "john", center.password("john"))
        await ready_in_browser(page)
        caller = await center.caller()
        await caller.dial(center.number("3000"))
        await page.get_by_role("button", name="Answer").click(timeout=15_000)
        await page_hears(page, CALLER_HZ)
        await caller.hang_up()
        await page.get_by_role("radio").first.check()
        await page.get_by_role("button", name="Finish").click()


async def test_the_mean_opinion_score(center: Center) -> None:
    """The same figures as the engine has for the caller's line."""
    async with chromium() as browser:
        page = await open_page(browser, center.origin)
        for loss, delay, score in SCORES:
            of = {"loss": loss, "delay": delay}
            got = await page.evaluate("async (of) => (await import('/static/js/quality.js')).mos(of)", of)
            assert got == pytest.approx(score, abs=0.005)
