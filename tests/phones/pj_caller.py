"""A pjsua2 phone without an account that calls from an address of a trunk: orders by lines, facts as lines of JSON.

`python -m tests.phones.pj_caller EDGE PORT ADDRESS NUMBER HERTZ`
"""

from __future__ import annotations

import json
import os
import select
import sys

from cti_engine.runtime.softphone import Fact, Manners, Softphone
from cti_engine.runtime.telephone import RTP_PORTS, Server
from tests.phones.ports import free_ports


def main(edge: str, port: str, address: str, number: str, hertz: str) -> None:
    def tell(fact: Fact) -> None:
        print(json.dumps(fact), flush=True)

    server = Server(edge, int(port), edge, address, free_ports(RTP_PORTS))
    phone = Softphone(server, number, "", Manners(tone=float(hertz)), tell)
    tell({"fact": "up"})
    waiting = b""
    while not phone.leaving:
        phone.turn()
        if select.select([sys.stdin], [], [], 0)[0]:
            waiting += os.read(sys.stdin.fileno(), 4096)
            *lines, waiting = waiting.split(b"\n")
            for line in lines:
                phone.obey(line.decode())
    phone.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
