"""The agent's page in a real browser: log in, status, pop, talking, wrap-up, and what may go wrong."""

from __future__ import annotations

import re
import time

import pytest
from playwright.async_api import Browser, Page, expect

from cti_engine.core import events as ev
from cti_engine.wire.vocabulary import to_plain
from tests.browser.pages import contact, desk, is_live, log_in, open_page, ring, state, tab_to
from tests.console.stand_in_engine import StandInEngine
from tests.console.world import ConsoleProcess, agent, offer, queue
from tests.phones.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_log_in_and_out(browser: Browser, console: ConsoleProcess, engine: StandInEngine) -> None:
    """A wrong password is said and forgotten; the right one opens the desk; logging out tells the engine
    and leaves, and another tab says why it left."""
    await engine.shows(agent())
    page = await open_page(browser, console.url)
    await page.locator("input[name=user]").fill("maria")
    await page.locator("input[name=password]").fill("wrong")
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("alert")).to_have_text("User or password is wrong.")
    await expect(page.locator("input[name=password]")).to_have_value("")
    await log_in(page, "maria", console.passwords["maria"])
    await expect(state(page)).to_contain_text("Ready")
    other = await page.context.new_page()
    await other.goto(console.url)
    await is_live(other)
    await page.get_by_role("button", name="Log out").click()
    await expect(page.get_by_role("button", name="Log in")).to_be_visible()
    await expect(page.get_by_role("alert")).to_have_text("")
    await expect(other.get_by_role("alert")).to_have_text("Your session has ended. Log in again.")
    assert engine.heard("LogOut")[0].by == "maria"
    await page.reload()
    await expect(page.get_by_role("button", name="Log in")).to_be_visible()


async def test_ready_and_not_ready(browser: Browser, console: ConsoleProcess, engine: StandInEngine) -> None:
    """The buttons ask the engine, with the reason chosen; what is shown is what the engine then says."""
    await engine.shows(agent(status="not_ready", reason="lunch"))
    page = await desk(browser, console)
    await expect(state(page)).to_contain_text("Not ready")
    await expect(state(page)).to_contain_text("Lunch")
    await page.get_by_role("button", name="Ready", exact=True).click()
    await engine.until_heard("Ready")
    await expect(state(page)).to_contain_text("Not ready")
    await engine.changes("maria", status="ready", reason="")
    await expect(state(page)).to_contain_text(re.compile(r"^\s*Ready"))
    await page.get_by_role("button", name="Not ready").click()
    await page.get_by_role("menuitemradio", name="Training").click()
    assert (await engine.until_heard("NotReady")).args == {"agent": "maria", "reason": "training"}
    await ring(engine)
    await engine.changes("maria", after="not_ready", after_reason="training")
    await expect(state(page)).to_contain_text("After this call: Not ready · Training")
    chosen = page.locator(".state-buttons [aria-pressed=true], .state-buttons .chosen")
    await expect(chosen).to_have_text(["Not ready"])
    await page.get_by_role("button", name="Ready", exact=True).click()
    await engine.until_heard("Ready", 2)
    await engine.changes("maria", after="", after_reason="")
    await expect(state(page)).to_contain_text("After this call: Ready")
    await expect(chosen).to_have_text(["Ready"])


async def test_offer_is_painted_then_told(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine
) -> None:
    """The pop shows who calls, why and how long they waited, and only then OfferShown goes out, once."""
    await engine.shows(agent())
    await engine.shows(queue())
    page = await desk(browser, console)
    await engine.until_heard("PageOpened")
    event = await ring(engine)
    shown = await engine.until_heard("OfferShown")
    assert shown.args == {"agent": "maria", "offer": event.offer}
    pop = contact(page)
    for text in (
        "Carmen Ruiz",
        "+34 600 123 456",
        "Gold",
        "Spanish",
        "Ventas",
        "0:42",
        "Portátiles",
        "Asked for a quote",
    ):
        await expect(pop).to_contain_text(text)
    await expect(page.locator("[aria-live=assertive]")).to_contain_text(
        "Incoming call from Carmen Ruiz, queue Ventas"
    )
    await expect(page).to_have_title("Incoming call: Carmen Ruiz")
    await engine.changes("maria", state="talking", bridged_at=time.time())
    await expect(pop).to_contain_text("Talking")
    assert len(engine.heard("OfferShown")) == 1


