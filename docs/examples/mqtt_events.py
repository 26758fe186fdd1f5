"""Prints every event of the center, one line of JSON each, gap-free as long as it runs.

    BROKER_PASSWORD=$(cat var/secrets/broker-console.txt) python docs/examples/mqtt_events.py 127.0.0.1 18830

It needs aiomqtt alone; tests/e2e/test_api.py runs this very file against a center.
"""

import asyncio
import json
import os
import sys

import aiomqtt


async def main(host: str, port: str) -> None:
    password = os.environ["BROKER_PASSWORD"]
    async with aiomqtt.Client(host, int(port), username="console", password=password) as broker:
        await broker.subscribe("cti/v1/event/+", qos=1)
        print("listening", flush=True)
        seen = 0
        async for message in broker.messages:
            assert isinstance(message.payload, bytes)
            event = json.loads(message.payload)
            if event["seq"] <= seen:
                continue  # QoS 1: an event may come twice
            if seen and event["seq"] > seen + 1:
                # While the broker was away: GET /api/events?since=... of the console has what is missing.
                print(f"events {seen + 1} to {event['seq'] - 1} were missed", file=sys.stderr)
            seen = event["seq"]
            print(json.dumps(event, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
