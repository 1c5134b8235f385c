"""What a provider is to say, and what it was asked, in terms that belong to no format.

Every wire of this folder writes a `Said` in its own format, and reads a request of its own format into an `Asked`,
so that one test can be put to all of them.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Stop = Literal["stop", "length", "stop_sequence", "refusal"]


@dataclass(frozen=True, kw_only=True)
class Used:
    """Tokens in buckets that do not overlap."""

    fresh: int = 9
    """Of the prompt, neither read from a cache nor written to one."""
    cached: int = 0
    written: int = 0
    answer: int = 4
    """Without thoughts."""
    thoughts: int = 0

    @property
    def prompt(self) -> int:
        return self.fresh + self.cached + self.written

    @property
    def output(self) -> int:
        return self.answer + self.thoughts


@dataclass(frozen=True, kw_only=True)
class Call:
    """A tool that the model wants used."""

    id: str
    name: str
    arguments: Mapping[str, Any]

    @property
    def text(self) -> str:
        """The arguments as JSON."""
        return json.dumps(self.arguments)


@dataclass(frozen=True, kw_only=True)
class Said:
    """An answer. A stream sends texts and thoughts in these pieces."""

    text: tuple[str, ...] = ()
    thoughts: tuple[str, ...] = ()
    """Signed, where the provider signs thoughts."""
    calls: tuple[Call, ...] = ()
    stop: Stop = "stop"
    stop_sequence: str = ""
    used: Used = field(default_factory=Used)
    cut: Literal["", "broken", "ended"] = ""
    """A stream stops after its first piece of text: its connection breaks, or it ends as if that were all."""


@dataclass(frozen=True, kw_only=True)
class Fails:
    """An answer with an error status, in the provider's own envelope."""

    status: int
    message: str


class Unacceptable(Exception):
    """The provider refuses the request, as the real one would: with 400."""


@dataclass(kw_only=True)
class Result:
    """What a tool said."""

    call_id: str
    text: str = ""
    is_error: bool = False
    images: list[bytes] = field(default_factory=list)


@dataclass(kw_only=True)
class Turn:
    """One side's contribution."""

    role: Literal["user", "assistant", "system"]
    text: str = ""
    images: list[bytes] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    """Only those whose signature was looked at and is right."""


@dataclass(kw_only=True)
class Asked:
    """A request, as the provider understood it."""

    model: str
    is_stream: bool = False
    system: str = ""
    turns: list[Turn] = field(default_factory=list)
    tools: dict[str, Any] = field(default_factory=dict)
    """Parameters by name."""
    schema: Any = None
    """Of the answer."""
    limit: int | None = None
    stops: list[str] = field(default_factory=list)
    thinks: bool = False
    raw: Any = None

    @property
    def images(self) -> list[bytes]:
        """All pictures of all turns."""
        return [image for turn in self.turns for image in turn.images]

    @property
    def results(self) -> list[Result]:
        """All results of tools."""
        return [result for turn in self.turns for result in turn.results]

    @property
    def calls(self) -> list[Call]:
        """All earlier calls of tools."""
        return [call for turn in self.turns for call in turn.calls]

    @property
    def thoughts(self) -> list[str]:
        """All earlier thoughts that came back with the provider's own signature."""
        return [thought for turn in self.turns for thought in turn.thoughts]


def sign(whose: str, text: str) -> str:
    """Return the signature of `text` that only the provider `whose` makes; base64, as real ones are."""
    digest = hashlib.sha256(f"{whose}:{text}".encode()).digest()
    return base64.b64encode(whose.encode() + b"\0" + digest).decode()


def require(condition: object, message: str) -> None:
    """Refuse the request unless `condition` holds."""
    if not condition:
        raise Unacceptable(message)


def data_of(url: str) -> bytes:
    """Return the bytes of a data URL."""
    head, _, data = url.partition(";base64,")
    require(head.startswith("data:image/") and data, f"not a picture as data URL: {url[:60]}")
    return base64.b64decode(data, validate=True)


def halves(text: str) -> tuple[str, str]:
    """Cut a text in two."""
    middle = len(text) // 2
    return text[:middle], text[middle:]
