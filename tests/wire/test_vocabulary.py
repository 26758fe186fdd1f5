"""Every signal, command and event goes into plain values and back unchanged, through msgpack and JSON."""

from __future__ import annotations

from typing import Any, get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti_engine.core.commands import Prompt
from cti_engine.core.signals import Dialog
from cti_engine.wire.vocabulary import COMMANDS, EVENTS, SIGNALS, command_from, signal_from, to_plain

_words = st.text(max_size=8)
_plain = st.dictionaries(_words, st.one_of(st.integers(-(2**53), 2**53), _words, st.booleans(), st.none()))
_FIELDS: dict[Any, st.SearchStrategy[Any]] = {
    str: _words,
    int: st.integers(-(2**53), 2**53),
    int | None: st.none() | st.integers(-(2**53), 2**53),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    tuple[str, ...]: st.lists(_words, max_size=3).map(tuple),
    tuple[tuple[str, str], ...]: st.lists(st.tuples(_words, _words), max_size=3).map(tuple),
    tuple[tuple[int, str], ...]: st.lists(st.tuples(st.integers(0, 99), _words), max_size=3).map(tuple),
    dict[str, str]: st.dictionaries(_words, _words, max_size=3),
    dict[str, tuple[str, ...]]: st.dictionaries(_words, st.lists(_words, max_size=3).map(tuple), max_size=3),
    dict[str, object]: _plain,
    tuple[dict[str, object], ...]: st.lists(_plain, max_size=2).map(tuple),
    tuple[float, float, float] | None: st.none() | st.tuples(*[st.floats(0.0, 1e6)] * 3),
}


def _filled(type_: type) -> st.SearchStrategy[Any]:
    """Any value of a vocabulary dataclass."""
    return st.builds(type_, **{name: _FIELDS[hint] for name, hint in get_type_hints(type_).items()})


_FIELDS[Dialog] = _filled(Dialog)
_FIELDS[Dialog | None] = st.none() | _FIELDS[Dialog]
_FIELDS[tuple[Prompt, ...]] = st.lists(_filled(Prompt), max_size=3).map(tuple)


def _things(types: dict[str, type]) -> st.SearchStrategy[Any]:
    return st.one_of([_filled(type_) for type_ in types.values()])


@given(_things(SIGNALS))
def test_signals_survive_the_link(signal: Any) -> None:
    """A signal packed for the link is the same signal at the other end."""
    name, body = msgspec.msgpack.decode(msgspec.msgpack.encode(to_plain(signal)))
    assert signal_from(name, body) == signal


@given(_things(COMMANDS))
def test_commands_survive_the_store(command: Any) -> None:
    """A command kept in the store as JSON is the same command when it is sent after a restart."""
    name, body = msgspec.json.decode(msgspec.json.encode(to_plain(command)))
    assert command_from(name, body) == command


@given(_things(EVENTS))
def test_events_survive_the_log(event: Any) -> None:
    """An event read from the log has all its fields."""
    name, body = msgspec.json.decode(msgspec.json.encode(to_plain(event)))
    assert msgspec.convert(body, EVENTS[name]) == event


def test_names_are_used_once() -> None:
    """One word is never a signal and a command or event too (house style, habit 1)."""
    names = [*SIGNALS, *COMMANDS, *EVENTS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("decode", [signal_from, command_from])
def test_what_is_unknown_or_wrong_is_refused(decode: Any) -> None:
    """An unknown name is a KeyError, wrong fields a ValidationError: nothing else comes out."""
    with pytest.raises(KeyError):
        decode("NoSuchThing", {})
    types = SIGNALS if decode is signal_from else COMMANDS
    for name, type_ in types.items():
        wrong: dict[str, Any] = {
            field: [[]] for field in get_type_hints(type_)
        }  # a list in a list fits no field
        if wrong:
            with pytest.raises(msgspec.ValidationError):
                decode(name, wrong)
