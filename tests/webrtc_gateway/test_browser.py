"""The agent's page in a real Chromium as the phone, in a whole center: what a human does, and who hears whom."""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from cti_engine.wire.tasks import spawn
from tests.browser.axe import findings
from tests.browser.pages import CHROMIUM_ARGS, contact, log_in, open_page, state
from tests.e2e.world import AGENT_HZ, CALLER_HZ, Center
from tests.phones.baresip import Baresip
from tests.phones.child import tool
from tests.phones.tones import tone_margin_db

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

AUDIBLE_DB = 20.0
MICROPHONE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
LEVELS = """async ([wanted, other]) => {
  const stream = document.querySelector("audio[data-sound=call]").srcObject;
  if (!stream) {
    await new Promise((resolve) => setTimeout(resolve, 400));
    return [-100, -100];
  }
  const context = window.testContext ??= new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 8192;
  const source = context.createMediaStreamSource(stream);
  source.connect(analyser);
  await new Promise((resolve) => setTimeout(resolve, 400));
  const bins = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(bins);
  source.disconnect();
  const level = (hertz) => bins[Math.round(hertz * analyser.fftSize / context.sampleRate)];
  return [level(wanted), level(other)];
}"""


@asynccontextmanager
async def chromium(*arguments: str) -> AsyncIterator[Browser]:
    """A Chromium of its own: what its microphone is stands in its arguments."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=tool("chromium"), args=[*CHROMIUM_ARGS, *arguments]
        )
        yield browser
        await browser.close()


def says(wav: Path) -> tuple[str, ...]:
    return (*MICROPHONE, f"--use-file-for-fake-audio-capture={wav}")


async def desk(center: Center, browser: Browser, user: str = "john", **how: Any) -> Page:
    """The agent's page, logged in."""
    page = await open_page(browser, center.origin, **how)
    await log_in(page, user, center.password(user))
    return page


def phone(page: Page) -> Any:
    """The phone in the state bar."""
    return page.locator(".state-bar .phone")


async def choose_browser(page: Page) -> None:
    """Open the panel, take the browser as the phone, close the panel."""
    await phone(page).click()
    await page.get_by_role("radio", name="This browser").check()
    await page.keyboard.press("Escape")


async def ready_in_browser(page: Page) -> None:
    await choose_browser(page)
    await expect(phone(page)).to_have_text("Browser phone", timeout=20_000)
    await page.get_by_role("button", name="Ready", exact=True).click()
    await expect(state(page)).to_contain_text(re.compile(r"^\s*Ready"))


async def page_hears(page: Page, hertz: int, over: int) -> None:
    """What comes out of the page's speaker is `hertz`, 20 dB above `over` hertz."""
    wanted = other = -100.0
    for _ in range(20):
        wanted, other = await page.evaluate(LEVELS, [hertz, over])
        if wanted > -60 and wanted - other >= AUDIBLE_DB:
            return
    raise AssertionError(f"{hertz} Hz at {wanted:.0f} dB, {over} Hz at {other:.0f} dB")


async def listens(caller: Baresip) -> float:
    """Let the caller hear for two more seconds; where in the recording they begin."""
    heard = len(caller.recordings()[0].heard.read_bytes()) / 16000
    await caller.hears(heard + 2.5)
    return heard + 0.5


def heard_agent(caller: Baresip, since: float) -> bool:
    """Whether the caller heard the agent in the two seconds from there; whole when the call is over."""
    wav = caller.recordings()[0].heard
    return tone_margin_db(wav, AGENT_HZ, CALLER_HZ, start=since, end=since + 1.5) >= AUDIBLE_DB


async def test_a_call_is_answered_in_the_browser(center: Center) -> None:
    """Log in, take the browser as the phone, get ready, see the pop, answer; both hear the other's tone; the page is
    loaded again in mid-call and both hear again; wrap up. The record says what happened."""
    async with chromium(*says(center.tone(AGENT_HZ))) as browser:
        page = await desk(center, browser)
        await ready_in_browser(page)
        caller = await center.caller()
        await caller.dial(center.number("3000"))
        await expect(contact(page)).to_contain_text("caller", timeout=15_000)
        await page.get_by_role("button", name="Answer").click()
        await expect(contact(page)).to_contain_text("Talking", timeout=10_000)
        await page_hears(page, CALLER_HZ, AGENT_HZ)
        before = await listens(caller)
        await expect(contact(page).locator(".phone-quality")).to_have_text("Good line", timeout=15_000)
        await page.reload()
        await expect(contact(page)).to_contain_text("Talking", timeout=15_000)
        await expect(phone(page)).to_have_text("Browser phone", timeout=20_000)
        await page_hears(page, CALLER_HZ, AGENT_HZ)
        after = await listens(caller)
        await page.get_by_role("button", name="Hang up").click()
        await caller.told("CALL_CLOSED")
        assert heard_agent(caller, before)
        assert heard_agent(caller, after)
        await page.get_by_role("radio").first.check()
        await page.get_by_role("button", name="Finish").click()
        cdr = await center.cdr()
        assert (cdr["agent"], cdr["cause"]) == ("john", "agent/hang_up")
        assert len(center.events("AgentDialled")) == 1
        await page.get_by_role("button", name="Log out").click()
        await expect(page.get_by_role("button", name="Log in")).to_be_visible()


