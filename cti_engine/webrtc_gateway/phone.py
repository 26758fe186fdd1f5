"""One agent's browser phone: the page that has it, its line to the browser, its registration and its call.

The call outlives the page: a page that is loaded again gets its audio back. Only one page has the phone.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from sipmessage import Request

from cti_engine.webrtc_gateway import rtp
from cti_engine.webrtc_gateway.call import Call, Saved
from cti_engine.webrtc_gateway.config import GatewayConfig
from cti_engine.webrtc_gateway.registration import Line, Registration
from cti_engine.webrtc_gateway.rtp import Packet, Stream
from cti_engine.webrtc_gateway.sdp import BadOffer
from cti_engine.wire.browser_phone import ConnectPhone, PhoneSays
from cti_engine.wire.tasks import spawn

if TYPE_CHECKING:
    from cti_engine.webrtc_gateway.passthrough import BrowserPeer

ECHO_DELAY = 50  # packets: one second

_log = logging.getLogger("cti.gateway")


class Refused(Exception):
    """A request that is not done; `code` is for the page, the text for whoever reads it."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def _browser_side(bind: str) -> type[BrowserPeer]:
    """In a thread: aiortc and its codecs are 30 MB and half a second, which only the first browser asks for."""
    from cti_engine.webrtc_gateway import passthrough

    passthrough.listen_on(bind)
    return passthrough.BrowserPeer


