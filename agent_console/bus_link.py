"""The console's one connection to the broker: kept up for ever, subscribed again at each connect.

A broker that is away costs nobody anything but notice: what was missed is read from the store by number.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

import aiomqtt

from cti_engine.wire.tasks import spawn

PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0)  # seconds between tries; the last one for ever
KEEPALIVE = 15  # seconds
GOODBYE = 1.0  # seconds
PUBLISH_TIMEOUT = 3.0  # seconds; a request that took longer has expired anyway

_log = logging.getLogger("cti.console")
# A request is a few hundred bytes: with Nagle's algorithm it could wait 40 ms for the last one's ACK.
_NO_DELAY = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class BusLink:
    """`on_message(topic, payload)` in the broker's order; `on_connected(bool)` after subscribing and when lost."""

    def __init__(
        self,
        url: str,
        user: str,
        password: str,
        client: str,
        topics: Sequence[str],
        will: aiomqtt.Will,
        *,
        on_message: Callable[[str, bytes], None],
        on_connected: Callable[[bool], None],
    ) -> None:
        self._address = urlsplit(url)
        self._user = user
        self._password = password
        self._client_name = client
        self._topics = topics
        self._will = will
        self._on_message = on_message
        self._on_connected = on_connected
        self._client: aiomqtt.Client | None = None
        self._publishing: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Connect, and connect again, until cancelled."""
        tries = 0
        while True:
            try:
                async with self._new_client() as client:
                    await client.subscribe([(topic, 1) for topic in self._topics])
                    tries = 0
                    self._client = client
                    self._on_connected(True)
                    async for message in client.messages:
                        if isinstance(message.payload, bytes):
                            self._on_message(message.topic.value, message.payload)
            except (aiomqtt.MqttError, OSError) as error:
                (_log.warning if tries == 0 else _log.debug)("broker %s: %s", self._address.netloc, error)
            finally:
                if self._client is not None:
                    self._client = None
                    self._on_connected(False)
            await asyncio.sleep(PAUSES[min(tries, len(PAUSES) - 1)])
            tries += 1

    def _new_client(self) -> aiomqtt.Client:
        secure = self._address.scheme == "mqtts"
        return aiomqtt.Client(
            self._address.hostname or "127.0.0.1",
            self._address.port or (8883 if secure else 1883),
            username=self._user or None,
            password=self._password or None,
            identifier=self._client_name,
            will=self._will,
            keepalive=KEEPALIVE,
            tls_context=ssl.create_default_context() if secure else None,
            socket_options=[_NO_DELAY],
        )

    def publish(self, topic: str, payload: bytes) -> None:
        """Hand over at QoS 1 without waiting, in order. While the broker is away nothing is kept."""
        if self._client is not None:
            task = spawn(self._publish(self._client, topic, payload), "publish")
            self._publishing.add(task)
            task.add_done_callback(self._publishing.discard)

    async def say_goodbye(self) -> None:
        """Wait until what was published has arrived, for a moment at most."""
        if self._publishing:
            await asyncio.wait(self._publishing, timeout=GOODBYE)

    async def _publish(self, client: aiomqtt.Client, topic: str, payload: bytes) -> None:
        try:
            await client.publish(topic, payload, qos=1, timeout=PUBLISH_TIMEOUT)
        except aiomqtt.MqttError as error:
            _log.warning("not published on %s: %s", topic, error)
