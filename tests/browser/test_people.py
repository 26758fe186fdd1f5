"""The pop for the eight people of the demo set, as the engine makes it: who, why, what to do, what else helps."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.axe import is_accessible
from tests.browser.demo_center import CRM_DEADLINE, DemoCenter
from tests.browser.pages import WATCH, contact, log_in, open_page

pytestmark = pytest.mark.asyncio(loop_scope="session")

SPANISH = ("Por qué llama", "Qué hacer", "Qué más ayuda")
ENGLISH = ("Why they call", "What to do", "What else helps")
CODE = re.compile(r"\b[a-z]+_[a-z0-9_]+\b|\b(?:es|en)/|undefined|null|NaN")
MARK = """() => {
  const still = [...document.querySelectorAll(".contact *")].filter((one) => !one.closest(".crm, .phase"));
  window.boxes = still.map((one) => [one, one.getBoundingClientRect()]);
  window.shifts = [];
  new PerformanceObserver((list) => window.shifts.push(...list.getEntries())).observe({ type: "layout-shift" });
}"""
MOVED = """() => [
  ...window.boxes.filter(([one, { x, y }]) => {
    const now = one.getBoundingClientRect();
    return one.isConnected && (now.x !== x || now.y !== y);
  }).map(([one]) => one.outerHTML.slice(0, 100)),
  ...window.shifts.flatMap(({ sources }) => [...sources])
    .filter(({ node }) => node?.parentElement?.closest(".contact"))
    .map(({ node, previousRect: was, currentRect: is }) =>
      `${node.outerHTML ?? node.data}: ${JSON.stringify(was)} ${JSON.stringify(is)}`),
]"""


class Person(NamedTuple):
    """Who calls which number and presses which key; the words that then stand in each block of the pop."""

    name: str
    number: str
    dials: str
    key: str
    who: tuple[str, ...]
    why: tuple[str, ...]
    to_do: tuple[str, ...]
    else_: tuple[str, ...]
    offers: int = 0


GOLD = Person(
    "Lucía Herrera", "+34600000101", "1000", "1",
    ("Oro", "Hola, Lucía Herrera. Gracias por seguir con nosotros.", "Español", "Teléfono", "Segunda línea móvil"),
    ("Ventas", "contrató la segunda línea móvil", "Ningún caso abierto"),
    ("No hay guion para esta llamada.", "Puede dar hasta 100,00 EUR"),
    ("Fibra 1 Gb", "Tiene móvil con nosotros y su zona ya da 1 Gb.", "Por cinco euros más al mes", "vale 9 EUR"),
    offers=1,
)  # fmt: skip
COMPLAINS = Person(
    "Carlos Restrepo", "+573005550102", "1000", "2",
    ("Estándar", "Hola, Carlos Restrepo.", "Español"),
    ("Soporte", "Llama otra vez", "reclamo abierto por doble cobro", "2291", "Factura cobrada dos veces", "Ana Torres"),
    ("Escuche hasta el final sin interrumpir.", "Siento mucho lo que ha pasado.", "Puede dar hasta 20,00 EUR"),
    ("Ahora no venda nada", "Tiene un reclamo abierto 2291", "Vuelve a llamar por lo mismo"),
)  # fmt: skip
MAY_LEAVE = Person(
    "Jorge Salas", "+525555550105", "1000", "2",
    ("Plata", "Español", "WhatsApp", "Fibra 300 Mb"),
    ("Soporte", "se quejó del precio"),
    ("Puede irse: su contrato termina en 12 días; se quejó hace 20 días.", "No discuta", "Lamento que piense"),
    ("Tres meses a mitad de precio", "Si se queda un año más"),
    offers=1,
)  # fmt: skip
COMPANY = Person(
    "Ferretería El Tornillo S. A.", "+576015550107", "1000", "1",
    ("Empresa", "le atiende su gestor de empresas", "Español", "E-mail", "Centralita", "Llama Marta Gil"),
    ("Ventas", "pidió oferta para 10 líneas nuevas"),
    ("Puede dar hasta 200,00 EUR",),
    ("Diez líneas móviles", "Cuenta de empresa que sigue creciendo.", "Para diez líneas más"),
    offers=1,
)  # fmt: skip
STRANGER = Person(
    "Unknown caller", "+12135550103", "2000", "1",
    ("Hello, who am I speaking with?", "English, maybe Spanish", "Los Angeles, CA"),
    ("Sales", "No earlier contact is known"),
    ("There is no guide for this call.",),
    ("Sell nothing now", "We do not know who calls."),
)  # fmt: skip
CALLS_AGAIN = Person(
    "Emily Carter", "+12135550104", "2000", "2",
    ("Standard", "Hello Emily Carter, how can I help you?", "English", "300 Mb fibre"),
    ("Support", "Calls again: called 2 times lately.", "router offline; restarted; not solved", "2302", "nobody’s"),
    ("Called for the same before?", "Which lights do you see on the router?", "Steady green"),
    ("Sell nothing now", "An open case 2302", "They call again about the same"),
)  # fmt: skip
NO_CONSENT = Person(
    "Daniel Brooks", "+13105550106", "2000", "1",
    ("Standard", "Hello Daniel Brooks", "English", "Post", "Mobile"),
    ("Sales", "asked to be taken off all offers"),
    ("You may give up to 10.00 EUR",),
    ("Sell nothing now", "They want no offers."),
)  # fmt: skip
GOLD_TOO = Person(
    "Sarah Whitman", "+14155550108", "2000", "2",
    ("Gold", "Hello Sarah Whitman, thank you for being with us.", "English", "E-mail"),
    ("Support", "moved to a new address", "No ticket is open"),
    ("Which lights do you see on the router?", "You may give up to 30.00 EUR"),
    ("Second mobile line",),
    offers=1,
)  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def center(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DemoCenter]:
    async with DemoCenter(tmp_path_factory.mktemp("demo")) as center:
        yield center


async def desk(browser: Browser, center: DemoCenter, user: str, **size: Any) -> Page:
    page = await open_page(browser, center.console.url, **size)
    await log_in(page, user, center.console.passwords[user])
    await page.evaluate(WATCH)
    return page


async def pop(center: DemoCenter, page: Page, person: Person, agent: str) -> str:
    """This person calls; all of the pop has been on the agent's page before the phone was dialled. Returns the leg."""
    leg = await center.call(person.number, person.dials, person.key)
    offered = await center.until("CallOffered")
    dialled = await center.until("AgentDialled")
    assert (dialled.data["agent"], dialled.data["shown"]) == (agent, True)
    said = await page.evaluate("() => window.said")
    assert offered.at <= said["at"] <= dialled.at + 1.0  # two clocks; the order is the engine's: shown
    told = (person.name, *person.who, *person.why, *person.to_do, *person.else_)
    assert [text for text in told if text not in said["desk"]] == []
    assert CODE.findall(said["desk"]) == []
    pop = contact(page)
    blocks = {
        ".contact-head": person.who,
        ".reason": person.why,
        ".to-do": person.to_do,
        ".offers": person.else_,
    }
    for block, texts in blocks.items():
        for text in texts:
            await expect(pop.locator(block)).to_contain_text(text)
    await expect(pop.locator(".offer")).to_have_count(person.offers)
    heads = await pop.locator("h1, h2").all_inner_texts()
    assert heads in ([person.name, *SPANISH], [person.name, *ENGLISH])
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing is cut off"
    return leg


