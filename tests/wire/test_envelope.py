"""Messages of the bus: topics, times, round trips, and what is not one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti_engine.wire import envelope
from cti_engine.wire.envelope import BadMessage, Envelope, ReplyError, ReplyMessage, Request, StateMessage

ASKED = Request(
    "HangUp", "r1", "cti/v1/reply/c", "maria", "2026-11-22T08:30:00.125Z", {"agent": "maria"}, "c1", 4
)


@given(st.floats(0, 4e9))
def test_times_round_trip_to_the_millisecond(seconds: float) -> None:
    """A wall time printed and read again is the same to a millisecond, always in one form."""
    text = envelope.rfc3339(seconds)
    assert len(text) == 24
    assert abs(envelope.wall_seconds(text) - seconds) <= 0.001


@pytest.mark.parametrize("text", ["", "yesterday", "2026-11-22T08:30:00", "2026-13-01T00:00:00Z"])
def test_what_is_no_time_is_refused(text: str) -> None:
    """A time that does not parse, or has no offset, raises BadMessage."""
    with pytest.raises(BadMessage):
        envelope.wall_seconds(text)


def test_an_offset_is_understood() -> None:
    """Integrators may send any offset from UTC."""
    assert envelope.wall_seconds("2026-11-22T09:30:00+01:00") == envelope.wall_seconds(
        "2026-11-22T08:30:00.000Z"
    )


def test_topics_are_those_of_the_interface() -> None:
    """The topic names are fixed; a state topic gives its kind and id back."""
    assert envelope.event_topic("CallQueued") == "cti/v1/event/CallQueued"
    assert envelope.state_topic("agent", "maria") == "cti/v1/state/agent/maria"
    assert envelope.request_topic("Ready") == "cti/v1/request/Ready"
    assert envelope.reply_topic("console-1") == "cti/v1/reply/console-1"
    assert envelope.state_of_topic("cti/v1/state/agent/maria") == ("agent", "maria")


@pytest.mark.parametrize(
    "topic", ["cti/v1/state/agent", "cti/v1/event/agent/maria", "", "cti/v1/state/a/b/c"]
)
def test_another_topic_is_no_state(topic: str) -> None:
    """What is not cti/v1/state/KIND/ID raises BadMessage."""
    with pytest.raises(BadMessage):
        envelope.state_of_topic(topic)


def test_each_message_round_trips() -> None:
    """What is encoded decodes to the same."""
    event = Envelope(1, "2026-11-22T08:30:00.125Z", "CallQueued", "c1", ("supervisor",), {"queue": "q"})
    assert envelope.decode_envelope(envelope.encode(event)) == event
    state = StateMessage("2026-11-22T08:30:00.125Z", {"agent": "maria"})
    assert envelope.decode_state(envelope.encode(state)) == state
    reply = ReplyMessage("r1", False, ReplyError("stale", "the call has moved on"))
    assert envelope.decode_reply(envelope.encode(reply)) == reply
    assert envelope.decode_request("cti/v1/request/HangUp", envelope.encode_request(ASKED)) == ASKED


def test_the_wire_forms_are_those_of_the_interface() -> None:
    """The JSON keys are the fixed ones; a request does not repeat its name."""
    event = Envelope(1, "t", "CallQueued", "c1", ("supervisor",), {})
    assert json.loads(envelope.encode(event)).keys() == {
        "v",
        "seq",
        "at",
        "event",
        "contact",
        "audience",
        "data",
    }
    assert json.loads(envelope.encode_request(ASKED)).keys() == {
        "id", "reply_to", "by", "contact", "state_version", "expires_at", "args",
    }  # fmt: skip


def test_a_request_expires() -> None:
    """After `expires_at` a request must be refused (decision 13)."""
    moment = envelope.wall_seconds(ASKED.expires_at)
    assert not ASKED.expired(moment)
    assert ASKED.expired(moment + 0.001)


@pytest.mark.parametrize(
    "payload",
    [
        *(b"", b"\xff\xfe", b"[]", b"{}", b"null", b'{"id":1}', b"x" * (envelope.MAX_PAYLOAD + 1)),
        *(b"[" * 100_000, b'{"id":"r1","reply_to":"t","data":' + b"[" * 100_000),
    ],
)
def test_nonsense_is_one_clear_refusal(payload: bytes) -> None:
    """Whatever bytes come in, decoding raises BadMessage and nothing else."""
    for decode in (envelope.decode_envelope, envelope.decode_reply, envelope.decode_state):
        with pytest.raises(BadMessage):
            decode(payload)
    with pytest.raises(BadMessage):
        envelope.decode_request("cti/v1/request/Ready", payload)
    assert envelope.request_sender(payload) is None


@pytest.mark.parametrize("topic", ["cti/v1/request/", "cti/v1/event/Ready", ""])
def test_a_request_needs_its_topic(topic: str) -> None:
    """The name stands in the topic only, so another topic is refused."""
    with pytest.raises(BadMessage, match="not a request topic"):
        envelope.decode_request(topic, envelope.encode_request(ASKED))


@pytest.mark.parametrize(
    ("fields", "sender"),
    [
        ({"id": "r1", "reply_to": "t"}, ("r1", "t")),
        ({"id": "r1", "reply_to": ""}, None),
        ({"id": 5, "reply_to": "t"}, None),
    ],
)
def test_a_broken_request_can_still_be_refused(
    fields: dict[str, Any], sender: tuple[str, str] | None
) -> None:
    """When id and reply topic can be read, the sender can be told."""
    assert envelope.request_sender(json.dumps(fields).encode()) == sender