class AgentPhone:
    """`tell(PhoneSays)` goes to the page that has the phone. `on_call()` is told when a call began or ended to talk,
    `on_gone(agent)` when nothing of the phone is left."""

    def __init__(
        self,
        config: GatewayConfig,
        line: Line,
        agent: str,
        tell: Callable[[PhoneSays], None],
        on_call: Callable[[], None],
        on_gone: Callable[[str], None],
    ) -> None:
        self._config = config
        self._line = line
        self.agent = agent
        self._tell = tell
        self._on_call = on_call
        self._on_gone = on_gone
        self.page = ""
        self._tab = ""
        self._browser_line = ""
        self._peer: BrowserPeer | None = None
        self._stream = Stream(0)  # to the browser
        self._registration: Registration | None = None
        self.call: Call | None = None
        self._echo: deque[bytes] | None = None
        self._heard_at = 0.0  # when the browser last sent anything
        self._left_at = time.monotonic()
        self._leaving: asyncio.TimerHandle | None = None
        self._expect_page()

    # --- the page ---------------------------------------------------------------------------------

    async def connect(self, page: str, asked: ConnectPhone) -> dict[str, str]:
        """The page's line: a new one for an offer, else the one it has. Raises Refused."""
        if self.page not in ("", page) and asked.tab != self._tab and not asked.take_over:
            raise Refused("phone_elsewhere", "this phone is used in another tab or window")
        if not asked.sdp and (not asked.line or asked.line != self._browser_line):
            raise Refused("no_such_line", "this line is gone: connect anew")
        result = {"line": self._browser_line}
        if asked.sdp:
            peer, answer = await self._answered(asked.sdp)
            self._drop_peer()
            self._peer, self._browser_line = peer, secrets.token_hex(8)
            self._stream = Stream(peer.ssrc, (secrets.randbits(14), secrets.randbits(31)))
            result = {"sdp": answer, "line": self._browser_line}
        if self.page not in ("", page):
            self._tell(PhoneSays(self.page, elsewhere=True))
        self.page, self._tab = page, asked.tab
        self._expect_page()
        if self._registration is None:
            self._registration = Registration(self._config, self._line, self.agent, lambda _: self.say())
        self.say()
        return result

    async def _answered(self, sdp: str) -> tuple[BrowserPeer, str]:
        peer: BrowserPeer

        def audio(packet: Packet) -> None:
            if self._peer is peer:
                self._from_browser(packet)

        def state(state: str) -> None:
            if state == "closed" and self._peer is peer:
                self._drop_peer()

        peer = (await asyncio.to_thread(_browser_side, self._config.bind))(audio, state)
        try:
            return peer, await peer.answer(sdp)
        except BadOffer as error:
            await peer.close()
            raise Refused("bad_offer", str(error)) from error

    def _drop_peer(self) -> None:
        self._echo = None
        if self._peer is not None:
            spawn(self._peer.close(), "close of a browser's line")
        self._peer, self._browser_line = None, ""

    def page_gone(self, page: str) -> None:
        """Its WebSocket is closed. The line lives on: the page may be back in a moment."""
        if page == self.page:
            self.page = ""
            self._left_at = time.monotonic()
            self._expect_page()

    def _expect_page(self) -> None:
        """Without a page for too long the phone is given up."""
        if self._leaving is not None:
            self._leaving.cancel()
        self._leaving = None
        if not self.page:
            wait = self._config.idle_grace
            self._leaving = asyncio.get_running_loop().call_later(wait, self._page_stays_away)

    def _page_stays_away(self) -> None:
        if self.call is not None:
            self._expect_page()  # asked again when the call is over
        else:
            spawn(self.close(), f"end of {self.agent}'s phone")

    async def disconnect(self) -> None:
        """The agent has chosen another phone. Raises Refused."""
        if self.call is not None:
            raise Refused("in_call", "first end the call")
        await self.close()

    def say(self) -> None:
        """Tell the page how its phone is."""
        if not self.page:
            return
        call = self.call
        registered = self._registration is not None and self._registration.registered
        known = (call.state, call.number, call.name) if call is not None else ("none", "", "")
        self._tell(PhoneSays(self.page, registered, *known, echo=self._echo is not None))

    async def close(self) -> None:
        """Hang up, un-register, close the line."""
        if self._leaving is not None:
            self._leaving.cancel()
        if self.call is not None:
            self.call.hang_up()
        registration, self._registration = self._registration, None
        self._drop_peer()
        if registration is not None:
            await registration.end()
        if self._registration is None:  # no page has connected meanwhile
            if self.page:
                self._tell(PhoneSays(self.page))
            self.page = ""
            self._on_gone(self.agent)

    # --- the call ---------------------------------------------------------------------------------

    def invite(self, request: Request, tag: str = "") -> None:
        """A call comes, or one that rang in the gateway's earlier life. The page picks up, by hand or by itself."""
        if self.call is not None:
            self._line.endpoint.respond(request, 486, "Busy Here")
            return
        self._echo = None
        self.call = self._new_call()
        self.call.ring(request, tag)
        self._on_call()
        self.say()

    def _new_call(self) -> Call:
        return Call(
            self._line, self.agent, self._config.bind, self._to_browser, self._call_changed, self._keep_alive
        )

    async def resume(self, saved: Saved, wall: float) -> None:
        """A call of the gateway's earlier life goes on. Raises OSError."""
        self.call = call = self._new_call()
        try:
            await call.resume(saved, wall)
        except OSError:
            self.call = None
            raise

    def in_dialog(self, request: Request) -> bool:
        """Whether this belongs to our call."""
        if self.call is None or self.call.call_id != request.call_id:
            return False
        self.call.take(request)
        return True

    def _call_changed(self) -> None:
        if self.call is not None and self.call.over:
            self.call = None
        self._on_call()
        self.say()

    def _keep_alive(self) -> bool:
        """Silence stands in for a page that may be back; one that stays away has vanished like any phone."""
        left = self._left_at if not self.page else time.monotonic()
        return time.monotonic() - max(left, self._heard_at) < self._config.call_grace

    async def answer(self) -> None:
        """Raises Refused."""
        if self.call is None or self.call.state != "ringing":
            raise Refused("not_ringing", "no call rings")
        try:
            await self.call.answer()
        except OSError as error:
            raise Refused("no_port", f"no port for the call's audio: {error}") from error

    def hang_up(self) -> None:
        """Raises Refused."""
        if self.call is None:
            raise Refused("no_call", "there is no call")
        self.call.hang_up()

    # --- audio ------------------------------------------------------------------------------------

    def _from_browser(self, packet: Packet) -> None:
        self._heard_at = time.monotonic()
        if self.call is not None:
            self.call.say(packet)
        elif self._echo is not None:
            self._echo.append(packet.payload)
            if len(self._echo) > ECHO_DELAY and self._peer is not None:
                data = self._stream.own(self._echo.popleft(), self._heard_at)
                self._peer.send(data, self._stream.timestamp)

    def _to_browser(self, packet: Packet) -> None:
        if self._peer is not None and packet.payload_type == rtp.PCMU:
            data = self._stream.forward(packet, time.monotonic())
            self._peer.send(data, self._stream.timestamp)

    def echo(self, on: bool) -> None:
        """Raises Refused."""
        if on and self.call is not None:
            raise Refused("in_call", "not during a call")
        if on and self._peer is None:
            raise Refused("no_such_line", "the phone is not connected")
        self._echo = deque() if on else None
        self.say()