async def test_state_alone_paints_the_pop_too(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine
) -> None:
    """Whichever comes first, event or state, paints; an offer that ended in the state stays ended."""
    await engine.shows(agent())
    page = await desk(browser, console)
    event = offer()
    data = {name: value for name, value in to_plain(event)[1].items() if name != "contact"}
    before = time.time()
    await engine.changes("maria", state="ringing", contact="c-1", offer=data)
    await engine.until_heard("OfferShown")
    await engine.changes("maria", state="idle", contact="", offer={})
    await expect(contact(page)).to_contain_text("You are ready")
    await engine.says(event, at=before)
    await expect(page.locator(".activity li")).to_have_count(1)
    await expect(contact(page)).to_contain_text("You are ready")


async def test_hang_up_carries_what_the_page_saw(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine
) -> None:
    """Hang up names contact and state version; a refusal is said in words."""
    await engine.shows(agent())
    page = await desk(browser, console)
    await ring(engine)
    view = await engine.changes("maria", state="talking", bridged_at=time.time() - 83)
    await expect(contact(page).get_by_role("timer")).to_have_text(re.compile(r"1:2\d"))
    await page.get_by_role("button", name="Hang up").click()
    request = await engine.until_heard("HangUp")
    assert (request.contact, request.state_version) == ("c-1", view.state_version)


async def test_wrap_up_is_submitted(browser: Browser, console: ConsoleProcess, engine: StandInEngine) -> None:
    """A note begun while talking survives a reload and goes out with the result; nothing is sent without one."""
    await engine.shows(agent())
    page = await desk(browser, console)
    await ring(engine)
    await engine.changes("maria", state="talking", bridged_at=time.time())
    await page.get_by_label("Note").fill("Wants two laptops")
    await page.reload()
    await is_live(page)
    await expect(page.get_by_label("Note")).to_have_value("Wants two laptops")
    await engine.changes("maria", state="wrap_up", wrap_up_ends_at=time.time() + 60)
    await expect(contact(page).get_by_role("timer")).to_have_text(re.compile(r"0:5\d|1:00"))
    await page.get_by_role("button", name="Finish").click()
    await page.get_by_role("radio", name="Sale").check()
    await page.get_by_role("button", name="Finish").click()
    request = await engine.until_heard("SubmitDisposition")
    assert request.contact == "c-1"
    assert request.args == {"agent": "maria", "disposition": "sale", "note": "Wants two laptops"}
    assert len(engine.heard("SubmitDisposition")) == 1


async def test_chosen_result_is_sent_before_time_is_up(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine
) -> None:
    """When wrap-up runs out, a result that was chosen is sent, so that no note is lost."""
    await engine.shows(agent())
    page = await desk(browser, console)
    await ring(engine)
    await engine.changes("maria", state="wrap_up", wrap_up_ends_at=time.time() + 4)
    await page.get_by_role("radio", name="Complaint").check()
    await page.get_by_label("Note").fill("Late again")
    request = await engine.until_heard("SubmitDisposition", within=6.0)
    assert request.args["note"] == "Late again"


async def test_reload_in_mid_call_shows_the_pop_again(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine
) -> None:
    """A page that is loaded again in a call shows the same contact, and its controls work."""
    await engine.shows(agent())
    page = await desk(browser, console)
    await ring(engine)
    await engine.changes("maria", state="talking", bridged_at=time.time() - 10)
    await page.reload()
    await expect(contact(page)).to_contain_text("Carmen Ruiz")
    await page.get_by_role("button", name="Hang up").click()
    await engine.until_heard("HangUp")


async def test_console_restart_shows_what_was_missed(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine
) -> None:
    """The page says that it is offline, comes back by itself, and lists what happened meanwhile."""
    await engine.shows(agent())
    page = await desk(browser, console)
    await ring(engine)
    await engine.until_heard("OfferShown")
    await console.stop()
    await expect(page.locator(".banner[role=status]")).to_contain_text("Your call continues")
    await expect(page.get_by_role("button", name="Ready", exact=True)).to_be_disabled()
    await engine.says(ev.AgentRona("c-1", "maria", "offer-c-1", 20.0))
    await engine.changes("maria", state="idle", contact="", offer={}, status="not_ready", reason="lunch")
    await console.start()
    await is_live(page)
    await expect(state(page)).to_contain_text("Not ready")
    missed = page.locator(".activity li").filter(has_text="Missed call after 0:20")
    await expect(missed).to_have_count(1)
    await expect(missed).to_contain_text("while you were away")


