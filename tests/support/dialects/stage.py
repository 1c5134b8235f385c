"""A mock provider in the place of the transport: it listens, remembers what it heard, and says its answer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import trio

from adapters.transport.types import ResponseBroken
from tests.support.dialects import rich
from tests.support.dialects.said import JSON

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.transport.types import UpstreamRequest
    from tests.support.dialects.said import Heard, Said, Speaker


@dataclass
class Body:
    """An answer whose bytes come in pieces of `cut` bytes."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    raw: bytes
    cut: int = 1 << 16
    breaks: bool = False
    closed: bool = False

    async def receive_some(self) -> bytes:
        await trio.lowlevel.checkpoint()
        if not self.raw and self.breaks:
            raise ResponseBroken("cut")
        piece, self.raw = self.raw[: self.cut], self.raw[self.cut :]
        return piece

    async def aclose(self) -> None:
        self.closed = True


@dataclass
class Socket:
    """A websocket that says `messages` after it was spoken to; then it closes, or breaks."""

    stage: Stage
    url: str
    messages: list[str]
    breaks: bool = False
    subprotocol: str | None = None
    closed_with: tuple[int, str] | None = None
    closed: bool = False

    async def send(self, message: str | bytes) -> None:
        await trio.lowlevel.checkpoint()
        self.stage.listen(self.url, json.loads(message))

    async def receive(self) -> str | bytes | None:
        await trio.lowlevel.checkpoint()
        if self.messages:
            return self.messages.pop(0)
        if self.breaks:
            raise ResponseBroken("the connection ended without a word")
        return None

    async def aclose(self) -> None:
        self.closed = True


def body_of(value: object, *, status: int = 200) -> Body:
    """Return JSON as an answer."""
    return Body(status, ((b"content-type", JSON.encode()),), json.dumps(value).encode())


@dataclass
class Stage:
    """A provider that speaks as `speaker` does, and says `said` to whoever asks. A `Transport`."""

    speaker: Speaker
    said: Said
    cut: int = 1 << 16
    heard: list[Heard] = field(default_factory=list)
    requests: list[UpstreamRequest] = field(default_factory=list)
    scripted: list[Body] = field(default_factory=list)
    """What is said in place of the answer, once each."""

    def listen(self, url: str, body: dict[str, Any]) -> None:
        self.heard.append(self.speaker.hear(url, body))

    async def send(self, request: UpstreamRequest) -> Body:
        await trio.lowlevel.checkpoint()
        self.requests.append(request)
        path = urlsplit(request.url).path
        if path.endswith("/oauth/2.0/token"):
            return body_of({"access_token": "t-1", "expires_in": 3600})
        if path == "/stream/p1":
            return self._stream()
        if path == "/p/p1":
            return body_of(self.speaker.whole(self.said))
        assert isinstance(request.body, bytes)
        body = json.loads(request.body)
        speaker = self.speaker
        if speaker is rich.COHERE and path.endswith("/v2/chat"):
            speaker = rich.COHERE_V2
        self.heard.append(speaker.hear(request.url, body))
        if self.scripted:
            return self.scripted.pop(0)
        if path.endswith("/predictions"):
            urls = {name: f"http://up.example/{path}/p1" for name, path in (("get", "p"), ("stream", "stream"))}
            return Body(
                201, ((b"content-type", JSON.encode()),), json.dumps({"status": "starting", "urls": urls}).encode()
            )
        streams = body.get("stream") or body.get("Stream") or "sse" in path or "stream" in request.url
        streams = streams or dict(request.headers).get(b"x-dashscope-sse") == b"enable"
        return self._stream(speaker) if streams else body_of(speaker.whole(self.said))

    def _stream(self, speaker: Speaker | None = None) -> Body:
        speaker = speaker or self.speaker
        raw = b"".join(speaker.stream(self.said))
        return Body(200, ((b"content-type", speaker.stream_type.encode()),), raw, cut=self.cut)

    async def open_socket(self, request: UpstreamRequest, subprotocols: Sequence[str]) -> Socket:
        await trio.lowlevel.checkpoint()
        self.requests.append(request)
        return Socket(self, request.url, [json.dumps(frame) for frame in rich.xunfei_frames(self.said)])
