"""The mock provider's HTTP: reads requests, and sends answers with the faults that they ask for."""

from __future__ import annotations

import json
import math
import socket
import struct
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httptools
import trio

from tests.support.provider_answers import render

if TYPE_CHECKING:
    from tests.support.provider_answers import Answer, Rendered


@dataclass(eq=False, kw_only=True)
class Received:
    """A request that the provider got, and what became of it. Times are Trio's."""

    method: str
    target: str
    """What the request line asked for, whole."""
    path: str
    query: str
    headers: dict[str, str]
    """Names in lower case; of several with one name, the last."""
    header_list: list[tuple[str, str]]
    """As they came."""
    body: bytes
    connection: int
    """Number of the connection it came on, from 0."""
    received_at: float
    events_sent: int = 0
    is_answered: bool = False
    """Whether the answer was sent to its end."""
    gone_at: float = math.nan
    """When the client closed the connection before the end of the answer."""
    gone: trio.Event = field(default_factory=trio.Event)

    @cached_property
    def json(self) -> Any:
        """The body as JSON, `{}` if there is none."""
        return json.loads(self.body) if self.body else {}

    @property
    def model(self) -> str | None:
        """The model asked for, if the body is JSON that names one."""
        try:
            model = self.json.get("model")
        except (ValueError, AttributeError):
            return None
        return model if isinstance(model, str) else None

    async def wait_gone(self, timeout_s: float = 5.0) -> float:
        """Wait until the client has closed the connection before the end of the answer; return when it did."""
        with trio.fail_after(timeout_s):
            await self.gone.wait()
        return self.gone_at


class RequestParser:
    """Reads one request."""

    def __init__(self) -> None:
        self.is_complete = False
        self._url = b""
        self._headers: list[tuple[str, str]] = []
        self._body: list[bytes] = []
        self._parser = httptools.HttpRequestParser(self)

    def feed(self, data: bytes) -> None:
        """Read on. Raises `httptools.HttpParserError`."""
        self._parser.feed_data(data)

    def request(self, connection: int) -> Received:
        """Return the request, once it is complete."""
        url = httptools.parse_url(self._url)
        return Received(
            method=self._parser.get_method().decode(),
            target=self._url.decode(),
            path=url.path.decode(),
            query=(url.query or b"").decode(),
            headers={name.lower(): value for name, value in self._headers},
            header_list=self._headers,
            body=b"".join(self._body),
            connection=connection,
            received_at=trio.current_time(),
        )

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_body(self, data: bytes) -> None:
        self._body.append(data)

    def on_message_complete(self) -> None:
        self.is_complete = True


async def send_answer(stream: trio.abc.Stream, answer: Answer, request: Received) -> bool:
    """Send `answer`, or as much of it as its faults allow; return whether that was all."""
    if answer.cut_after == -1:
        return False
    await trio.sleep(answer.head_after_s)
    try:
        fields = request.json
    except ValueError:
        fields = {}
    rendered = render(answer, request.path, fields if isinstance(fields, dict) else {})
    is_chunked = rendered.is_stream and not answer.close
    pending = _head(answer, rendered)
    if request.method == "HEAD":
        await stream.send_all(pending)
        return True
    for number, piece in enumerate(rendered.pieces):
        if number == answer.cut_after or number == answer.hang_after:
            break
        if number and answer.pause_s:
            await trio.sleep(answer.pause_s)
        await stream.send_all(pending + (b"%x\r\n%s\r\n" % (len(piece), piece) if is_chunked else piece))
        pending = b""
        request.events_sent = number + 1
    else:
        request.is_answered = True  # before the last bytes go out: the client may close as soon as it has them
        await stream.send_all(pending + (b"0\r\n\r\n" if is_chunked else b""))
        return True
    if pending:
        await stream.send_all(pending)
    if answer.cut_after is None:
        await trio.sleep_forever()
    return False


def reset(stream: trio.abc.Stream) -> None:
    """Make the coming close of `stream` a TCP reset."""
    bottom = stream.transport_stream if isinstance(stream, trio.SSLStream) else stream
    assert isinstance(bottom, trio.SocketStream)
    bottom.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    bottom.socket.close()


def _head(answer: Answer, rendered: Rendered) -> bytes:
    headers = {name.lower(): (name, value) for name, value in answer.headers}
    headers.setdefault("content-type", ("Content-Type", rendered.content_type))
    if answer.gzip:
        headers.setdefault("content-encoding", ("Content-Encoding", "gzip"))
    if answer.close:
        headers.setdefault("connection", ("Connection", "close"))
    elif rendered.is_stream:
        headers.setdefault("transfer-encoding", ("Transfer-Encoding", "chunked"))
    else:
        headers.setdefault("content-length", ("Content-Length", str(sum(map(len, rendered.pieces)))))
    try:
        reason = HTTPStatus(answer.status).phrase
    except ValueError:
        reason = ""
    lines = [f"HTTP/1.1 {answer.status} {reason}", *(f"{name}: {value}" for name, value in headers.values()), "", ""]
    return "\r\n".join(lines).encode("latin-1")
