"""The seam between a relay and whatever carries its bytes.

TransportError            something below HTTP went wrong
 x ConnectFailed          no connection: name, refusal, TLS, proxy, or the connect deadline; nothing was sent
    x RequestInvalid      the request cannot be written as HTTP: a line break in a header, a base URL that is none
 x SocketRefused          the provider did not open the websocket, and said why
 x ResponseBroken         the provider broke off, sent garbage, or a deadline passed after sending
    x HeadTimeout         no response head in time
    x IdleTimeout         the body fell silent for longer than allowed

Messages never hold an address, a path or a credential: they may reach a client.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class BodySource(Protocol):
    """A body too large to be held in memory. Read in order, and from its start again if it is sent twice."""

    @property
    def size(self) -> int:
        """How many bytes it has."""

    async def read_at(self, start: int, most: int) -> bytes:
        """Return at least one and at most `most` bytes from `start`, which is below `size`. May raise `OSError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamRequest:
    """One HTTP request to a provider. `headers` are complete but for Host and the body's length."""

    method: str
    url: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes | BodySource
    connect_timeout_s: float
    head_timeout_s: float
    idle_timeout_s: float
    stepped: Callable[[str], None] | None = None
    """Is told how the connection came about: `reused`; or `opened` (name found, TCP) and `ready` (TLS agreed on).

    Of a request that is sent twice the second connection is told of as well.
    """


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


class UpstreamSocket(Protocol):
    """A websocket to a provider. One task may send while another receives; `aclose` always."""

    subprotocol: str | None
    """What the provider chose of those that were offered."""
    closed_with: tuple[int, str] | None
    """The code and reason of the provider's goodbye."""

    async def send(self, message: str | bytes) -> None:
        """Send one message. Raises `ResponseBroken` when the connection has ended."""

    async def receive(self) -> str | bytes | None:
        """Return the next whole message, or `None` once the provider has closed in order.

        Raises `IdleTimeout` when not even a pong comes back in time, `ResponseBroken` when the connection ends
        without a word.
        """

    async def aclose(self) -> None:
        """Say goodbye and close. Waits no longer than a moment, whatever the provider does."""


class Transport(Protocol):
    """Sends requests to providers."""

    async def send(self, request: UpstreamRequest) -> UpstreamResponse:
        """Send and wait for the final response head. Raises `ConnectFailed`, `HeadTimeout`, `ResponseBroken`."""

    async def open_socket(self, request: UpstreamRequest, subprotocols: Sequence[str]) -> UpstreamSocket:
        """Ask for a websocket (`http` and `https` URLs, no body) and wait until it is open.

        Raises as `send`, and `SocketRefused` when the provider answers without opening one.
        """


class TransportError(Exception):
    """Base: the exchange with the provider failed below HTTP."""


class ConnectFailed(TransportError):
    """No connection could be made, so nothing was sent."""


class RequestInvalid(ConnectFailed):
    """The request cannot be written as HTTP, so nothing was sent. The channel's settings are at fault."""


class SocketRefused(TransportError):
    """The provider answered the request for a websocket with a plain answer."""

    def __init__(self, *, status: int, headers: tuple[tuple[bytes, bytes], ...], body: bytes) -> None:
        super().__init__(f"the provider answered {status} instead of opening a websocket")
        self.status = status
        self.headers = headers
        self.body = body


class ResponseBroken(TransportError):
    """The exchange broke after the request had gone out."""


class HeadTimeout(ResponseBroken):
    """The provider did not begin its answer in time."""


class IdleTimeout(ResponseBroken):
    """The provider fell silent in the middle of its answer."""
