"""A provider of realtime sessions on a real socket, which follows a script.

async with realtime_provider(Say({"type": "session.created"}), Hear(), Say({...}), Close(1000)) as p:
    ...                             # open websockets to p.url
    p.sessions[0].heard             # what came, in order
"""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass(frozen=True)
class Say:
    """Send one message: bytes as they are, a text as it is, all else as JSON."""

    message: Any


@dataclass(frozen=True)
class Hear:
    """Wait for one message."""


@dataclass(frozen=True)
class Pause:
    """Do nothing for so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Close:
    """Say goodbye."""

    code: int = 1000
    reason: str = ""


@dataclass(frozen=True)
class Cut:
    """Close the connection without a word."""


@dataclass(frozen=True)
class Refuse:
    """Answer plainly instead of opening the websocket; the only step of its script."""

    status: int
    body: bytes


Step = Say | Hear | Pause | Close | Cut | Refuse


@dataclass
class Session:
    """One connection that came."""

    target: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    subprotocols: list[str] = field(default_factory=list)
    heard: list[str | bytes] = field(default_factory=list)
    closed_with: int | None = None
    """The client's code, `None` while it has not said goodbye."""
    over: trio.Event = field(default_factory=trio.Event)


class _Connection:
    def __init__(self, stream: trio.SocketStream, session: Session) -> None:
        self._stream = stream
        self._machine = WSConnection(ConnectionType.SERVER)
        self.session = session
        self._parts: list[Any] = []

    async def send(self, event: Any) -> None:
        await self._stream.send_all(self._machine.send(event))

    async def opened(self, *, subprotocol: str | None, refuse: Refuse | None) -> bool:
        while True:
            self._machine.receive_data(await self._stream.receive_some() or None)
            for event in self._machine.events():
                if isinstance(event, Request):
                    self.session.target = event.target
                    self.session.headers = {
                        name.decode().lower(): value.decode() for name, value in event.extra_headers
                    }
                    self.session.subprotocols = list(event.subprotocols)
                    if refuse is not None:
                        await self.send(
                            RejectConnection(
                                status_code=refuse.status,
                                headers=[(b"content-length", b"%d" % len(refuse.body))],
                                has_body=True,
                            )
                        )
                        await self.send(RejectData(data=refuse.body))
                        return False
                    chosen = subprotocol if subprotocol in event.subprotocols else None
                    await self.send(AcceptConnection(subprotocol=chosen))
                    return True

    async def hear(self) -> bool:
        """Take one message; `False` at the client's goodbye."""
        while True:
            for event in self._machine.events():
                if isinstance(event, TextMessage | BytesMessage):
                    self._parts.append(event.data)
                    if event.message_finished:
                        kind = "" if isinstance(event.data, str) else b""
                        self.session.heard.append(kind.join(self._parts))
                        self._parts.clear()
                        return True
                elif isinstance(event, Ping):
                    await self.send(event.response())
                elif isinstance(event, CloseConnection):
                    self.session.closed_with = int(event.code)
                    return False
            data = await self._stream.receive_some()
            if not data:
                return False
            self._machine.receive_data(data)


@dataclass
class RealtimeProvider:
    """A running provider."""

    steps: tuple[Step, ...]
    subprotocol: str | None = None
    """What it chooses, if it is offered."""
    url: str = ""
    sessions: list[Session] = field(default_factory=list)

    async def serve(self, stream: trio.SocketStream) -> None:
        """Serve one connection by the script, then listen until the client leaves."""
        session = Session()
        self.sessions.append(session)
        connection = _Connection(stream, session)
        refuse = next((step for step in self.steps if isinstance(step, Refuse)), None)
        try:
            if await connection.opened(subprotocol=self.subprotocol, refuse=refuse) and await self._follow(
                connection
            ):
                while await connection.hear():
                    pass
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            session.over.set()
            with trio.move_on_after(1, shield=True):
                await stream.aclose()

    async def _follow(self, connection: _Connection) -> bool:
        for step in self.steps:
            match step:
                case Say(message=bytes() as data):
                    await connection.send(BytesMessage(data))
                case Say(message=message):
                    await connection.send(TextMessage(message if isinstance(message, str) else json.dumps(message)))
                case Hear():
                    if not await connection.hear():
                        return False
                case Pause(seconds=seconds):
                    await trio.sleep(seconds)
                case Close(code=code, reason=reason):
                    await connection.send(CloseConnection(code, reason))
                case Cut():
                    return False
        return True


@asynccontextmanager
async def realtime_provider(*steps: Step, subprotocol: str | None = None) -> AsyncIterator[RealtimeProvider]:
    """Run a provider on a free port of 127.0.0.1."""
    mock = RealtimeProvider(steps, subprotocol)
    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        mock.url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
        nursery.start_soon(trio.serve_listeners, mock.serve, listeners)
        yield mock
        nursery.cancel_scope.cancel()
