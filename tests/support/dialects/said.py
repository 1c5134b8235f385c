"""An answer before it is put into any provider's words, and a conversation as a provider understood it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EVENTS = "text/event-stream"
JSON = "application/json"


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a model says: text in pieces, or calls of functions (name and arguments)."""

    pieces: tuple[str, ...] = ("Hello",)
    calls: tuple[tuple[str, dict[str, Any]], ...] = ()
    is_cut: bool = False
    """The answer reached its limit."""
    tokens: tuple[int, int] = (11, 7)

    @property
    def text(self) -> str:
        return "".join(self.pieces)


@dataclass(kw_only=True)
class Heard:
    """What a provider understood of a request."""

    turns: list[tuple[str, str]]
    """Role and text: `system`, `user`, `assistant`, `tool`."""
    calls: list[tuple[str, Any]] = field(default_factory=list)
    """Calls of the history: name and arguments."""
    tools: list[str] = field(default_factory=list)
    model: str = ""


@dataclass(frozen=True, kw_only=True)
class Speaker:
    """One provider's wire."""

    hear: Callable[[str, dict[str, Any]], Heard]
    """Address and body of a request."""
    whole: Callable[[Said], dict[str, Any]]
    stream: Callable[[Said], Iterator[bytes]]
    stream_type: str = EVENTS
    has_memory: bool = True
    """Whether it hears more than the last question."""
    has_system: bool = True
    """Whether instructions are something of their own."""
    calls_functions: bool = False
    tells_tokens: bool = True
    tells_cut: bool = True


def data(value: object) -> bytes:
    """Return one event of JSON."""
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def line(value: object) -> bytes:
    """Return one line of JSON."""
    return json.dumps(value).encode() + b"\n"


def lines_of(text: str) -> bytes:
    """Return bare text as the data of an event."""
    return b"".join(b"data: " + part.encode() + b"\n" for part in text.split("\n"))


def last(heard: Heard) -> list[tuple[str, str]]:
    """Return the last question alone."""
    return [next(turn for turn in reversed(heard.turns) if turn[0] == "user")]
