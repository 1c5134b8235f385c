"""What workers and their parent say to each other: msgpack structs in frames of a length and a body."""

from __future__ import annotations

from typing import Final

import msgspec

_HEAD: Final = 4


class Publish(msgspec.Struct, frozen=True, tag="p", array_like=True):
    """A message of the bus, up to the parent and down to the other workers."""

    topic: str
    payload: str


class Hit(msgspec.Struct, frozen=True, tag="h", array_like=True):
    """A worker asks for one event of a window, or only whether there is room for one."""

    number: int
    key: str
    limit: int
    window_s: float
    only_looks: bool = False


class Verdict(msgspec.Struct, frozen=True, tag="v", array_like=True):
    """The parent's answer to a `Hit`."""

    number: int
    is_allowed: bool


Frame = Publish | Hit | Verdict

_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Frame] = msgspec.msgpack.Decoder(Frame)


def encode(frame: Frame) -> bytes:
    """Return `frame` as bytes for the line."""
    body = _encoder.encode(frame)
    return len(body).to_bytes(_HEAD, "big") + body


class Reader:
    """Cuts bytes from the line into frames."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that `data` completes. Raises `msgspec.DecodeError` if the other end is not one of us."""
        buffer = self._buffer
        buffer += data
        frames: list[Frame] = []
        start = 0
        while len(buffer) - start >= _HEAD:
            end = start + _HEAD + int.from_bytes(buffer[start : start + _HEAD], "big")
            if len(buffer) < end:
                break
            frames.append(_decoder.decode(buffer[start + _HEAD : end]))
            start = end
        del buffer[:start]
        return frames
