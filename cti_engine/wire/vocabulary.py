"""Signals, commands and events as (type name, plain map) and back; the one codec of link, store and bus."""

from __future__ import annotations

from typing import Any, get_args

import msgspec

from cti_engine.core import commands, events, signals

SIGNALS: dict[str, type] = {c.__name__: c for c in get_args(signals.Signal)}
COMMANDS: dict[str, type] = {c.__name__: c for c in get_args(commands.Command)}
EVENTS: dict[str, type] = {c.__name__: c for c in get_args(events.Event)}


def to_plain(thing: object) -> tuple[str, dict[str, Any]]:
    """The type's name and its fields as JSON-like values."""
    fields: dict[str, Any] = msgspec.to_builtins(thing)
    return type(thing).__name__, fields


def signal_from(type_: str, body: dict[str, Any]) -> signals.Signal:
    """Raises KeyError for an unknown name and msgspec.ValidationError for wrong fields."""
    signal: signals.Signal = msgspec.convert(body, SIGNALS[type_])
    return signal


def command_from(type_: str, body: dict[str, Any]) -> commands.Command:
    """Raises KeyError for an unknown name and msgspec.ValidationError for wrong fields."""
    command: commands.Command = msgspec.convert(body, COMMANDS[type_])
    return command


def event_from(type_: str, body: dict[str, Any]) -> events.Event:
    """Raises KeyError for an unknown name and msgspec.ValidationError for wrong fields."""
    event: events.Event = msgspec.convert(body, EVENTS[type_])
    return event
