"""All browser phones of a center: what consoles ask on their sockets, and what the edge brings for whom."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from sipmessage import Message, Request

from cti_engine.webrtc_gateway.call import Saved, SavedRing
from cti_engine.webrtc_gateway.config import GatewayConfig
from cti_engine.webrtc_gateway.phone import AgentPhone, Refused
from cti_engine.webrtc_gateway.registration import Line
from cti_engine.webrtc_gateway.sip_endpoint import Endpoint
from cti_engine.wire import browser_phone
from cti_engine.wire.browser_phone import (
    MAX_LINE,
    AnswerPhone,
    ConnectPhone,
    DisconnectPhone,
    HangUpPhone,
    PageAsks,
    PageGone,
    PhoneRequest,
    PhoneSays,
    Reply,
    TestEcho,
)
from cti_engine.wire.envelope import ReplyError, ReplyMessage
from cti_engine.wire.private_files import write_private
from cti_engine.wire.tasks import spawn

BACK_WITHIN = 10.0
"""Seconds after our start in which a call may come for an agent whose page has not found us again yet."""
_REQUESTS: dict[str, type[PhoneRequest]] = {
    type_.__name__: type_ for type_ in (ConnectPhone, DisconnectPhone, AnswerPhone, HangUpPhone, TestEcho)
}

_log = logging.getLogger("cti.gateway")


@dataclass(frozen=True, slots=True)
class Life:
    """What the next life of the gateway needs: the SIP port that dialogs and registrations name, and the calls."""

    sip_port: int = 0
    calls: tuple[Saved, ...] = ()
    rings: tuple[SavedRing, ...] = ()


class Gateway:
    """`now` gives wall seconds: only what is kept for the next life needs them."""

    def __init__(self, config: GatewayConfig, now: Callable[[], float]) -> None:
        self._config = config
        self._now = now
        self._endpoint = Endpoint((config.edge_host, config.edge_port), self._from_edge)
        self._line = Line(self._endpoint, config.advertise, 0)
        self._phones: dict[str, AgentPhone] = {}
        self._consoles: dict[str, asyncio.StreamWriter] = {}  # of each page
        self._server: asyncio.AbstractServer | None = None
        self._started_at = time.monotonic()
        self._closing = False

    @property
    def sip_port(self) -> int:
        return self._line.port

    async def start(self) -> None:
        """Raises OSError."""
        earlier = self._earlier_life()
        try:
            self._line.port = await self._endpoint.open(self._config.bind, earlier.sip_port)
        except OSError:  # somebody else has taken it meanwhile: what was there cannot be reached
            self._line.port, earlier = await self._endpoint.open(self._config.bind, 0), Life()
        for saved in earlier.calls:
            await self._resume(saved)
        for ring in earlier.rings:
            self._ring_again(ring)
        self._keep_life()
        Path(self._config.address).unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, self._config.address, limit=MAX_LINE)
        Path(self._config.address).chmod(0o600)

    async def close(self) -> None:
        """All calls get their BYE, all phones are un-registered."""
        self._closing = True
        if self._server is not None:
            self._server.close()
        await asyncio.gather(*(phone.close() for phone in list(self._phones.values())))
        self._config.calls_file.unlink(missing_ok=True)
        self._endpoint.close()

    def _phone(self, agent: str) -> AgentPhone:
        phone = self._phones.get(agent)
        if phone is None:
            phone = self._phones[agent] = AgentPhone(
                self._config, self._line, agent, self._tell, self._keep_life, self._forget
            )
        return phone

    def _forget(self, agent: str) -> None:
        self._phones.pop(agent, None)

    # --- consoles ---------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                match browser_phone.read_to_gateway(line):
                    case PageAsks() as asked:
                        self._consoles[asked.page] = writer
                        spawn(self._answer(asked, writer), asked.name)
                    case PageGone(page):
                        self._page_gone(page)
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            _log.warning("a console's socket: %s", error)
        finally:
            for page in [page for page, console in self._consoles.items() if console is writer]:
                self._page_gone(page)
            writer.close()

    def _page_gone(self, page: str) -> None:
        self._consoles.pop(page, None)
        for phone in list(self._phones.values()):
            phone.page_gone(page)

    async def _answer(self, asked: PageAsks, writer: asyncio.StreamWriter) -> None:
        try:
            result = await self._do(asked)
            reply = ReplyMessage(asked.id, True, None, result)
        except Refused as refused:
            reply = ReplyMessage(asked.id, False, ReplyError(refused.code, str(refused)))
        writer.write(browser_phone.line_of(Reply(reply)))

    async def _do(self, asked: PageAsks) -> dict[str, str]:
        """Raises Refused."""
        try:
            request: PhoneRequest = msgspec.convert(
                {**asked.args, "request": asked.id}, _REQUESTS[asked.name]
            )
        except (KeyError, msgspec.ValidationError) as error:
            raise Refused("bad_request", f"{asked.name}: {error}") from error
        if isinstance(request, ConnectPhone):
            if self._closing:
                raise Refused("phone_away", "the gateway stops")
            return await self._phone(request.agent).connect(asked.page, request)
        phone = self._phones.get(request.agent)
        if phone is None or phone.page != asked.page:
            raise Refused("no_such_line", "the phone is not in this page")
        match request:
            case DisconnectPhone():
                await phone.disconnect()
            case AnswerPhone():
                await phone.answer()
            case HangUpPhone():
                phone.hang_up()
            case TestEcho(on=on):
                phone.echo(on)
        return {}

    def _tell(self, said: PhoneSays) -> None:
        writer = self._consoles.get(said.page)
        if writer is not None and not writer.is_closing():
            writer.write(browser_phone.line_of(said))

    # --- the edge ---------------------------------------------------------------------------------

    def _from_edge(self, request: Request) -> None:
        for phone in self._phones.values():
            if phone.in_dialog(request):
                return
        agent = request.uri.user or ""
        if request.method == "INVITE" and "tag" not in request.to_address.parameters:
            young = time.monotonic() - self._started_at < BACK_WITHIN
            if agent in self._phones or (young and agent):
                self._phone(agent).invite(request)
            else:
                self._endpoint.respond(request, 480, "Temporarily Unavailable")
        elif request.method == "OPTIONS":
            self._endpoint.respond(request, 200, "OK")
        elif request.method != "ACK":
            self._endpoint.respond(request, 481, "Call/Transaction Does Not Exist")

    # --- the next life ----------------------------------------------------------------------------

    def _keep_life(self) -> None:
        """Written when a call begins to ring or to talk and when it ends: a few times a minute for an agent."""
        if self._closing:
            return
        calls = [phone.call for phone in self._phones.values() if phone.call is not None]
        life = Life(
            self._line.port,
            tuple(call.saved(self._now()) for call in calls if call.state == "talking"),
            tuple(call.saved_ring() for call in calls if call.state == "ringing"),
        )
        try:
            write_private(self._config.calls_file, msgspec.json.encode(life))
        except OSError as error:
            _log.error("calls would not outlive the gateway: %s", error)

    def _earlier_life(self) -> Life:
        try:
            return msgspec.json.decode(self._config.calls_file.read_bytes(), type=Life)
        except FileNotFoundError:
            return Life()
        except (OSError, msgspec.MsgspecError) as error:
            _log.error("calls of an earlier life cannot be read: %s", error)
            return Life()

    def _ring_again(self, saved: SavedRing) -> None:
        """A CANCEL that came while nobody was here comes again until it is answered."""
        invite = Message.parse(saved.invite.encode())
        assert isinstance(invite, Request)
        self._phone(saved.agent).invite(invite, saved.tag)

    async def _resume(self, saved: Saved) -> None:
        try:
            await self._phone(saved.agent).resume(saved, self._now())
            _log.info("the call of %s goes on", saved.agent)
        except OSError as error:
            _log.error("the call of %s cannot go on: %s", saved.agent, error)
