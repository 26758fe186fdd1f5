"""A SIP user agent written out by hand, so that tests decide every header that goes over the wire."""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
from dataclasses import dataclass

from sipmessage import Address, Message, Request, Response

from cti_engine.sip_edge.transports import Framer
from cti_engine.wire.sip_digest import _PARAMETER
from cti_engine.wire.tasks import spawn

SDP = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
SipMessage = Request | Response


@dataclass
class Dialog:
    """What one side knows of a dialog (RFC 3261 12); `local` and `remote` are From or To values with tags."""

    call_id: str
    local: str
    remote: str
    target: str
    routes: list[str]
    cseq: int = 1


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._agent.came(data)


class Agent:
    """Sends and expects whole messages. Unexpected ones stay in `inbox`, in order of arrival."""

    def __init__(
        self,
        name: str,
        *,
        host: str = "127.0.0.1",
        transport: str = "udp",
        edge_port: int = 0,
        port: int = 0,
    ) -> None:
        self.name = name
        self.host = host
        self.transport = transport
        self.edge_port = edge_port
        self.port = port
        self.inbox: list[SipMessage] = []
        self.raw: list[bytes] = []
        self._news = asyncio.Event()
        self._datagrams: asyncio.DatagramTransport | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        if self.transport == "udp":
            self._datagrams, _ = await loop.create_datagram_endpoint(
                lambda: _Datagrams(self), local_addr=(self.host, self.port)
            )
            self.port = self._datagrams.get_extra_info("sockname")[1]
            return
        reader, self._writer = await asyncio.open_connection(
            "127.0.0.1", self.edge_port, local_addr=(self.host, self.port)
        )
        self.port = self._writer.get_extra_info("sockname")[1]
        self._reading = spawn(self._read(reader), self.name)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        framer = Framer()
        while data := await reader.read(65536):
            for message in framer.feed(data):
                self.came(message)

    def came(self, data: bytes) -> None:
        self.raw.append(data)
        if b"\xff" not in data:  # the answer to bytes that are no UTF-8 repeats them
            self.inbox.append(Message.parse(data))
            self._news.set()

    async def close(self) -> None:
        if self._datagrams is not None:
            self._datagrams.close()
        if self._reading is not None:
            self._reading.cancel()
        if self._writer is not None:
            self._writer.close()

    # --- sending ----------------------------------------------------------------------------------

    def send(self, data: bytes | str, *, to: tuple[str, int] | None = None) -> None:
        data = data.encode() if isinstance(data, str) else data
        if self._datagrams is not None:
            self._datagrams.sendto(data, to or ("127.0.0.1", self.edge_port))
        else:
            assert self._writer is not None
            self._writer.write(data)

    @property
    def contact(self) -> str:
        transport = ";transport=tcp" if self.transport == "tcp" else ""
        return f"sip:{self.name}@{self.host}:{self.port}{transport}"

    def via(self, branch: str = "") -> str:
        branch = branch or f"z9hG4bK{secrets.token_hex(6)}"
        return f"SIP/2.0/{self.transport.upper()} {self.host}:{self.port};branch={branch};rport"

    def request(
        self,
        method: str,
        uri: str,
        *,
        to: str = "",
        from_: str = "",
        call_id: str = "",
        cseq: int = 1,
        via: str = "",
        headers: tuple[tuple[str, str], ...] = (),
        body: bytes = b"",
        contact: str = "",
    ) -> bytes:
        """The text of a request with the six headers of RFC 3261 8.1.1."""
        content = (("Content-Type", "application/sdp"),) if body else ()
        lines = [
            f"{method} {uri} SIP/2.0", f"Via: {via or self.via()}", "Max-Forwards: 70",
            f"From: {from_ or f'<sip:{self.name}@127.0.0.1>;tag={secrets.token_hex(4)}'}",
            f"To: {to or f'<{uri}>'}", f"Call-ID: {call_id or secrets.token_hex(8)}",
            f"CSeq: {cseq} {method}", f"Contact: <{contact or self.contact}>",
            *(f"{name}: {value}" for name, value in (*headers, *content)),
            f"Content-Length: {len(body)}",
        ]  # fmt: skip
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def invite(self, number: str, **fields: object) -> Request:
        """Send an INVITE with SDP to a number at the edge; returns what was sent."""
        fields.setdefault("body", SDP)
        data = self.request("INVITE", f"sip:{number}@127.0.0.1:{self.edge_port}", **fields)  # type: ignore[arg-type]
        self.send(data)
        sent = Message.parse(data)
        assert isinstance(sent, Request)
        return sent

    def respond(self, request: Request, code: int, *, tag: str = "", body: bytes = b"") -> Response:
        """Answer as a phone does: Via, Record-Route, From, To, Call-ID and CSeq copied (RFC 3261 8.2.6)."""
        copied = ["Via", "Record-Route", "From", "To", "Call-ID", "CSeq"]
        response = Response(code, "Whatever", body)
        for name in copied:
            for value in request.headers.getlist(name):
                response.headers.add(name, value)
        if code > 100 and "tag=" not in response.headers["To"]:
            response.headers.set("To", f"{response.headers['To']};tag={tag or self.name}")
        response.headers.set("Contact", f"<{self.contact}>")
        if body:
            response.headers.set("Content-Type", "application/sdp")
        response.headers.set("Content-Length", str(len(body)))
        self.send(bytes(response))
        return response

    def ack_refusal(self, sent: Request, response: Response) -> None:
        """The ACK of a 3xx-6xx: same branch, same Request-URI (RFC 3261 17.1.1.3)."""
        self.send(
            self.request(
                "ACK",
                str(sent.uri),
                to=response.headers["To"],
                from_=sent.headers["From"],
                call_id=sent.call_id,
                cseq=sent.cseq.sequence,
                via=sent.headers["Via"],
            )
        )

    def cancel(self, sent: Request, **fields: object) -> None:
        self.send(
            self.request(
                "CANCEL",
                str(sent.uri),
                to=sent.headers["To"],
                from_=sent.headers["From"],
                call_id=sent.call_id,
                cseq=sent.cseq.sequence,
                via=sent.headers["Via"],
                **fields,  # type: ignore[arg-type]
            )
        )

    def within(self, dialog: Dialog, method: str, *, body: bytes = b"", **fields: object) -> Request:
        """Send a request in a dialog, by its route set."""
        if method != "ACK":
            dialog.cseq += 1
        fields.setdefault("headers", tuple(("Route", route) for route in dialog.routes))
        fields.setdefault("call_id", dialog.call_id)
        data = self.request(
            method, dialog.target, to=dialog.remote, from_=dialog.local, cseq=dialog.cseq, body=body, **fields,  # type: ignore[arg-type]
        )  # fmt: skip
        self.send(data)
        sent = Message.parse(data)
        assert isinstance(sent, Request)
        return sent

    # --- expecting --------------------------------------------------------------------------------

    async def expect(self, wanted: str | int, *, method: str = "", within: float = 5.0) -> SipMessage:
        """The first message with this method (a request) or code (a response, of `method` if given)."""

        def fits(message: SipMessage) -> bool:
            if isinstance(message, Request):
                return message.method == wanted
            return message.code == wanted and (not method or message.cseq.method == method)

        try:
            async with asyncio.timeout(within):
                while True:
                    for message in self.inbox:
                        if fits(message):
                            self.inbox.remove(message)
                            return message
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(
                f"{self.name}: no {wanted} {method} within {within} s, but {self.seen()}"
            ) from None

    async def expect_request(self, method: str, *, within: float = 5.0) -> Request:
        message = await self.expect(method, within=within)
        assert isinstance(message, Request)
        return message

    async def expect_response(self, code: int, method: str = "", *, within: float = 5.0) -> Response:
        message = await self.expect(code, method=method, within=within)
        assert isinstance(message, Response)
        return message

    def seen(self) -> list[str]:
        return [
            message.method if isinstance(message, Request) else f"{message.code} {message.headers['CSeq']}"
            for message in self.inbox
        ]

    # --- REGISTER ---------------------------------------------------------------------------------

    async def register(
        self, password: str, *, expires: int = 60, contact: str = "", call_id: str = "", cseq: int = 1
    ) -> Response:
        """The final answer to a REGISTER with digest; `contact` "*" un-registers all."""
        uri = f"sip:127.0.0.1:{self.edge_port}"
        call_id = call_id or f"reg-{self.name}-{secrets.token_hex(4)}"
        aor = f"<sip:{self.name}@127.0.0.1>"

        def write(cseq: int, *more: tuple[str, str]) -> bytes:
            data = self.request(
                "REGISTER", uri, to=aor, from_=f"{aor};tag=r", call_id=call_id, cseq=cseq,
                headers=(("Expires", str(expires)), *more), contact=contact,
            )  # fmt: skip
            return data.replace(b"Contact: <*>", b"Contact: *")

        self.send(write(cseq))
        challenge = await self.expect_response(401, "REGISTER")
        answer = authorization(challenge.headers["WWW-Authenticate"], "REGISTER", uri, self.name, password)
        self.send(write(cseq + 1, ("Authorization", answer)))
        return await self.final("REGISTER")

    async def final(self, method: str, *, within: float = 5.0) -> Response:
        """The first final response to a request with this method."""
        async with asyncio.timeout(within):
            while True:
                for message in self.inbox:
                    if (
                        isinstance(message, Response)
                        and message.code >= 200
                        and message.cseq.method == method
                    ):
                        self.inbox.remove(message)
                        return message
                self._news.clear()
                await self._news.wait()


