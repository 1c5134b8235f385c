"""Websockets to providers: wsproto's machine over a connection of ours.

A connection that has become a websocket never goes back to the pool. Compression is not offered: sound does not
shrink, and text is short.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import h11
import trio
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Ping,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.utilities import ProtocolError

from adapters.transport.types import HeadTimeout, IdleTimeout, RequestInvalid, ResponseBroken, SocketRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wsproto.events import Event

    from adapters.transport.connect import Connection

READ_BYTES = 64 * 1024
MAX_MESSAGE_BYTES = 32 << 20
"""A message is passed on whole. A second of sound is 64 KB in base64, so this is minutes of it at once."""

MAX_REFUSAL_BYTES = 1 << 20
PING_EVERY_S = 20.0
"""Below the half minute after which some load balancers close a connection on which nothing happens."""

_GOODBYE_S = 1.0
_GOING_AWAY = 1001


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What is said to open a websocket, and how long the answers may take."""

    target: bytes
    host: bytes
    headers: Sequence[tuple[bytes, bytes]]
    subprotocols: Sequence[str]
    head_timeout_s: float
    idle_timeout_s: float


class WebSocket:
    """An open websocket. See `adapters.transport.types.UpstreamSocket`."""

    def __init__(self, connection: Connection, machine: WSConnection, opening: Opening) -> None:
        self.subprotocol: str | None = None
        self.closed_with: tuple[int, str] | None = None
        self._connection = connection
        self._machine = machine
        self._idle_s = opening.idle_timeout_s
        self._sending = trio.StrictFIFOLock()
        self._events: deque[Event] = deque()
        self._texts: list[str] = []
        self._pieces: list[bytes] = []
        self._size = 0
        self._heard_at = trio.current_time()

    async def send(self, message: str | bytes) -> None:
        """Send one message. Raises `ResponseBroken`."""
        await self._send(TextMessage(message) if isinstance(message, str) else BytesMessage(message))

    async def receive(self) -> str | bytes | None:
        """Return the next message, or `None` after the provider's goodbye. Raises `IdleTimeout`, `ResponseBroken`."""
        while True:
            while self._events:
                event = self._events.popleft()
                if isinstance(event, TextMessage | BytesMessage):
                    if (message := self._gather(event)) is not None:
                        return message
                elif isinstance(event, Ping):
                    await self._send(event.response())
                elif isinstance(event, CloseConnection):
                    self.closed_with = (int(event.code), event.reason or "")
                    return None
            await self._read_on()

    async def aclose(self) -> None:
        """Say goodbye if nobody did, and close."""
        with trio.move_on_after(_GOODBYE_S, shield=True):
            with suppress(ResponseBroken):
                await self._send(CloseConnection(_GOING_AWAY))
        self._connection.close()

    async def _send(self, event: Event) -> None:
        # Within the lock: frames must go out in the order in which the machine made them.
        async with self._sending:
            try:
                data = self._machine.send(event)
                with trio.move_on_after(self._idle_s) as scope:
                    await self._connection.stream.send_all(data)
            except (trio.BrokenResourceError, trio.ClosedResourceError, ProtocolError):
                raise ResponseBroken("the websocket to the provider has ended") from None
            if scope.cancelled_caught:
                raise IdleTimeout("the provider does not read from its websocket")

    async def _read_on(self) -> None:
        """Wait for more from the provider, and ask whether it is still there when nothing comes."""
        silent_at = self._heard_at + self._idle_s
        with trio.move_on_at(min(silent_at, trio.current_time() + PING_EVERY_S)) as scope:
            data = await self._receive()
        if scope.cancelled_caught:
            if trio.current_time() >= silent_at:
                raise IdleTimeout("the provider fell silent on its websocket")
            await self._send(Ping())
            return
        self._heard_at = trio.current_time()
        self._feed(data)

    async def _receive(self) -> bytes:
        try:
            data = bytes(await self._connection.stream.receive_some(READ_BYTES))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            data = b""
        if not data:
            raise ResponseBroken("the provider closed its websocket without a word")
        return data

    def _feed(self, data: bytes) -> None:
        try:
            self._machine.receive_data(data)
            self._events.extend(self._machine.events())
        except ProtocolError as error:
            raise ResponseBroken("the provider broke the rules of websockets") from error

    def _gather(self, event: TextMessage | BytesMessage) -> str | bytes | None:
        """Add a part of a message; return the message with its last part."""
        self._size += len(event.data)
        if self._size > MAX_MESSAGE_BYTES:
            raise ResponseBroken("the provider sent a message that is too large")
        if isinstance(event.data, str):
            self._texts.append(event.data)
        else:
            self._pieces.append(bytes(event.data))
        if not event.message_finished:
            return None
        message = "".join(self._texts) if isinstance(event.data, str) else b"".join(self._pieces)
        self._texts, self._pieces, self._size = [], [], 0
        return message

    async def _shake_hands(self, opening: Opening) -> None:
        request = Request(
            host=opening.host.decode("ascii"),
            target=opening.target.decode("ascii"),
            extra_headers=list(opening.headers),
            subprotocols=list(opening.subprotocols),
        )
        try:
            data = self._machine.send(request)
        except (h11.LocalProtocolError, ValueError) as error:
            raise RequestInvalid("the request for a websocket cannot be written as HTTP") from error
        try:
            await self._connection.stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise ResponseBroken("the connection to the provider broke") from None
        refusal: RejectConnection | None = None
        body = bytearray()
        while True:
            self._feed(await self._receive())
            while self._events:
                event = self._events.popleft()
                if isinstance(event, AcceptConnection):
                    self.subprotocol = event.subprotocol
                    return
                if isinstance(event, RejectConnection):
                    refusal = event
                    if not event.has_body:
                        raise _refused(event, b"")
                elif isinstance(event, RejectData):
                    body += event.data
                    if refusal is not None and (event.body_finished or len(body) > MAX_REFUSAL_BYTES):
                        raise _refused(refusal, bytes(body))


def _refused(event: RejectConnection, body: bytes) -> SocketRefused:
    headers = tuple((bytes(name).lower(), bytes(value)) for name, value in event.headers)
    return SocketRefused(status=event.status_code, headers=headers, body=body)


async def shake_hands(connection: Connection, opening: Opening) -> WebSocket:
    """Turn `connection` into a websocket, or close it.

    Raises `RequestInvalid`, `HeadTimeout`, `ResponseBroken`, `SocketRefused`.
    """
    found = WebSocket(connection, WSConnection(ConnectionType.CLIENT), opening)
    try:
        with trio.move_on_after(opening.head_timeout_s) as scope:
            await found._shake_hands(opening)
    except BaseException:
        connection.close()
        raise
    if scope.cancelled_caught:
        connection.close()
        raise HeadTimeout("the provider did not open its websocket in time")
    return found
