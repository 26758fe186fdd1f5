"""`cti-engine softphone`: the phone in a terminal. Keys, or a script's lines, become orders; facts become lines."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import select
import signal
import socket
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cti_engine.commands.arguments import PHONE_PASSWORD
from cti_engine.core.expressions.suggestion import did_you_mean
from cti_engine.runtime.running_center import CannotJoin, find_center
from cti_engine.runtime.softphone import Fact, Manners, Softphone
from cti_engine.runtime.telephone import RTP_PORTS, Server
from cti_engine.wire.clock import Clock

OK, PROBLEMS, ENVIRONMENT = 0, 1, 3
RTP_FIRST = 56_000
_PHONES = (
    40  # whose RTP ports keep apart by their process ids; a port that is taken all the same is passed over
)
_BACKSPACE, _ENTER = ("\x7f", "\b"), ("\r", "\n")
KEYS = "keys: number Enter = dial; Enter = answer; h = hang up; 0-9 * # in a call = digits; q = quit"


@dataclass(frozen=True, slots=True)
class Account:
    host: str
    port: int
    realm: str
    user: str
    password: str


def account(run_json: Path, user: str, server: str) -> Account:
    """The account at `server` (`HOST[:PORT]`), else at the center that runs here. Raises CannotJoin."""
    if server:
        host, _, port = server.partition(":")
        if not host or (port and not port.isdecimal()):
            raise CannotJoin(f"--server {server}: write HOST or HOST:PORT")
        password = os.environ.get(PHONE_PASSWORD, "")
        if not password:
            if not sys.stdin.isatty():
                raise CannotJoin(f"no password: {PHONE_PASSWORD} has it where nobody can type it")
            password = getpass.getpass(f"Password of {user}: ")
        return Account(host, int(port or 5060), host, user, password)
    center = find_center(run_json)
    password = os.environ.get(PHONE_PASSWORD, "") or center.passwords.get(user, "")
    if not password:
        known = center.passwords
        raise CannotJoin(
            f"{user}: no such account in accounts.txt. {did_you_mean(user, known)} There are {', '.join(known)}."
        )
    return Account(center.host, center.sip_port, center.realm, user, password)


def run(account: Account, manners: Manners, *, dial: str, once: bool, seconds: float, as_json: bool) -> int:
    """Until `quit`, Ctrl-C, or the end of the first call if `once`. The exit code: 1 when a call that was dialled here
    was not answered, 3 when nobody could register.
    """
    bind = _own_address(account.host, account.port)
    server = Server(
        account.host, account.port, account.realm, bind, RTP_FIRST + os.getpid() % _PHONES * RTP_PORTS
    )
    shown = _Shown(as_json)
    phone = Softphone(server, account.user, account.password, manners, shown)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: phone.obey("quit"))
    if seconds:
        phone.later(seconds, lambda: phone.obey("quit"))
    with _orders(phone, quiet=as_json) as take_orders:
        dialled = False
        while not phone.leaving:
            phone.turn()
            if phone.refused:
                break
            if dial and not dialled and phone.registered:
                dialled = True
                phone.obey(f"dial {dial}")
            take_orders()
            if once and shown.calls_over:
                break
    phone.close()
    if phone.refused or not shown.registered:
        return ENVIRONMENT
    return PROBLEMS if dial and not shown.answered else OK


def _own_address(host: str, port: int) -> str:
    """This machine's address on the way to the server."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((host, port))
        return str(probe.getsockname()[0])


class _Shown:
    """Each fact as one line: JSON, or for people."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._clock = Clock()
        self.registered = self.answered = False
        self.calls_over = 0

    def __call__(self, fact: Fact) -> None:
        self.registered |= fact["fact"] == "registered"
        self.answered |= fact["fact"] == "answered"
        self.calls_over += fact["fact"] == "over"
        if self._as_json:
            line = json.dumps({"at": round(self._clock.now(), 3), **fact}, ensure_ascii=False)
        else:
            line = line_of(fact)
        print(line, end="\n" if self._as_json else "\r\n", flush=True)


def line_of(fact: Fact) -> str:
    """For people."""
    match fact["fact"]:
        case "registered":
            return "Registered."
        case "not_registered":
            return f"Not registered: {fact['code']} {fact['reason']}."
        case "calling":
            return f"Calling {fact['number']}."
        case "incoming":
            how = "is answered by itself" if fact["by_itself"] else "Enter answers, h refuses"
            return f"{fact['number']} {fact['name']} calls: {how}."
        case "ringing":
            return f"It rings at {fact['number']}."
        case "answered":
            return f"Talking to {fact['number']}."
        case "key":
            return f"{fact['number']} pressed {fact['key']}."
        case "transfer":
            over = "it is over here" if fact["final"] else "it is tried"
            return f"Transfer: {fact['code']} {fact['reason']}, {over}."
        case "over":
            kept = f" Recorded in {fact['recording']}." if fact["recording"] else ""
            if not fact["answered"]:
                return f"Not answered: {fact['code']} {fact['reason']}."
            heard = "somebody was heard" if fact["heard"] else "nobody was heard"
            return f"Over after {fact['seconds']} s, ended by {fact['by']}; {heard}.{kept}"
        case _:
            return f"{fact['order']}: not possible now. {KEYS}"


@contextlib.contextmanager
def _orders(phone: Softphone, *, quiet: bool) -> Iterator[Callable[[], None]]:
    """Yields what looks for input without waiting: single keys at a terminal, else a line an order."""
    source = sys.stdin.fileno()
    if not os.isatty(source):
        yield _Lines(phone, source)
        return
    before = termios.tcgetattr(source)
    tty.setcbreak(source)
    if not quiet:
        print(KEYS, end="\r\n", flush=True)
    try:
        yield _Keys(phone, source)
    finally:
        termios.tcsetattr(source, termios.TCSADRAIN, before)


class _Lines:
    """The end of the input is not the end of the call."""

    def __init__(self, phone: Softphone, source: int) -> None:
        self._phone = phone
        self._source = source
        self._rest = b""
        self._open = True

    def __call__(self) -> None:
        if not self._open or not select.select([self._source], [], [], 0)[0]:
            return
        read = os.read(self._source, 4096)
        self._open = bool(read)
        *lines, self._rest = (self._rest + read).split(b"\n")
        for line in filter(None, map(bytes.strip, lines)):
            self._phone.obey(line.decode(errors="replace"))


class _Keys:
    """What a key means depends on the call: see KEYS."""

    def __init__(self, phone: Softphone, source: int) -> None:
        self._phone = phone
        self._source = source
        self._number = ""

    def __call__(self) -> None:
        if select.select([self._source], [], [], 0)[0]:
            for key in os.read(self._source, 64).decode(errors="replace"):
                self._press(key)

    def _press(self, key: str) -> None:
        call = self._phone.call
        if key == "q":
            self._phone.obey("quit")
        elif key == "h":
            self._phone.obey("hang_up")
        elif key in _ENTER:
            number, self._number = self._number, ""
            self._phone.obey(f"dial {number}" if call is None else "answer")
        elif call is not None:
            self._phone.obey(f"digits {key}")
        else:
            self._number = self._number[:-1] if key in _BACKSPACE else self._number + key
            print(f"\r\x1b[K{self._number}", end="", flush=True)
