"""Messages in the page: the recording is for the agent who has it on the desk, and for nobody else."""

from __future__ import annotations

import pytest

from tests.console.stand_in_engine import StandInEngine
from tests.console.world import Person, agent

pytestmark = pytest.mark.asyncio(loop_scope="session")

SOUND = b"RIFF" + bytes(40) + b"sound"


async def _desk(person: Person, engine: StandInEngine, name: str) -> None:
    folder = person.console.folder / "recordings"
    folder.mkdir(exist_ok=True)
    (folder / "c1-p3.wav").write_bytes(SOUND)
    offer = {"kind": "voicemail", "message": name, "contact": "c-7"}
    async with person.page() as page:
        await page.until("snapshot")
        await engine.shows(agent(state="ringing", contact="c-7", offer=offer))
        await page.until("state", id="maria")


async def test_the_agent_hears_the_message_on_the_desk(maria: Person, engine: StandInEngine) -> None:
    """As a WAV file that no cache keeps; another contact's is not given."""
    await _desk(maria, engine, "c1-p3.wav")
    async with maria.http.get("/api/message/c-7") as response:
        assert (response.status, response.content_type) == (200, "audio/wav")
        assert response.headers["Cache-Control"] == "no-store"
        assert await response.read() == SOUND
    status, answer = await maria.get("/api/message/c-8")
    assert (status, answer["error"]["code"]) == (404, "no_message")


async def test_nobody_else_hears_it(maria: Person, engine: StandInEngine) -> None:
    """Neither who has it not on the desk, nor who is not logged in; and no name leads out of the folder."""
    await _desk(maria, engine, "../accounts.db")
    status, _ = await maria.get("/api/message/c-7")
    assert status == 404
    other = Person(maria.console)
    status, _ = await other.get("/api/message/c-7")
    assert status == 401
    await other.log_in("john")
    status, _ = await other.get("/api/message/c-7")
    assert status == 404
    await other.close()