async def test_engine_away_disables_controls(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine
) -> None:
    """While the engine is away the page says that the call continues; controls come back with it."""
    await engine.shows(agent())
    page = await desk(browser, console)
    await ring(engine)
    await engine.changes("maria", state="talking", bridged_at=time.time())
    await engine.up(False)
    await expect(page.locator(".banner[role=status]")).to_contain_text("Your call continues")
    await expect(page.get_by_role("button", name="Hang up")).to_be_disabled()
    await expect(contact(page)).to_contain_text("Carmen Ruiz")
    await engine.up(True)
    await expect(page.get_by_role("button", name="Hang up")).to_be_enabled()


EVIL = [
    '<img src=x onerror="window.hacked=1">',
    "<script>window.hacked=1</script>",
    "${window.hacked=1}{{7*7}}`",
    '"><svg/onload=window.hacked=1>',
    "\u202egnp.exe \u0000\u200f عربى 🙂",
    "x" * 4000,
]


@pytest.mark.parametrize("width", [1440, 390])
async def test_names_from_callers_stay_text(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine, width: int
) -> None:
    """HTML, templates, right-to-left and 4 KB from a caller are shown as text, run nothing and break no layout."""
    await engine.shows(agent())
    page = await desk(browser, console, width=width)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    for n, evil in enumerate(EVIL):
        await ring(
            engine, contact=f"x-{n}", name=evil, number=evil, segment=evil, language=evil, queue=evil,
            path=(evil, evil), contacts=({"at": evil, "queue": evil, "note": evil, "disposition": evil},),
            hints=({"kind": evil, "text": evil},),
            offers=({"offer": evil, "product": evil, "reason": {"en": evil}, "line": evil, "expected_value": 1.0},),
        )  # fmt: skip
        await engine.until_heard("OfferShown", n + 1)
        shown = await contact(page).locator("h1").text_content()
        assert shown is not None
        assert shown.strip("\ufffd\u0000") == evil or "\u0000" in evil
        assert await _overflow(page) == 0
    assert await page.evaluate("window.hacked") is None
    assert complaints == []


async def test_keyboard_only(browser: Browser, console: ConsoleProcess, engine: StandInEngine) -> None:
    """From log-in to the end of wrap-up without a mouse; focus is never lost and always seen."""
    await engine.shows(agent(status="not_ready", reason="lunch"))
    page = await open_page(browser, console.url)
    keyboard = page.keyboard
    await expect(page.locator("input[name=user]")).to_be_focused()
    await keyboard.type("maria")
    await keyboard.press("Tab")
    await keyboard.type(console.passwords["maria"])
    await keyboard.press("Enter")
    await is_live(page)
    await tab_to(page, "Ready")
    await keyboard.press("Enter")
    await engine.until_heard("Ready")
    await engine.changes("maria", status="ready", reason="")
    await tab_to(page, "Not ready")
    await keyboard.press("Enter")
    await expect(page.get_by_role("menuitemradio", name="Lunch")).to_be_focused()
    await keyboard.press("ArrowUp")
    await expect(page.get_by_role("menuitemradio", name="Paperwork")).to_be_focused()
    await keyboard.press("Escape")
    await expect(page.get_by_role("button", name="Not ready")).to_be_focused()
    await ring(engine)
    await engine.until_heard("OfferShown")
    await expect(page.get_by_role("button", name="Not ready")).to_be_focused()
    await engine.changes("maria", state="talking", bridged_at=time.time())
    await tab_to(page, "Hang up")
    await keyboard.press("Space")
    await engine.until_heard("HangUp")
    await engine.changes("maria", state="wrap_up", wrap_up_ends_at=time.time() + 60)
    await page.get_by_role("radio", name="Sale").focus()
    await keyboard.press("ArrowRight")
    await keyboard.press("Tab")
    await keyboard.type("Quick question")
    await keyboard.press("Control+Enter")
    request = await engine.until_heard("SubmitDisposition")
    assert request.args == {"agent": "maria", "disposition": "question", "note": "Quick question"}