def authorization(challenge: str, method: str, uri: str, user: str, password: str, *, count: int = 1) -> str:
    """Credentials by RFC 7616 3.4.1, written from the RFC and not with the edge's own code."""
    given = {name: quoted or plain for name, quoted, plain in _PARAMETER.findall(challenge)}
    hashed = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}[given["algorithm"]]

    def h(text: str) -> str:
        return hashed(text.encode()).hexdigest()

    cnonce = secrets.token_hex(4)
    ha1, ha2 = h(f"{user}:{given['realm']}:{password}"), h(f"{method}:{uri}")
    response = h(f"{ha1}:{given['nonce']}:{count:08x}:{cnonce}:auth:{ha2}")
    return (
        f'Digest username="{user}", realm="{given["realm"]}", nonce="{given["nonce"]}", uri="{uri}", '
        f'response="{response}", algorithm={given["algorithm"]}, qop=auth, nc={count:08x}, cnonce="{cnonce}"'
    )


def caller_dialog(sent: Request, answered: Response) -> Dialog:
    """The dialog as the one who sent the INVITE has it: route set in reverse order (RFC 3261 12.1.2)."""
    return Dialog(
        sent.call_id, sent.headers["From"], answered.headers["To"], _target(answered),
        _record_routes(answered)[::-1], sent.cseq.sequence,
    )  # fmt: skip


def callee_dialog(received: Request, answered: Response) -> Dialog:
    """The dialog as the one who answered the INVITE has it (RFC 3261 12.1.1)."""
    return Dialog(
        received.call_id, answered.headers["To"], received.headers["From"], _target(received),
        _record_routes(received), 100,
    )  # fmt: skip


def _target(message: SipMessage) -> str:
    found = re.search("<(.*?)>", message.headers["Contact"])
    assert found
    return found[1]


def _record_routes(message: SipMessage) -> list[str]:
    return [
        str(route) for value in message.headers.getlist("Record-Route") for route in Address.parse_many(value)
    ]
