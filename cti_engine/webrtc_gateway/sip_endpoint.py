"""Transactions of a phone behind one proxy, over UDP (RFC 3261 17): everything comes from the edge and goes to it.

Answers are kept for repeated requests, our requests are repeated until they are answered. What comes from any other
address is dropped: only the edge knows who may call whom.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable

from sipmessage import Message, Request, Response

T1, T2 = 0.5, 4.0
LIFE = 64 * T1
_COPIED = ("Via", "Record-Route", "From", "To", "Call-ID", "CSeq")

_log = logging.getLogger("cti.gateway.sip")


class NoAnswer(Exception):
    """Nobody answered our request within 32 s."""


class Endpoint(asyncio.DatagramProtocol):
    """`on_request` gets each request once, ACKs too. `edge` is (address, port)."""

    def __init__(self, edge: tuple[str, int], on_request: Callable[[Request], None]) -> None:
        self._edge = edge
        self._on_request = on_request
        self._transport: asyncio.DatagramTransport | None = None
        self._answers: dict[tuple[str, str], bytes] = {}  # what was said to a request, by branch and method
        self._asked: dict[str, asyncio.Future[Response]] = {}
        self.dropped = 0

    async def open(self, host: str, port: int) -> int:
        """Listen; the port. Raises OSError."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, port))
        return int(self._transport.get_extra_info("sockname")[1])

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def send(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, self._edge)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if addr[:2] != self._edge or not data.strip():
            self.dropped += bool(data.strip())
            return
        try:
            message = Message.parse(data)
            branch = str(message.via[0].parameters["branch"])
            method = message.cseq.method
        except (ValueError, KeyError, IndexError) as error:
            self.dropped += 1
            _log.warning("dropped a message that cannot be read: %s", error)
            return
        if isinstance(message, Response):
            asked = self._asked.get(branch)
            if asked is not None and message.code >= 200 and not asked.done():
                asked.set_result(message)
        elif message.method == "ACK":
            self._on_request(message)
        elif (branch, method) in self._answers:
            if answer := self._answers[branch, method]:
                self.send(answer)
        else:
            self._answers[branch, method] = b""
            self._on_request(message)

    # --- answering --------------------------------------------------------------------------------

    def respond(
        self,
        request: Request,
        code: int,
        phrase: str,
        *headers: tuple[str, str],
        tag: str = "",
        body: bytes = b"",
    ) -> bytes:
        """Answer; the answer as sent. It is repeated whenever the request is."""
        response = Response(code, phrase, body)
        for name in _COPIED:
            for value in request.headers.getlist(name):
                response.headers.add(name, value)
        if "tag=" not in response.headers["To"]:
            response.headers.set("To", f"{response.headers['To']};tag={tag or secrets.token_hex(6)}")
        for name, value in headers:
            response.headers.set(name, value)
        if body:
            response.headers.set("Content-Type", "application/sdp")
        response.headers.set("Content-Length", str(len(body)))
        data = bytes(response)
        key = (str(request.via[0].parameters["branch"]), request.method)
        if code >= 200:
            asyncio.get_running_loop().call_later(LIFE, self._answers.pop, key, None)
        self._answers[key] = data
        self.send(data)
        return data

    # --- asking -----------------------------------------------------------------------------------

    async def ask(self, write: Callable[[str], bytes]) -> Response:
        """Send what `write(branch)` makes until it is answered; the final answer. Raises NoAnswer."""
        branch = f"z9hG4bK{secrets.token_hex(8)}"
        loop = asyncio.get_running_loop()
        asked: asyncio.Future[Response] = loop.create_future()
        self._asked[branch] = asked
        data, pause, ends = write(branch), T1, loop.time() + LIFE
        try:
            while loop.time() < ends:
                self.send(data)
                await asyncio.wait({asked}, timeout=pause)
                if asked.done():
                    return asked.result()
                pause = min(2 * pause, T2)
        finally:
            del self._asked[branch]
        raise NoAnswer
