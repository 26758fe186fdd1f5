"""baresip 1.0 as a phone: written configuration, control by JSON over ctrl_tcp, its events with their times.

It answers 180 at once. What it hears and says is recorded by its `sndfile` module as WAV.
"""

from __future__ import annotations

import asyncio
import json
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from cti_engine.wire.tasks import spawn
from tests.phones.child import Child
from tests.phones.ports import HOST, free_port, free_ports
from tests.phones.tones import RATE, tone, write_wav
from tests.phones.waiting import until

_MODULES = Path("/usr/lib/baresip/modules")
_RTP_PORTS = 20

_CONFIG = """\
poll_method             epoll
sip_listen              {host}:{sip_port}
call_local_timeout      {ring_timeout}
call_max_calls          {max_calls}
net_interface           {host}
audio_player            aubridge,{user}
audio_source            aufile,{source}
audio_buffer            20-160
jitter_buffer_delay     2-10
rtp_ports               {rtp_first}-{rtp_last}
statmode_default        off
module_path             {modules}
module                  g711.so
module                  aufile.so
module                  aubridge.so
{record}
module_tmp              account.so
module_app              menu.so
module_app              ctrl_tcp.so
ctrl_tcp_listen         {host}:{control_port}
"""


@dataclass(frozen=True, slots=True)
class PhoneEvent:
    """`type` is baresip's (CALL_RINGING, CALL_CLOSED ...); `at` wall seconds, as a capture's times are."""

    at: float
    type: str
    peer: str
    call: str
    param: str


@dataclass(frozen=True, slots=True)
class Recording:
    """What one call's phone heard (decoded) and said (before encoding)."""

    heard: Path
    said: Path


class CommandFailed(AssertionError):
    """baresip refused a command; the text is its answer."""