@pytest.mark.parametrize("size", [(1440, 900), (1024, 768), (390, 844)])
async def test_no_layout_jump_and_no_horizontal_scroll(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine, size: tuple[int, int]
) -> None:
    """Nothing moves when a call arrives, is talked, wrapped up or gone; no width scrolls sideways."""
    await engine.shows(agent(queues=("sales_es",)))
    await engine.shows(queue(waiting=3, oldest_at=time.time() - 60))
    page = await desk(browser, console, width=size[0], height=size[1])
    await expect(page.locator(".strip li")).to_have_count(1)
    before = await _places(page)
    await ring(engine)
    await engine.until_heard("OfferShown")
    for changes in (
        {},
        {"state": "talking", "bridged_at": time.time()},
        {"state": "wrap_up", "wrap_up_ends_at": time.time() + 60},
        {"state": "idle", "contact": "", "offer": {}},
    ):
        if changes:
            view = await engine.changes("maria", **changes)
            name = {"talking": "Talking", "wrap_up": "Wrap-up", "idle": "Ready"}[view.state]
            await expect(state(page)).to_contain_text(name)
        assert await _places(page) == before
        assert await _overflow(page) == 0


async def test_two_tabs_share_one_agent(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine
) -> None:
    """Two tabs show the same call and the same draft; each counts as a page of its own."""
    await engine.shows(agent())
    page = await desk(browser, console)
    other = await page.context.new_page()
    await other.goto(console.url)
    await is_live(other)
    await engine.until_heard("PageOpened", 2)
    await ring(engine)
    await engine.changes("maria", state="talking", bridged_at=time.time())
    await page.get_by_label("Note").fill("Seen in both")
    await expect(other.get_by_label("Note")).to_have_value("Seen in both")
    await other.close()
    await engine.until_heard("PageClosed")
    await expect(contact(page)).to_contain_text("Carmen Ruiz")


async def test_language_and_theme_are_kept(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine
) -> None:
    """Spanish and dark stay after a reload, with the admin's labels in Spanish too."""
    await engine.shows(agent(status="not_ready", reason="lunch"))
    page = await desk(browser, console)
    await page.get_by_role("button", name="Cambiar a español").click()
    await expect(state(page)).to_contain_text("No disponible")
    await expect(state(page)).to_contain_text("Comida")
    await page.get_by_role("button", name="Claro u oscuro").click()
    await page.reload()
    await is_live(page)
    await expect(state(page)).to_contain_text("No disponible")
    dark = await page.evaluate("getComputedStyle(document.documentElement).colorScheme")
    assert dark == "dark"


async def _overflow(page: Page) -> int:
    """Pixels by which the page is wider than its window."""
    wide: int = await page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return wide


async def _places(page: Page) -> list[list[int]]:
    """Where the fixed parts of the desk stand."""
    places: list[list[int]] = await page.evaluate(
        """[...document.querySelectorAll(".state-bar, .state-buttons, .contact, .beside, .beside > :first-child")]
        .map((e) => e.getBoundingClientRect()).map((r) => [r.x, r.y, r.width].map(Math.round))"""
    )
    return places


async def test_call_controls_ask_and_show(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine
) -> None:
    """Hold, mute and the pause ask with the version on screen; what is shown is what the engine says."""
    await engine.shows(agent())
    page = await desk(browser, console)
    event = await ring(engine)
    view = await engine.changes("maria", state="talking", bridged_at=time.time(), recording="on")
    controls = page.get_by_role("group", name="Call controls")
    await controls.get_by_role("button", name="Hold").click()
    asked = await engine.until_heard("Hold")
    assert (asked.contact, asked.state_version) == (event.contact, view.state_version)
    assert asked.args == {"agent": "maria", "held": True}
    await engine.changes("maria", held=True)
    await expect(contact(page)).to_contain_text("On hold")
    await expect(controls.get_by_role("button", name="Resume")).to_have_attribute("aria-pressed", "true")
    await controls.get_by_role("button", name="Mute").click()
    assert (await engine.until_heard("Mute")).args == {"agent": "maria", "muted": True}
    await controls.get_by_role("button", name="Pause recording").click()
    assert (await engine.until_heard("PauseRecording")).args == {"agent": "maria", "paused": True}
    await engine.changes("maria", recording="paused", muted=True)
    await expect(controls.get_by_role("button", name="Record again")).to_be_visible()
    await expect(controls.get_by_role("button", name="Unmute")).to_be_visible()


