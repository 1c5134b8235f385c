"""The seam between a relay and whatever carries its bytes.

TransportError            something below HTTP went wrong
 x ConnectFailed          no connection: name, refusal, TLS, proxy, or the connect deadline; nothing was sent
    x RequestInvalid      the request cannot be written as HTTP: a line break in a header, a base URL that is none
 x ResponseBroken         the provider broke off, sent garbage, or a deadline passed after sending
    x HeadTimeout         no response head in time
    x IdleTimeout         the body fell silent for longer than allowed

Messages never hold an address, a path or a credential: they may reach a client.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamRequest:
    """One HTTP request to a provider. `headers` are complete but for Host and the body's length."""

    method: str
    url: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    connect_timeout_s: float
    head_timeout_s: float
    idle_timeout_s: float


class UpstreamResponse(Protocol):
    """An answer whose body has not been read yet. Used by one task; `aclose` always, even after an error."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    """Names in lower case, hop-by-hop headers included."""

    async def receive_some(self) -> bytes:
        """Return the next bytes of the body, all that has arrived (at most 64 KiB), or `b""` at its proper end.

        Raises `ResponseBroken` when the body ends short of its framing, `IdleTimeout` after silence.
        """

    async def aclose(self) -> None:
        """Give the connection back if the body was read to its end, else close it at once. Never waits long."""


class Transport(Protocol):
    """Sends requests to providers."""

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        """Send and wait for the final response head. Raises `ConnectFailed`, `HeadTimeout`, `ResponseBroken`."""


class TransportError(Exception):
    """Base: the exchange with the provider failed below HTTP."""


class ConnectFailed(TransportError):
    """No connection could be made, so nothing was sent."""


class RequestInvalid(ConnectFailed):
    """The request cannot be written as HTTP, so nothing was sent. The channel's settings are at fault."""


class ResponseBroken(TransportError):
    """The exchange broke after the request had gone out."""


class HeadTimeout(ResponseBroken):
    """The provider did not begin its answer in time."""


class IdleTimeout(ResponseBroken):
    """The provider fell silent in the middle of its answer."""