class Baresip:
    """A phone of `user`. With a password it registers at `edge`; without one it is a caller without account.

    `answer`: `auto` picks up at once, `manual` rings until `accept()`.
    `play` is an 8 kHz mono WAV, best longer than the call: the source ends with the file.
    """

    def __init__(
        self,
        user: str,
        password: str,
        edge_host: str,
        edge_port: int,
        folder: Path,
        *,
        transport: str = "udp",
        answer: str = "auto",
        play: Path | None = None,
        record: bool = True,
        display_name: str = "",
        register_every: int = 60,
        codecs: str = "PCMU,PCMA",
        max_calls: int = 4,
        ring_timeout: int = 120,
        host: str = HOST,
        sip_port: int = 0,
    ) -> None:
        self.user = user
        self.host = host
        self.folder = folder
        self.events: list[PhoneEvent] = []
        self.sip_port = sip_port or free_ports(2)  # baresip takes the next one for TLS
        self._control_port = free_port()
        self._rtp_first = free_ports(_RTP_PORTS)
        self._registers = bool(password)
        self._edge = f"{edge_host}:{edge_port}"
        self._transport = transport
        self._record = record
        self._configure(password, answer, play, display_name, register_every, codecs, max_calls, ring_timeout)
        self._child = Child(
            ["baresip", "-4", "-f", str(folder)], folder, name=f"baresip-{user}", env={"HOME": str(folder)}
        )
        self._writer: asyncio.StreamWriter | None = None
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._token = 0
        self._reading: asyncio.Task[None] | None = None

    def _configure(
        self,
        password: str,
        answer: str,
        play: Path | None,
        display_name: str,
        register_every: int,
        codecs: str,
        max_calls: int,
        ring_timeout: int,
    ) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        recordings = self.folder / "recordings"
        recordings.mkdir(exist_ok=True)
        config = _CONFIG.format(
            host=self.host, sip_port=self.sip_port, control_port=self._control_port, modules=_MODULES,
            ring_timeout=ring_timeout, max_calls=max_calls, user=self.user,
            rtp_first=self._rtp_first, rtp_last=self._rtp_first + _RTP_PORTS - 1,
            source=play or write_wav(self.folder / "silence.wav", tone(0, 120)),
            record=f"module sndfile.so\nsnd_path {recordings}" if self._record else "",
        )  # fmt: skip
        (self.folder / "config").write_text(config)
        register = (
            f';auth_user={self.user};auth_pass={password};regint={register_every};outbound="sip:{self._edge}'
            f';transport={self._transport}"'
            if self._registers
            else ";regint=0"
        )
        name = f'"{display_name}" ' if display_name else ""
        (self.folder / "accounts").write_text(
            f"{name}<sip:{self.user}@{self._edge};transport={self._transport}>{register}"
            f";answermode={answer};audio_codecs={codecs};ptime=20\n"
        )
        (self.folder / "contacts").write_text("")

    @property
    def address(self) -> str:
        """Where it can be dialled without any edge."""
        return f"sip:{self.user}@{self.host}:{self.sip_port}"

    @property
    def rtp_ports(self) -> range:
        return range(self._rtp_first, self._rtp_first + _RTP_PORTS)

    async def start(self, *, within: float = 10.0) -> Baresip:
        """Up, under control and, with a password, registered."""
        await self._child.start()
        await self._child.logged(r"^baresip is ready", within=within)
        reader, self._writer = await asyncio.open_connection(self.host, self._control_port)
        self._reading = spawn(self._read(reader), f"baresip {self.user}")
        if self._registers:
            # It may have registered before we were connected, so its log counts, not its events.
            await self._child.logged(r"200 OK .*\[\d+ binding", within=within)
        return self

    async def __aenter__(self) -> Baresip:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Ends its calls, un-registers and quits, as a phone that is switched off does."""
        await self._child.stop()
        if self._reading is not None:
            self._reading.cancel()
        if self._writer is not None:
            self._writer.close()

    def log(self) -> str:
        return self._child.log()

    @property
    def pid(self) -> int:
        return self._child.pid

    # --- control ---------------------------------------------------------------------------------

    async def _read(self, reader: asyncio.StreamReader) -> None:
        """Netstrings: `<length>:<json>,` each."""
        assert self._writer is not None
        connection = self._writer.get_extra_info("socket")
        try:
            while True:
                # Without it Nagle at baresip and our delayed ACK hold its second event of a moment for 40 ms.
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
                size = int((await reader.readuntil(b":"))[:-1])
                told = json.loads((await reader.readexactly(size + 1))[:-1])
                if told.get("event"):
                    event = PhoneEvent(
                        time.time(),
                        told["type"],
                        told.get("peeruri", ""),
                        told.get("id", ""),
                        told.get("param", ""),
                    )
                    self.events.append(event)
                elif (waiting := self._answers.pop(told.get("token", ""), None)) is not None:
                    waiting.set_result(told)
        except (asyncio.IncompleteReadError, ConnectionError):
            for waiting in self._answers.values():
                waiting.set_exception(CommandFailed(f"{self.user} has gone away"))

    async def command(self, command: str, params: str = "", *, within: float = 5.0) -> str:
        """A command of baresip's menu; returns its answer, raises CommandFailed when it refuses."""
        assert self._writer is not None, f"{self.user} was never started"
        self._token += 1
        token = str(self._token)
        answer = self._answers[token] = asyncio.get_running_loop().create_future()
        text = json.dumps({"command": command, "params": params, "token": token}).encode()
        self._writer.write(b"%d:%s," % (len(text), text))
        told = await asyncio.wait_for(answer, within)
        if not told.get("ok"):
            raise CommandFailed(f"{command} {params}: {told.get('data')}")
        return str(told.get("data", ""))

    async def dial(self, target: str) -> None:
        """A number at the edge, or a whole SIP address."""
        await self.command(
            "dial", target if ":" in target else f"sip:{target}@{self._edge};transport={self._transport}"
        )

    async def accept(self) -> None:
        await self.command("accept")

    async def hang_up(self) -> None:
        """Ends the call, cancels what it dials, or rejects (486) what rings."""
        await self.command("hangup")

    async def hold(self) -> None:
        await self.command("hold")

    async def resume(self) -> None:
        await self.command("resume")

    async def transfer(self, target: str) -> None:
        """Blind transfer by REFER."""
        await self.command("transfer", target)

    async def digits(self, digits: str) -> None:
        """Press keys, one after the other, as RFC 4733 events."""
        for digit in digits:
            await self.command("sndcode", digit)

    async def say(self, wav: Path) -> None:
        """Play this 8 kHz mono WAV from now on, in the place of what it played; best longer than the call."""
        await self.command("ausrc", f"aufile,{wav}")

    # --- what it told ----------------------------------------------------------------------------

    async def told(self, type_: str, *, number: int = 1, within: float = 10.0) -> PhoneEvent:
        """Wait for the `number`-th event of a type and return it."""

        def look() -> PhoneEvent | None:
            of_type = [event for event in self.events if event.type == type_]
            return of_type[number - 1] if len(of_type) >= number else None

        what = f"{type_} number {number} from {self.user}, who told {[event.type for event in self.events]}"
        found = await until(look, what, within=within)
        assert found is not None
        return found

    async def hears(self, seconds: float, *, within: float = 10.0) -> None:
        """Wait until the latest call's recording holds so many seconds of what came in (silence counts too)."""
        await until(
            lambda: self.heard_s > seconds, f"{seconds:g} s of sound at {self.user}", within=seconds + within
        )

    async def hears_more(self, seconds: float) -> None:
        """Wait until so many seconds have come in from now on."""
        await self.hears(self.heard_s + seconds)

    @property
    def heard_s(self) -> float:
        """How many seconds the latest call's recording holds by now."""
        made = self.recordings()
        return made[-1].heard.stat().st_size / (RATE * 2) if made else 0.0

    def recordings(self) -> list[Recording]:
        """One per call, in order; whole once the call is closed. Calls of one second share a name: avoid that."""
        heard = sorted((self.folder / "recordings").glob("dump-*-dec.wav"))
        return [Recording(path, path.with_name(path.name.replace("-dec.wav", "-enc.wav"))) for path in heard]