async def test_those_who_call_in_spanish(browser: Browser, center: DemoCenter) -> None:
    """Gold with something to sell; an open complaint, so nothing; who may leave, with the offer for that alone; a
    company, with a note who speaks for it. Words, no codes; headings in the order in which an agent needs them."""
    page = await desk(browser, center, "maria", language="es")
    center.ready("maria")
    for person in (GOLD, COMPLAINS, COMPANY):
        await center.hangs_up(await pop(center, page, person, "maria"))
        await expect(contact(page)).to_have_class(re.compile("none"))
    leg = await pop(center, page, MAY_LEAVE, "maria")
    await is_accessible(page, "the pop of who may leave")
    await center.hangs_up(leg)


async def test_those_who_call_in_english(browser: Browser, center: DemoCenter) -> None:
    """On a telephone's screen. The stranger from Los Angeles gets Ana, who speaks both languages of the place, though
    John has been free for longer; who calls again, with the ticket; who wants no offers."""
    page = await desk(browser, center, "ana", width=390, height=844)
    center.ready("john", "ana")
    leg = await pop(center, page, STRANGER, "ana")
    await expect(contact(page).locator(".grant")).to_have_count(0)
    await center.hangs_up(leg)
    center.ready("ana")
    for person in (CALLS_AGAIN, NO_CONSENT):
        await center.hangs_up(await pop(center, page, person, "ana"))
        await expect(contact(page)).to_have_class(re.compile("none"))


