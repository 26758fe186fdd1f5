"""Malformed and strange messages, after RFC 4475 and by random mutation: answered or dropped, never a fault."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cti_engine.sip_edge.config import EdgeConfig, Guests, Limits, Trunk
from cti_engine.sip_edge.edge import Edge
from cti_engine.sip_edge.hop import Hop
from cti_engine.sip_edge.messages import Malformed, SipRequest, answer_malformed, read, split_commas
from cti_engine.sip_edge.signatures import PHONE, WORKER, RouteSigner, Side
from cti_engine.sip_edge.transports import Framer
from cti_engine.wire.tokens import issue_token
from tests.phones.waiting import until
from tests.sip_edge.running import GUEST_HOST, SECRET, TRUNK_HOST, running_edge, write_accounts

SOURCE = Hop("udp", TRUNK_HOST, 5061)


def request(
    method: str = "OPTIONS",
    uri: str = "sip:127.0.0.1",
    via: str = "SIP/2.0/UDP 127.0.0.2:5061;branch=z9hG4bKt",
    cseq: str | None = None,
    more: str = "",
    version: str = "SIP/2.0",
    body: str = "",
    length: str | None = None,
) -> bytes:
    """A plain request, with one thing wrong as each test wants it."""
    return (
        f"{method} {uri} {version}\r\nVia: {via}\r\nMax-Forwards: 70\r\nFrom: <sip:a@127.0.0.2>;tag=1\r\n"
        f"To: <sip:127.0.0.1>\r\nCall-ID: t@t\r\nCSeq: {cseq or f'1 {method}'}\r\n{more}"
        f"Content-Length: {len(body) if length is None else length}\r\n\r\n{body}"
    ).encode()


LEGAL = {
    "folded headers, odd space and case, compact forms (3.1.1.1)": (
        b"OPTIONS sip:127.0.0.1 SIP/2.0\r\nv:  SIP / 2.0\r\n / UDP\r\n 127.0.0.2;branch=z9hG4bKtort ; rport\r\n"
        b'TO :\r\n sip:127.0.0.1 ;   tag2    = 1918181833n\r\nf : "J Rosenberg \\\\\\"" <sip:j@x.com> ; tag = 98asj\r\n'
        b"MaX-fOrWaRdS: 0068\r\ni:\r\n  0ha0isndaksdj@10.1.1.1\r\ncseq: 0009 \r\n OPTIONS\r\nl: 0\r\n"
        b"NewFangledHeader:   newfangled value\r\n continued newfangled value\r\n"
        b"UnknownHeaderWithUnusualValue: ;;,,;;,;\r\n\r\n"
    ),
    "a wide range of characters in tokens (3.1.1.2)": request(
        more="Call-Info: <http://x>\r\n!interesting-Method0123456789_*+`.%indeed'~: x\r\n"
    ),
    "escaped nulls in a URI (3.1.1.4)": request(uri="sip:null-%00-null@127.0.0.1"),
    "a multitude of Via values in one header": request(
        via="SIP/2.0/UDP 127.0.0.2:5061;branch=z9hG4bKv, SIP/2.0/TCP 10.0.0.1;branch=z9hG4bKw,SIP/2.0/SCTP h;branch=x"
    ),
    "no Content-Length over UDP": request().replace(b"Content-Length: 0\r\n", b""),
    "octets after the body (3.1.1.11)": request(body="v=0\r\n") + b"garbage",
    "the RFC 2543 branch of an old phone": request(via="SIP/2.0/UDP 127.0.0.2:5061;branch=1"),
    "no branch at all": request(via="SIP/2.0/UDP 127.0.0.2:5061"),
    "a tel URI": request(uri="tel:+34911"),
}

REFUSED = {
    "a request line without version (3.1.2)": (request(version=""), None),
    "another version (3.1.2.16)": (request(version="SIP/7.0"), 505),
    "an unknown scheme (3.3.3)": (request(uri="nobodyKnowsThisScheme:totallyopaque"), 416),
    "spaces in the Request-URI (3.1.2.7)": (request(uri="sip:a@127.0.0.1; lr"), 400),
    "angle brackets around the Request-URI (3.1.2.6)": (request(uri="<sip:127.0.0.1>"), 400),
    "a CSeq that names another method (3.1.2.17)": (request(cseq="8 NOTIFY"), 400),
    "a CSeq above 2**31": (request(cseq="3692383674849372 OPTIONS"), 400),
    "a CSeq without number": (request(cseq="OPTIONS"), 400),
    "a negative Content-Length (3.1.2.3)": (request(length="-999"), 400),
    "a Content-Length beyond the message (3.1.2.2)": (request(length="9999"), 400),
    "no Call-ID": (request().replace(b"Call-ID: t@t\r\n", b""), None),
    "no Via": (request().replace(b"Via: SIP/2.0/UDP 127.0.0.2:5061;branch=z9hG4bKt\r\n", b""), None),
    "a header line without colon": (request(more="Nothing here\r\n"), 400),
    "bytes that are no UTF-8": (request().replace(b"t@t", b"t@\xff\xfe"), 400),
    "a NUL in a header": (request(more="X: \0\r\n"), None),
    "a Via with port 99999": (request(via="SIP/2.0/UDP 127.0.0.2:99999;branch=z9hG4bKt"), 400),
    "a Via of another transport": (request(via="SIP/2.0/TLS 127.0.0.2:5061;branch=z9hG4bKt"), 400),
    "Max-Forwards 300": (request("INVITE").replace(b"Max-Forwards: 70", b"Max-Forwards: 300"), 400),
    "a From that is no address": (
        request("INVITE", uri="sip:1@127.0.0.1").replace(b"<sip:a@127.0.0.2>;tag=1", b"<<>>;;tag=1,"), 400,
    ),
    "the same parameter twice in a Contact": (
        request("INVITE", uri="sip:1@127.0.0.1", more="Contact: <sip:a@b;x=1;x=2>;=;\r\n"), 400,
    ),
    "an unknown method (3.3.1)": (request("NEWMETHOD"), 405),
    "an extension that no proxy knows (3.3.7)": (request(more="Proxy-Require: magic\r\n"), 420),
    "an ACK that is malformed": (request("ACK", cseq="x"), None),
    "a response with code 4294967301 (3.1.2.19)": (
        b"SIP/2.0 4294967301 better not break the receiver\r\n" + request().split(b"\r\n", 1)[1], None,
    ),
    "a header part without end": (b"OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP x", None),
    "a header part of 40 kB": (request(more="X: " + "y" * 40_000 + "\r\n"), 400),
    "no SIP at all": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", None),
    "random bytes": (bytes(range(256)) * 4, None),
}  # fmt: skip


@pytest.mark.parametrize("name", LEGAL)
async def test_strange_but_legal(tmp_path: Path, name: str) -> None:
    """What RFC 3261 allows is served: OPTIONS gets 200."""
    async with running_edge(tmp_path) as edge:
        sender = await edge.agent("a", host=TRUNK_HOST)
        sender.send(LEGAL[name].replace(b"127.0.0.2:5061", f"127.0.0.2:{sender.port};rport".encode()))
        await sender.expect_response(200, "OPTIONS")


async def test_malformed_messages_are_answered_or_dropped(tmp_path: Path) -> None:
    """Each gets just the code it should, or nothing; the edge serves on and logs no traceback."""
    async with running_edge(tmp_path, limits=Limits(refusals_per_source=1000)) as edge:
        sender = await edge.agent("a", host=GUEST_HOST)
        for name, (data, code) in REFUSED.items():
            sender.send(data.replace(b"127.0.0.2:5061", f"127.0.0.2:{sender.port}".encode()))
            sender.send(sender.request("OPTIONS", f"sip:127.0.0.1:{edge.port}", cseq=77))
            # loopback keeps the order: what was answered before the probe was answered to the message
            await until(lambda: b"CSeq: 77 " in b"".join(sender.raw), f"the probe after {name}")
            codes = [raw.split(b" ", 2)[1].decode() for raw in sender.raw if b"CSeq: 77 " not in raw]
            assert codes == ([] if code is None else [str(code)]), name
            sender.raw.clear()


async def test_a_stream_that_cannot_be_framed_is_closed(tmp_path: Path) -> None:
    """Without Content-Length nobody knows where a message ends (RFC 3261 18.3): the connection goes."""
    async with running_edge(tmp_path) as edge:
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
        writer.write(b"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP x\r\n\r\n")
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


# --- by random mutation ------------------------------------------------------------------------------


def in_process(folder: Path) -> Edge:
    """An edge whose messages are handed in directly; its sockets are bound but nobody sends to them."""
    write_accounts(folder / "accounts.db", {"maria": "secret-m"})
    config = EdgeConfig(
        bind="127.0.0.1", advertise="127.0.0.1", sip_port=0, realm="cti.test", secret=SECRET,
        edge_db=folder / "edge.db", accounts_db=folder / "accounts.db", engine_address=str(folder / "none"),
        placement_address="127.0.0.1:0", ready_file=folder / "ready.json",
        trunks=(Trunk("carrier", networks=(TRUNK_HOST,)),),
        guests=Guests(enabled=True, networks=("127.0.0.3",), rate=1e6),
        limits=Limits(refusals_per_source=1e6, answers_per_source=1e6, max_waiting=5),
    )  # fmt: skip
    return Edge(config)


def corpus(port: int) -> list[bytes]:
    """Messages that reach every part of the edge, with signatures that hold."""
    signer = RouteSigner(SECRET, "127.0.0.1", port)
    sides = Side(PHONE, SOURCE, "maria"), Side(WORKER, Hop("udp", "127.0.0.1", 9))
    routes = "".join(f"Route: {signer.record_route(side, 't@t')}\r\n" for side in sides)
    invite = request("INVITE", uri="sip:1000@127.0.0.1", more="Contact: <sip:a@127.0.0.2:5061>\r\n")
    forwarded = read(invite, SOURCE)
    assert isinstance(forwarded, SipRequest)
    back = f"SIP/2.0/UDP 127.0.0.1:{port};rport;branch={signer.branch(forwarded)}, {forwarded.headers['Via']}"
    token = issue_token(SECRET, "leg", "maria", 4e9)
    in_dialog = request("BYE", uri="sip:w@127.0.0.1:9", more=routes)
    return [
        invite,
        request("INVITE", uri="sip:maria@127.0.0.1", more=f"X-CTI-Token: {token}\r\nContact: <sip:w@127.0.0.1>\r\n"),
        request("REGISTER", more='Contact: "M" <sip:maria@127.0.0.2:5061>;expires=60;+sip.instance="<urn:x>"\r\n'
                'Authorization: Digest username="maria", realm="cti.test", nonce="a-b-c", uri="sip:127.0.0.1", '
                'response="0", algorithm=MD5, qop=auth, nc=00000001, cnonce="x"\r\n'),
        request("OPTIONS"),
        request("CANCEL", uri="sip:1000@127.0.0.1"),
        in_dialog.replace(b"To: <sip:127.0.0.1>", b"To: <sip:127.0.0.1>;tag=2"),
        in_dialog.replace(b"To: <sip:127.0.0.1>", b"To: <sip:127.0.0.1>;tag=2").replace(b"BYE", b"ACK"),
        b"SIP/2.0 180 Ringing\r\n" + request("INVITE", via=back).split(b"\r\n", 1)[1],
        b"SIP/2.0 486 Busy\r\n" + request("INVITE", via=back).split(b"\r\n", 1)[1],
    ]  # fmt: skip


PIECES = [
    b"", b"\r\n", b",", b";", b"<", b">", b'"', b"\\", b":", b" ", b"\t", b"@", b"%00", b"%", b"=", b"\0", b"\xff",
    b"-1", b"0", b"4294967296", b"99999999999999999999", b"SIP/2.0", b"sip:", b"tel:", b"*", b"Via: x\r\n",
    b";tag=", b";rport=99999", b";received=::", b";rport=", b"[::1]", b"\r\n ", b";cti=", b"z9hG4bK", b"\xc3\xa9",
]  # fmt: skip
MUTATION = st.tuples(st.floats(0, 1), st.integers(0, 12), st.sampled_from(PIECES) | st.binary(max_size=6))


def mutate(data: bytes, mutations: list[tuple[float, int, bytes]]) -> bytes:
    for where, length, piece in mutations:
        at = int(where * len(data))
        data = data[:at] + piece + data[at + length :]
    return data


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.lists(MUTATION, min_size=1, max_size=4), st.booleans()),
        min_size=20,
        max_size=40,
    )
)
def test_mutated_messages_never_cause_a_fault(
    tmp_path: Path, messages: list[tuple[int, list[tuple[float, int, bytes]], bool]]
) -> None:
    """Whatever is changed in good messages, each is served, refused or dropped; nothing is raised."""

    async def feed() -> None:
        edge = in_process(tmp_path)
        await edge.start()
        try:
            good = corpus(edge.transports.port)
            for which, mutations, known in messages:
                source = SOURCE if known else Hop("udp", "127.0.0.3", 5061)
                edge.transports.intake.put(mutate(good[which], mutations), source)
                edge.transports.intake.work()
            assert edge.counters["fault"] == 0
        finally:
            await edge.close()

    asyncio.run(feed())


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_malformed(data: bytes) -> None:
    """`read` raises Malformed and nothing else, and its answer can always be made or not be made."""
    try:
        read(data, SOURCE)
    except Malformed as problem:
        answer_malformed(data, problem)


@given(st.lists(st.binary(max_size=60), max_size=12))
def test_any_stream_is_framed_or_refused(pieces: list[bytes]) -> None:
    """The framer gives messages that end where Content-Length says, or raises ValueError."""
    framer = Framer()
    try:
        for piece in pieces:
            for message in framer.feed(piece):
                assert b"\r\n\r\n" in message
    except ValueError:
        return


@given(st.integers(1, 300), st.lists(st.integers(1, 80), max_size=20))
def test_framing_does_not_depend_on_the_cuts(size: int, cuts: list[int]) -> None:
    """Two messages come out whole wherever TCP cuts the stream."""
    one = request(body="x" * size)
    stream = one + b"\r\n\r\n" + one
    framer, got = Framer(), []
    for cut in cuts:
        got += framer.feed(stream[:cut])
        stream = stream[cut:]
    got += framer.feed(stream)
    assert got == [one, one]


@given(
    st.lists(
        st.sampled_from(['<sip:a,b@c>;x="1,2"', '"q\\",r" <sip:d>', "sip:e;f", "*"]), min_size=1, max_size=5
    )
)
def test_comma_joined_values_are_split_outside_quotes_and_brackets(values: list[str]) -> None:
    """Splitting what was joined gives the values back."""
    assert split_commas(", ".join(values)) == values


def test_a_long_hostile_uri_is_parsed_in_time() -> None:
    """Repetitions that make naive expressions explode are read or refused at once."""
    for hostile in ("a-" * 3000, "a." * 3000, "1" * 6000, "%41" * 2000, "[" + ":" * 3000, "a@" * 2000):
        try:
            read(request("INVITE", uri=f"sip:{hostile}"), SOURCE)
        except Malformed as problem:
            assert problem.code in (400, 416)
