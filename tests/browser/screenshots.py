"""Pictures of every state of the pages, for `docs/screenshots`: an engine that says what each state needs.

Wide ones are English and light, narrow ones Spanish and dark.
"""

from __future__ import annotations

import asyncio
import io
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.async_api import Browser, Page, async_playwright, expect

from cti_engine.core import events as ev
from cti_engine.wire.envelope import ReplyMessage, Request
from tests.browser.pages import CHROMIUM_ARGS, is_live, log_in, open_page, ring
from tests.browser.test_grants import GRANT
from tests.browser.test_hand_over import knows_targets
from tests.browser.test_why import answers
from tests.console.stand_in_engine import StandInEngine
from tests.console.world import Broker, ConsoleProcess, agent, queue
from tests.phones.child import tool

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
SIZES = {1440: (900, "en", "light"), 390: (844, "es", "dark")}
"""Width to height in CSS pixels, language and theme: a desk's screen and a telephone."""
COLOURS = 256  # of a picture's palette: a third of the bytes, and nothing of these flat pages is lost

GUIDE: dict[str, Any] = {
    "guide": "laptop", "name": {"es": "Un portátil nuevo", "en": "A new laptop"}, "language": "es",
    "start": "use", "answers": {},
    "steps": {"use": {
        "do": {"es": "Pregunte antes de proponer nada.", "en": "Ask before you propose anything."},
        "say": "¿Para qué lo va a usar?", "field": "use", "label": {"es": "Uso", "en": "Use"},
        "choices": [
            {"value": "office", "label": {"es": "Oficina", "en": "Office"}, "go_to": "use"},
            {"value": "travel", "label": {"es": "Viajes", "en": "Travel"}, "go_to": "use"},
        ],
    }},
}  # fmt: skip
KNOWN: dict[str, Any] = {
    "greeting": "Hola, Carmen Ruiz. Gracias por seguir con nosotros.", "prefers": "email", "products": ("laptop",),
    "guide": GUIDE["guide"], "grant": GRANT,
    "offers": ({
        "offer": "warranty", "product": "warranty_2_years", "expected_value": 12.0, "currency": "EUR", "affinity": 0.0,
        "reason": {"es": "La garantía de su portátil termina en mayo.", "en": "Her laptop's warranty ends in May."},
        "line": "Por tres euros al mes alargamos la garantía dos años.",
    },),
}  # fmt: skip
"""What the engine knows of who rings."""

QUANTIZE = Image.Quantize.MAXCOVERAGE  # keeps the small dots of colour that mean something
MORNING = (
    ("Jorge Peña", "sale", "Monitor, 27 inches", 312.0),
    ("Lucía Vidal", "call_again", "Asks her office first", 95.0),
    ("", "question", "", 141.0),
)