WIDE, NARROW = {"width": 1440}, {"width": 390, "height": 844}


@pytest.mark.parametrize(
    ("size", "person", "said"),
    [
        (WIDE, GOLD_TOO, "The CRM does not answer. All you see is of the last import,"),
        (NARROW, STRANGER._replace(number="+12135550190"), "The CRM does not answer."),
    ],
    ids=["wide", "narrow"],
)
async def test_a_crm_that_does_not_answer(
    browser: Browser, center: DemoCenter, size: dict[str, Any], person: Person, said: str
) -> None:
    """The phone rings while the CRM hangs; the page then says so, and of when what it shows is. Nothing moves."""
    page = await desk(browser, center, "ana", **size)
    center.ready("ana")
    center.crm.answers[person.number] = None
    leg = await pop(center, page, person, "ana")
    arrived, dialled = await center.until("CallArrived"), await center.until("AgentDialled")
    crm = contact(page).locator(".crm")
    await expect(crm).to_have_text("The CRM is being asked…")
    assert dialled.at - arrived.at < CRM_DEADLINE
    await page.evaluate(MARK)
    filled = await center.until("CustomerFilledIn", profile={"crm": "away"})
    assert filled.at > dialled.at
    await expect(crm).to_contain_text(said)
    await is_drawn(page)
    assert await page.evaluate(MOVED) == []
    await center.hangs_up(leg)


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
async def test_what_a_slow_crm_knows(browser: Browser, center: DemoCenter, size: dict[str, Any]) -> None:
    """Of a stranger: name, segment and greeting come where such things stand, tickets and hints into a place of their
    own; nothing else moves."""
    page = await desk(browser, center, "ana", **size)
    center.ready("ana")
    number = f"+1213555{size['width']:04}"
    case = {"no": "A-77", "title": "Line is noisy"}
    facts = [{"kind": "note", "text": "Hard of hearing: speak slowly"}]
    center.crm.answers[number] = {
        "full_name": "Grace Hooper",
        "tier": "gold",
        "cases": [case],
        "facts": facts,
    }
    center.crm.may_answer.clear()
    leg = await center.call(number, "2000", "1")
    await center.until("AgentDialled", shown=True)
    head, crm = contact(page).locator(".contact-head"), contact(page).locator(".crm")
    await expect(head).to_contain_text("Unknown caller")
    await page.evaluate(MARK)
    center.crm.may_answer.set()
    for text in ("Grace Hooper", "Gold"):
        await expect(head).to_contain_text(text)
    for text in ("The CRM adds:", "A-77", "Line is noisy", "Hard of hearing"):
        await expect(crm).to_contain_text(text)
    await is_drawn(page)
    assert await page.evaluate(MOVED) == []
    await center.hangs_up(leg)


async def is_drawn(page: Page) -> None:
    """The frame with what stands there now, and what was observed of it."""
    await page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
