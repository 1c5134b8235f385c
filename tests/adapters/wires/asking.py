"""Requests and calls as wires get them, and a provider that answers from a script."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

from adapters.transport.types import UpstreamRequest
from adapters.wires.types import Account, Call

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.transport.types import UpstreamSocket

Headers = tuple[tuple[bytes, bytes], ...]
JSON: Headers = ((b"content-type", b"application/json"),)


def request(
    url: str = "http://up.example/", *, body: bytes = b"{}", headers: Headers = ((b"authorization", b"Bearer k"),)
) -> UpstreamRequest:
    return UpstreamRequest(
        method="POST", url=url, headers=headers, body=body, connect_timeout_s=5, head_timeout_s=30, idle_timeout_s=30
    )


def call(
    *,
    key: str = "k",
    endpoint: str = "chat_completions",
    model: str = "m",
    streams: bool = False,
    base_url: str = "http://up.example",
    **config: object,
) -> Call:
    account = Account(key=key, base_url=base_url, config=config)
    return Call(account=account, endpoint=endpoint, model=model, streams=streams)


@dataclass
class Answer:
    """Bytes in pieces; an exception in their place is raised."""

    status: int = 200
    headers: Headers = JSON
    pieces: list[bytes | Exception] = field(default_factory=list)
    closed: bool = False

    async def receive_some(self) -> bytes:
        await trio.lowlevel.checkpoint()
        piece = self.pieces.pop(0) if self.pieces else b""
        if isinstance(piece, Exception):
            raise piece
        return piece

    async def aclose(self) -> None:
        self.closed = True


def told(value: object, status: int = 200) -> Answer:
    return Answer(status=status, pieces=[json.dumps(value).encode()])


@dataclass
class Scripted:
    """A `Transport` that answers from a script, each after `takes_s`, and remembers what it was asked."""

    script: list[Answer | Exception]
    takes_s: float = 0
    socket: UpstreamSocket | Exception | None = None
    requests: list[UpstreamRequest] = field(default_factory=list)

    async def send(self, request: UpstreamRequest) -> Answer:
        self.requests.append(request)
        await trio.sleep(self.takes_s)
        answer = self.script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def open_socket(self, request: UpstreamRequest, subprotocols: Sequence[str]) -> UpstreamSocket:
        self.requests.append(request)
        await trio.lowlevel.checkpoint()
        if isinstance(self.socket, Exception):
            raise self.socket
        assert self.socket is not None
        return self.socket