async def test_keys_answer_and_the_gateway_dies(center: Center) -> None:
    """Alt+A answers. A gateway killed in mid-call is back by itself: the page connects anew and both hear each other
    within seconds, without a hand on the page and without another ring."""
    async with chromium(*says(center.tone(AGENT_HZ))) as browser:
        page = await desk(center, browser)
        await ready_in_browser(page)
        caller = await center.caller()
        await caller.dial(center.number("3000"))
        await expect(page.get_by_role("button", name="Decline")).to_be_visible(timeout=15_000)
        await page.keyboard.press("Alt+a")
        await expect(contact(page)).to_contain_text("Talking", timeout=10_000)
        await page_hears(page, CALLER_HZ, AGENT_HZ)
        killed = center.kill("gateway")
        await center.back("gateway", killed)
        await page_hears(page, CALLER_HZ, AGENT_HZ)
        after = await listens(caller)
        await caller.hang_up()
        await caller.told("CALL_CLOSED")
        assert heard_agent(caller, after)
        await page.get_by_role("radio").first.check()
        await page.get_by_role("button", name="Finish").click()
        assert (await center.cdr())["cause"] == "caller/hang_up"
        assert len(center.events("AgentDialled")) == 1


async def test_a_call_answered_by_itself(center: Center) -> None:
    """With auto-answer the call is taken after a beep, without a hand on the page; the choice outlives a reload."""
    async with chromium(*says(center.tone(AGENT_HZ))) as browser:
        page = await desk(center, browser)
        await ready_in_browser(page)
        await phone(page).click()
        await page.get_by_label("Answer by itself, after a beep").check()
        await page.keyboard.press("Escape")
        await page.reload()
        await expect(phone(page)).to_have_text("Browser phone", timeout=20_000)
        caller = await center.caller()
        await caller.dial(center.number("3000"))
        await expect(contact(page)).to_contain_text("Talking", timeout=15_000)
        await page_hears(page, CALLER_HZ, AGENT_HZ)
        await caller.hang_up()
        await page.get_by_role("radio").first.check()
        await page.get_by_role("button", name="Finish").click()


async def test_devices_levels_and_echo(center: Center) -> None:
    """The panel lists the devices, its meter moves with the microphone, and the echo test plays back what was said and
    shows its quality; Escape closes the panel and gives the focus back."""
    async with chromium(*says(center.tone(AGENT_HZ))) as browser:
        page = await desk(center, browser)
        await choose_browser(page)
        await expect(phone(page)).to_have_text("Browser phone", timeout=20_000)
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
        await page_hears(page, AGENT_HZ, CALLER_HZ)
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
    async with chromium(*says(center.tone(AGENT_HZ))) as browser:
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
    async with chromium(*says(center.tone(AGENT_HZ))) as browser:
        page = await desk(center, browser)
        await choose_browser(page)
        await expect(phone(page)).to_have_text("Browser phone", timeout=20_000)
        other = await page.context.new_page()
        await other.goto(center.origin)
        await expect(phone(other)).to_have_text("Phone in another tab", timeout=20_000)
        await phone(other).click()
        await other.get_by_role("button", name="Use it here").click()
        await expect(phone(other)).to_have_text("Browser phone", timeout=20_000)
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
        chromium(*says(center.tone(AGENT_HZ)), "--ignore-certificate-errors") as browser,
    ):
        page = await open_page(browser, origin)
        await log_in(page, "john", center.password("john"))
        await ready_in_browser(page)
        caller = await center.caller()
        await caller.dial(center.number("3000"))
        await page.get_by_role("button", name="Answer").click(timeout=15_000)
        await page_hears(page, CALLER_HZ, AGENT_HZ)
        await caller.hang_up()
        await page.get_by_role("radio").first.check()
        await page.get_by_role("button", name="Finish").click()


SCORES = [(0, 0, 4.41), (0, 150, 4.33), (0.01, 20, 4.32), (0.05, 100, 3.82), (0.2, 300, 1.62)]


async def test_the_mean_opinion_score(center: Center) -> None:
    """The E-model's value for loss and delay (ms): R worked out by hand from G.107 and G.113, for G.711 with
    concealment 93.2, 89.6, 89.1, 75.0 and 30.4."""
    async with chromium() as browser:
        page = await open_page(browser, center.origin)
        for loss, delay, score in SCORES:
            of = {"loss": loss, "delay": delay}
            got = await page.evaluate("async (of) => (await import('/static/js/quality.js')).mos(of)", of)
            assert got == pytest.approx(score, abs=0.005)
