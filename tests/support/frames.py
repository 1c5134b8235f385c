"""Amazon's event streams, as Bedrock writes them."""

from __future__ import annotations

import base64
import binascii
import json
import struct
from typing import Any

EVENT_STREAM = "application/vnd.amazon.eventstream"


def frame(payload: bytes, **headers: str) -> bytes:
    """Return one frame; header names are given without their colon, `_` for `-`."""
    named = {f":{name.replace('_', '-')}": value.encode() for name, value in headers.items()}
    head = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value
        for name, value in named.items()
    )
    prelude = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    message = prelude + struct.pack(">I", binascii.crc32(prelude)) + head + payload
    return message + struct.pack(">I", binascii.crc32(message))


def chunk(event: dict[str, Any]) -> bytes:
    """Return an event of a model's own format, as `InvokeModelWithResponseStream` has it."""
    inner = base64.b64encode(json.dumps(event).encode()).decode()
    return converse("chunk", {"bytes": inner, "p": "abcdefgh"})


def converse(kind: str, event: dict[str, Any]) -> bytes:
    """Return an event of `ConverseStream`."""
    return frame(json.dumps(event).encode(), event_type=kind, content_type="application/json", message_type="event")


def exception(kind: str, message: str) -> bytes:
    """Return how a stream tells that it failed."""
    told = json.dumps({"message": message}).encode()
    return frame(told, exception_type=kind, content_type="application/json", message_type="exception")
