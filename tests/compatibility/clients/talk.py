"""One conversation of an official client with a model, and what the client made of the answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import httpx2

from tests.support.tls import no_tls

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic import BaseModel

    from tests.support.wires.said import Call, Used

TIMEOUT_S = 20.0


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A function that the model may call."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What is asked beyond the words."""

    model: str
    streams: bool = False
    system: str = ""
    tools: tuple[Tool, ...] = ()
    shape: type[BaseModel] | None = None
    thinks: bool = False
    summarises: bool = False
    """The thoughts are wanted as well, where they must be asked for by a name that only gateways know."""
    limit: int = 4096
    stops: tuple[str, ...] = ()


@dataclass(kw_only=True)
class Reply:
    """An answer as the client understood it."""

    text: str = ""
    thoughts: str = ""
    calls: list[Call] = field(default_factory=list)
    stop: str = ""
    """In the client's own word."""
    used: Used
    """As the client's own figures say."""
    parsed: Any = None
    """What the client made of an answer of a wanted shape."""
    model: str = ""


class Failed(Exception):
    """The client raised the exception that its users catch; `status` is 0 where it told none."""

    def __init__(self, error: Exception, status: int) -> None:
        super().__init__(str(error))
        self.error = error
        self.status = status

    @property
    def kind(self) -> str:
        """The name of the client's exception."""
        return type(self.error).__name__


class Talk(ABC):
    """A conversation. `say` and `tell` send all of it so far, and keep the answer as the client gave it."""

    name: ClassVar[str]
    """The client's."""
    stops: ClassVar[Mapping[str, str]]
    """The client's words for `stop`, `length`, `stop_sequence`, `refusal` and `calls`."""
    errors: ClassVar[Mapping[int, str]]
    """The client's exceptions for 400, 401, 429 and 500, and 0 for a stream that breaks."""

    def __init__(self, url: str, key: str, wishes: Wishes) -> None:
        self.url = url
        self.key = key
        self.wishes = wishes
        self.turns: list[Any] = []
        self.dropped: list[str] = []
        """What the gateway named as left out, of the latest answer."""

    def say(self, text: str, image: bytes = b"") -> Reply:
        """Say something, perhaps with a picture (PNG)."""
        self.turns += self._user(text, image)
        return self._send()

    def tell(self, calls: list[Call], results: list[str]) -> Reply:
        """Tell what the tools that were called said."""
        self.turns += self._results(calls, results)
        return self._send()

    @abstractmethod
    def _user(self, text: str, image: bytes) -> list[Any]: ...

    @abstractmethod
    def _results(self, calls: list[Call], results: list[str]) -> list[Any]: ...

    @abstractmethod
    def _send(self) -> Reply: ...

    @contextmanager
    def http(self) -> Iterator[httpx2.Client]:
        """Give the HTTP client that the official one is to use: its usual one, which also lets us see the heads."""
        hooks = {"response": [self._note]}
        # No certificates are read, which would take longer than the request.
        with httpx2.Client(event_hooks=hooks, timeout=TIMEOUT_S, trust_env=False, verify=no_tls()) as client:
            yield client

    def _note(self, response: httpx2.Response) -> None:
        named = response.headers.get("x-oneapi-dropped", "")
        self.dropped = [name.strip() for name in named.split(",") if name.strip()]
