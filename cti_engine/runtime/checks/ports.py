"""The ports that the center takes: free, its own already, or whose they are."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path

from cti_engine.runtime.checks.check import Check, fault, ok, warn
from cti_engine.runtime.ports_in_use import Wanted, taken

_LISTEN = "0A"
_SHARE_TAKEN = 0.1


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that has a port; pid 0 when we may not see it."""

    pid: int
    command: str

    def __str__(self) -> str:
        return f"{self.command} (process {self.pid})" if self.pid else "a process of another user"


def check_port(name: str, wanted: Wanted, center: int) -> Check:
    """`center`: the supervisor of the center that runs from this CTI_VAR, 0 when none does."""
    where = f"{wanted.kind.upper()} {wanted.host}:{wanted.port}"
    if wanted.port == 0:
        return ok(name, f"any free {wanted.kind.upper()} port")
    complaints = taken([wanted])
    if not complaints:
        return ok(name, f"{where} is free")
    holder = holder_of(wanted.kind, wanted.port)
    if holder is None:  # nobody has it: not ours to take (below 1024), or not our address
        return fault(name, complaints[0].partition(": stop")[0], f"set network.bind, or {wanted.setting}")
    if _is_of(holder.pid, center):
        return ok(name, f"{where} is this center's own")
    stop = f"kill {holder.pid}" if holder.pid else f"see sudo ss -lunptH 'sport = {wanted.port}'"
    return fault(name, f"{where} is taken by {holder}", f"stop it ({stop}), or set {wanted.setting}")


def check_rtp_ports(first: int, last: int, center: int) -> Check:
    """Some taken ports are passed over when a call gets its own; many mean that another program lives there."""
    inodes = {port: inode for port, inode in _bound("udp") if first <= port <= last}
    owners = _owners(set(inodes.values()))
    foreign = sorted(
        port for port, inode in inodes.items() if not _is_of(owners.get(inode, Holder(0, "")).pid, center)
    )
    count = last - first + 1
    found = f"UDP {first}-{last}, {len(foreign)} of {count} taken by others"
    if len(foreign) <= count * _SHARE_TAKEN:
        return ok("RTP ports", found)
    holder = owners.get(inodes[foreign[0]], Holder(0, ""))
    return warn("RTP ports", f"{found}, {foreign[0]} by {holder}", "set CTI_RTP_PORTS to a free range")


def holder_of(kind: str, port: int) -> Holder | None:
    """Who has bound this port; None when nobody has."""
    inodes = {inode for bound, inode in _bound(kind) if bound == port}
    if not inodes:
        return None
    return next(iter(_owners(inodes).values()), Holder(0, ""))


def _is_of(pid: int, center: int) -> bool:
    """Whether the process is the center's supervisor or descends from it."""
    while pid > 1 and pid != center:
        try:
            status = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return False
        pid = int(status.rpartition(")")[2].split()[1])
    return pid == center != 0


def _bound(kind: str) -> Iterator[tuple[int, str]]:
    """(port, socket inode) of all bound UDP or listening TCP sockets, IPv4 and IPv6 (proc(5), net/tcp)."""
    for table in (Path(f"/proc/net/{kind}"), Path(f"/proc/net/{kind}6")):
        if not table.exists():
            continue
        for line in table.read_text().splitlines()[1:]:
            fields = line.split()
            if kind == "udp" or fields[3] == _LISTEN:
                yield int(fields[1].rpartition(":")[2], 16), fields[9]


def _owners(inodes: Set[str]) -> dict[str, Holder]:
    """Who has these sockets open, as far as we may see."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    owners: dict[str, Holder] = {}
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            for inode in _sockets(process) & wanted.keys():
                owners.setdefault(wanted[inode], Holder(int(process.name), _command(process)))
    return owners


def _sockets(process: Path) -> set[str]:
    """What its descriptors point to; empty when it is gone or another user's."""
    found = set()
    try:
        for link in (process / "fd").iterdir():
            try:
                found.add(str(link.readlink()))
            except FileNotFoundError:
                continue  # closed meanwhile
    except OSError:
        return set()
    return found


def _command(process: Path) -> str:
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return "a process that has ended"
    return b" ".join(words).decode(errors="replace").strip()[:80]