class Pictures:
    """The same page in each size; `taken` lists the files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pages: dict[int, Page] = {}
        self.taken: list[Path] = []

    async def open(self, browser: Browser, url: str) -> None:
        for width, (height, language, theme) in SIZES.items():
            page = await open_page(browser, url, width=width, height=height, language=language)
            await page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
            self.pages[width] = page

    async def log_in(self, user: str, password: str) -> None:
        for page in self.pages.values():
            await log_in(page, user, password)

    async def take(self, name: str, *, shows: str, whole: bool = True) -> None:
        """Once `shows`, a selector, is there; the `whole` page, or what stands on the screen."""
        for width, page in self.pages.items():
            await expect(page.locator(shows).first).to_be_visible()
            await page.mouse.move(0, 0)
            await page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
            await page.evaluate("for (const e of document.querySelectorAll('.contact-body')) e.scrollTop = 0")
            png = await page.screenshot(full_page=whole, animations="disabled")
            path = self.folder / f"{name}-{width}.png"
            with Image.open(io.BytesIO(png)) as image:
                image.convert("RGB").quantize(COLOURS, QUANTIZE, kmeans=3, dither=Image.Dither.NONE).save(
                    path, optimize=True
                )
            self.taken.append(path)

    async def close(self) -> None:
        for page in self.pages.values():
            await page.context.close()


async def _morning(engine: StandInEngine, now: float) -> None:
    """What maria has done so far."""
    for n, (name, result, note, talk) in enumerate(MORNING):
        at = now - 2000 * (n + 1)
        engine.keep_cdr(
            contact=f"m{n}", ended_at=at, agent="maria", ani=f"+3460012345{n}", name=name, queue="sales_es",
            talk_s=talk, disposition=result, note=note,
        )  # fmt: skip
        parts = (("idle", "ringing", 900.0), ("talking", "wrap_up", talk), ("wrap_up", "idle", 25.0))
        for was, state, seconds in parts:
            change = ev.AgentStateChanged("maria", "ready", "", state, "", "ready", "", was, seconds)
            await engine.says(change, at=at)
        await engine.says(ev.CallBridged(f"m{n}", "maria", "sales_es", 20.0, 4.0), at=at)


async def _desk(pictures: Pictures, engine: StandInEngine, console: ConsoleProcess) -> None:
    now = time.time()
    await engine.shows(agent(status="not_ready", reason="lunch", since_at=now - 1260))
    await _morning(engine, now)
    await pictures.take("log-in", shows=".log-in-card")
    await pictures.log_in("maria", console.passwords["maria"])
    await pictures.take("not-ready", shows=".state.not_ready")
    await engine.changes("maria", status="ready", reason="", since_at=now - 42)
    await engine.shows(queue(waiting=2, oldest_at=now - 75, parked=({"slot": 1, "since_at": now - 12},)))
    await pictures.take("ready", shows=".state.ready")
    await ring(engine, **KNOWN)
    await engine.changes("maria", guide=GUIDE, grant=GRANT)
    await pictures.take("ringing", shows=".contact.offered")
    await engine.changes("maria", state="talking", bridged_at=time.time() - 83, recording="on")
    for page in pictures.pages.values():
        await page.locator("textarea").fill("Wants two laptops, delivered by Friday.")
    await pictures.take("talking", shows=".contact.talking")
    engine.answer = knows_targets
    for page in pictures.pages.values():
        await page.keyboard.press("Alt+t")
        await page.locator(".hand-over input[type=text]").fill("Asks for a refund of the charger")
    await pictures.take("transfer-panel", shows=".targets li", whole=False)
    for page in pictures.pages.values():
        await page.keyboard.press("Alt+t")
    together = {"role": "conferee", "state": "talking", "number": "", "since_at": now}
    asked = {**together, "role": "consulted", "agent": "eva", "name": "Eva Sanz"}
    await engine.changes("maria", parties=(asked,), held=True)
    await pictures.take("consulting", shows="[aria-keyshortcuts='Alt+C']")
    outside = {**together, "agent": "", "name": "", "number": "+34911000222"}
    await engine.changes(
        "maria", parties=({**together, "agent": "eva", "name": "Eva Sanz"}, outside), held=False
    )
    await pictures.take("conference", shows=".button.drop")
    await engine.changes("maria", parties=())
    await engine.changes("maria", held=True)
    await pictures.take("on-hold", shows=".controls [aria-pressed=true]")
    await engine.changes("maria", held=False, state="wrap_up", wrap_up_ends_at=time.time() + 48)
    for page in pictures.pages.values():
        await page.locator("input[name=disposition]").first.check()
    await pictures.take("wrap-up", shows=".contact.wrap_up")
    await engine.changes("maria", state="idle", contact="", offer={})
    await console.stop()
    await pictures.take("offline", shows=".banner.shown")
    await console.start()
    for page in pictures.pages.values():
        await is_live(page)
    await pictures.close()


def well_named(request: Request) -> ReplyMessage:
    """The answers of test_why, with a name that is none of an attack."""
    reply = answers(request)
    for one in reply.result.get("calls", []):
        one["name"] = one["name"] and "Carmen Ruiz"
    return reply


async def _floor(pictures: Pictures, engine: StandInEngine, console: ConsoleProcess) -> None:
    engine.answer = well_named
    talking: dict[str, Any] = {"name": "Carmen Ruiz", "offer": "o"}
    await engine.shows(agent("maria", state="talking", contact="c-1", offer=talking, bridged_at=time.time()))
    await pictures.log_in("supervisor", console.passwords["supervisor"])
    listens = {"mode": "whisper", "state": "listening", "since_at": time.time(), "visible": True}
    for name, full, supervisor in (("ana", "Ana Torres", "supervisor"), ("luis", "Luis Gil", "carla")):
        monitor = {**listens, "supervisor": supervisor}
        await engine.shows(
            agent(name, name=full, state="talking", contact=f"c-{name}", offer=talking, monitor=monitor)
        )
    await pictures.take("floor", shows="[data-queue=sales_es]")
    for page in pictures.pages.values():
        await page.locator("[data-queue=sales_es] button").click()
        await page.locator("[data-contact=c8] button").click()
    await pictures.take("why", shows=".why ul")
    await pictures.close()


async def _take(folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        world = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cti-pictures-")))
        broker = Broker(world / "broker")
        await broker.start()
        stack.push_async_callback(broker.stop)
        engine = await stack.enter_async_context(StandInEngine(broker.port, world / "engine.db"))
        console = ConsoleProcess(world, broker)
        await console.start()
        stack.push_async_callback(console.stop)
        for view in (
            agent("john", status="not_ready", reason="lunch", queues=("sales_es", "support_en")),
            agent("ana", name="Ana Torres", state="talking"),
            agent("eva", name="Eva Sanz"),
        ):
            await engine.shows(view)
        await engine.shows(queue(waiting=2, oldest_at=time.time() - 75))
        await engine.shows(queue("support_en", service_level=0.62))
        playwright = await stack.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(executable_path=tool("chromium"), args=list(CHROMIUM_ARGS))
        stack.push_async_callback(browser.close)
        pictures = Pictures(folder)
        for take in (_desk, _floor):
            await pictures.open(browser, console.url)
            await take(pictures, engine, console)
        return pictures.taken


def main() -> int:
    for path in asyncio.run(_take(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)):
        print(f"{path} {path.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
