"""The client's side of a realtime session: a websocket behind the words of `gateway.relay.client.Client`.

Until the provider has opened its own, the client's is not accepted, so that a refusal still has its true status.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import trio

from gateway.relay.client import Client
from gateway.relay.errors import Interrupted, OutOfQuota

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.lifecycle_types import Receive, Scope, Send
    from gateway.relay.errors import RelayError

# What a client may say while its provider is being connected: a greeting and a first question.
INBOX_MESSAGES = 4
# Browsers cannot set headers, so OpenAI lets them bring their key as a subprotocol.
KEY_SUBPROTOCOL = "openai-insecure-api-key."

_INTERNAL = 1011
_RESTART = 1012
_POLICY = 1008


class SocketClient(Client):
    """One websocket's client. `gone` is the task that reads from it; messages come out of `inbox`."""

    __slots__ = ("_inbox_in", "inbox", "key", "offered")

    def __init__(self, scope: Scope, receive: Receive, send: Send, *, request_id: str) -> None:
        super().__init__(receive, send, request_id=request_id)
        protocols: Sequence[str] = scope.get("subprotocols", ())
        self.offered = tuple(name for name in protocols if not name.startswith(KEY_SUBPROTOCOL))
        """Subprotocols that the provider may choose from. Never the one that is a key of ours."""
        self.key = next((n.removeprefix(KEY_SUBPROTOCOL) for n in protocols if n.startswith(KEY_SUBPROTOCOL)), "")
        """The API key, where it came in that way."""
        self._inbox_in, self.inbox = trio.open_memory_channel["str | bytes"](INBOX_MESSAGES)

    async def gone(self) -> None:
        """Read messages into the inbox; return when the client has closed.

        That is how a session usually ends, and no reason to break anything off: the inbox ends, and who reads from
        it says goodbye to the provider. Before the session has begun it means that nobody waits for one.
        """
        async with self._inbox_in:
            while True:
                message = await self._receive()
                if message["type"] == "websocket.disconnect":
                    self.left = not self.started
                    self.finished = True
                    return
                if message["type"] == "websocket.receive":
                    text, data = message.get("text"), message.get("bytes")
                    try:
                        await self._inbox_in.send(text if text is not None else bytes(data or b""))
                    except trio.BrokenResourceError:
                        # The session is over; what remains is to hear the client's goodbye.
                        continue

    async def accept(self, subprotocol: str | None) -> None:
        """Open the websocket."""
        self.started = True
        self.status = 101
        await self._send(
            {
                "type": "websocket.accept",
                "subprotocol": subprotocol if subprotocol in self.offered else None,
                "headers": list(self._headers),
            }
        )

    async def say(self, message: str | bytes) -> None:
        """Send one message."""
        kind = "text" if isinstance(message, str) else "bytes"
        await self._send({"type": "websocket.send", kind: message})
        self.wrote_at = trio.current_time()

    async def close(self, code: int, reason: str) -> None:
        """Say goodbye."""
        self.finished = True
        await self._send({"type": "websocket.close", "code": code, "reason": reason})

    async def answer(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        """Answer plainly instead of opening the websocket."""
        self.started = True
        self.status = status
        length = (b"content-length", str(len(body)).encode("ascii"))
        await self._send(
            {
                "type": "websocket.http.response.start",
                "status": status,
                "headers": [*headers, *self._headers, length],
            }
        )
        self.finished = True
        await self._send({"type": "websocket.http.response.body", "body": body})

    async def end_with(self, error: RelayError) -> None:
        """End the session with an error event of the realtime format, and a goodbye that fits."""
        event = {
            "type": "error",
            "event_id": f"event_{self._request_id}",
            "error": {
                "type": error.type,
                "code": error.client_code,
                "message": f"{error.message} (request id: {self._request_id})",
                "param": error.param or None,
                "event_id": None,
            },
        }
        await self.say(msgspec.json.encode(event).decode())
        code = _POLICY if isinstance(error, OutOfQuota) else _INTERNAL
        if isinstance(error, Interrupted) and error.code == "drained":
            code = _RESTART
        await self.close(code, error.message[:100])
