"""aiomqtt and paho as we use them: paho would also load dnspython (2 MB a process), for a look-up that we never ask."""

import sys

_hidden = sys.modules.setdefault("dns", None)  # type: ignore[arg-type]  # "not to be found"

import aiomqtt  # noqa: E402
import paho.mqtt.client as paho  # noqa: E402

if _hidden is None:
    del sys.modules["dns"]

__all__ = ["aiomqtt", "paho"]