async def test_keys_by_mouse_and_by_keyboard(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine
) -> None:
    """The keypad sends each key pressed on it or typed, and Escape gives the focus back; nothing is written down."""
    await engine.shows(agent())
    page = await desk(browser, console)
    await ring(engine)
    await engine.changes("maria", state="talking", bridged_at=time.time())
    button = page.get_by_role("button", name="Keypad")
    await button.click()
    await page.get_by_role("button", name="5", exact=True).click()
    assert (await engine.until_heard("SendDigits")).args == {"agent": "maria", "digits": "5"}
    for key in "1234#":
        await page.keyboard.press(key)
    await until(
        lambda: "".join(asked.args["digits"] for asked in engine.heard("SendDigits")) == "51234#", "six keys"
    )
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name="5", exact=True)).to_have_count(0)
    await expect(button).to_be_focused()


async def test_a_call_by_keyboard_alone(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine
) -> None:
    """Alt and a letter press what is on the screen, also while a note is written; `?` lists the keys, Escape closes."""
    await engine.shows(agent(status="not_ready", reason="lunch"))
    page = await desk(browser, console)
    await expect(state(page)).to_contain_text("Not ready")
    await page.keyboard.press("Alt+r")
    await engine.until_heard("Ready")
    await engine.changes("maria", status="ready", reason="")
    await ring(engine)
    await engine.changes("maria", state="talking", bridged_at=time.time())
    await expect(contact(page)).to_contain_text("Talking")
    await page.keyboard.press("Alt+w")
    await expect(page.get_by_label("Note")).to_be_focused()
    await page.keyboard.type("Two laptops?")
    await expect(page.get_by_label("Note")).to_have_value("Two laptops?")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.keyboard.press("Alt+h")
    assert (await engine.until_heard("Hold")).args["held"] is True
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_contain_text("Hang up")
    await page.keyboard.press("Alt+x")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    assert not engine.heard("HangUp")
    await page.keyboard.press("Alt+x")
    await engine.until_heard("HangUp")


async def test_every_key_of_the_list_is_on_some_button(
    browser: Browser, console: ConsoleProcess, engine: StandInEngine
) -> None:
    """What the list promises, a button of the desk carries: idle, talking (by a guide), asking a colleague, or with a
    message."""
    await engine.shows(agent())
    page = await desk(browser, console)
    await expect(page.locator("[aria-keyshortcuts='Alt+U']")).to_be_visible()
    await ring(engine, kind="voicemail")
    await expect(page.locator("[aria-keyshortcuts='Alt+A']")).to_be_visible()
    await engine.changes("maria", state="idle", contact="", offer={})
    await ring(engine)
    guide = {"guide": "g", "name": {"en": "G"}, "language": "en", "start": "hi", "answers": {},
             "steps": {"hi": {"say": "Hello", "field": "lights", "label": {"en": "Lights"}, "next": "bye",
                              "choices": [{"value": "red", "label": {"en": "Red"}, "go_to": "bye"}]},
                       "bye": {"say": "Bye"}}}  # fmt: skip
    await engine.changes("maria", state="talking", bridged_at=time.time(), recording="on", guide=guide)
    listed = await page.evaluate(
        "import('/static/js/shortcuts.js').then((m) => m.SHORTCUTS.map(([key]) => key))"
    )
    asking = {"Alt+C", "Alt+J", "Alt+B"}
    for key in set(listed) - {"?", "Alt+A", "Alt+U"} - asking:
        await expect(page.locator(f"[aria-keyshortcuts='{key.removesuffix('…9')}']")).to_have_count(1)
    asked = {"agent": "john", "name": "John", "number": "", "role": "consulted", "state": "talking"}
    await engine.changes("maria", parties=(asked,))
    for key in set(listed) & asking:
        await expect(page.locator(f"[aria-keyshortcuts='{key}']")).to_have_count(1)
