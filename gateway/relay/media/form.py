"""A client's form: the upload as it came, its fields, and the same upload with a few fields changed.

What is not changed goes to the provider byte for byte, out of the spool.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import trio

from gateway.relay.errors import Invalid, RelayError
from gateway.relay.media.multipart import MultipartError, MultipartScanner, boundary_of
from gateway.relay.media.spool import Spool, Window
from gateway.server.body import BodyTimeout, BodyTooLarge, ClientGone, read_body

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from gateway.lifecycle_types import Receive
    from gateway.relay.head import RequestHead
    from gateway.relay.media.multipart import Part

# A field is a word or a prompt; what is longer is a file that lacks its name.
MAX_FIELD_BYTES = 1 << 20
MAX_FIELDS_BYTES = 4 << 20
PIECE_IDLE_S = 30.0
UPLOAD_S = 600.0


class Form:
    """A whole form. Owned by the relay that it came for; its spool is closed by who opened it."""

    def __init__(self, spool: Spool, boundary: bytes, parts: list[Part], fields: Mapping[str, str]) -> None:
        self._spool = spool
        self._boundary = boundary
        self._parts = parts
        self.fields = fields
        """The text fields whose names occur once, which are those that decide anything."""

    @property
    def size(self) -> int:
        """Bytes of the upload."""
        return self._spool.size

    def as_json(self) -> bytes:
        """Return the fields as a JSON object, for those who read requests in that form."""
        return msgspec.json.encode(self.fields)

    def file(self, name: str) -> Window | None:
        """Return the content of the first file called `name`."""
        for part in self._parts:
            if part.name == name and part.filename is not None:
                return Window(self._spool, part.content_at, part.size)
        return None

    def files(self, name: str) -> list[Window]:
        """Return the contents of all files called `name`."""
        return [
            Window(self._spool, part.content_at, part.size)
            for part in self._parts
            if part.name == name and part.filename is not None
        ]

    def edited(self, changes: Mapping[str, object | None]) -> Segments:
        """Return the form with fields changed, added or (`None`) taken out. `changes` hold plain values."""
        pieces: list[bytes | Stretch] = []
        last = max((part.ends_at for part in self._parts), default=0)
        for name, value in changes.items():
            if value is not None and not any(part.name == name for part in self._parts):
                pieces.append(self._field(name, value))
        kept_from = 0
        for place, part in enumerate(self._parts):
            if part.name not in changes:
                continue
            if part.starts_at > kept_from:
                pieces.append(Stretch(kept_from, part.starts_at))
            value = changes[part.name]
            if value is not None:
                pieces.append(self._field(part.name, value))
            following = self._parts[place + 1].starts_at if place + 1 < len(self._parts) else last + 2
            kept_from = following
        pieces.append(Stretch(kept_from, self._spool.size))
        return Segments(self._spool, pieces)

    def _field(self, name: str, value: object) -> bytes:
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        head = b'--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n' % (self._boundary, name.encode())
        return head + text.encode() + b"\r\n"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of the upload that stays as it is."""

    start: int
    end: int


class Segments:
    """An upload with edits: a `BodySource` for the transport."""

    def __init__(self, spool: Spool, pieces: list[bytes | Stretch]) -> None:
        self._spool = spool
        self._pieces: list[tuple[int, bytes | Stretch]] = []
        self.size = 0
        for piece in pieces:
            length = len(piece) if isinstance(piece, bytes) else piece.end - piece.start
            if length > 0:
                self._pieces.append((self.size, piece))
                self.size += length

    async def read_at(self, start: int, most: int) -> bytes:
        """See `adapters.transport.types.BodySource`."""
        at, piece = next(entry for entry in reversed(self._pieces) if entry[0] <= start)
        if isinstance(piece, bytes):
            await trio.lowlevel.checkpoint()
            return piece[start - at : start - at + most]
        begin = piece.start + start - at
        data = await self._spool.read_at(begin, min(most, piece.end - begin))
        if not data:
            raise OSError("the spooled upload is shorter than it was")
        return data


def is_form(head: RequestHead) -> bool:
    """Whether a request says that its body is a form."""
    return head.header(b"content-type").lower().startswith("multipart/form-data")


@asynccontextmanager
async def received_form(
    head: RequestHead, receive: Receive, *, limit: int, limiter: trio.CapacityLimiter
) -> AsyncIterator[Form]:
    """Take a form in, and keep it for the length of the block.

    Raises `Invalid` for what is no form, `BodyError` as `read_body` does, `RelayError` when there is no room.
    """
    spool = Spool(limiter)
    try:
        yield await _read(head, receive, spool, limit)
    finally:
        spool.close()


async def _read(head: RequestHead, receive: Receive, spool: Spool, limit: int) -> Form:
    try:
        boundary = boundary_of(head.header(b"content-type"))
        scanner = MultipartScanner(boundary)
        if head.header(b"content-encoding").lower() in ("", "identity"):
            length = head.header(b"content-length")
            if length.isdigit() and int(length) > limit:
                raise BodyTooLarge(limit_bytes=limit)
            await _fill(receive, spool, scanner, limit)
        else:
            data = await read_body(receive, head.headers.items(), limit=limit)
            scanner.feed(data)
            await spool.write(data)
        await spool.finish()
        parts = scanner.finish()
        return Form(spool, boundary, parts, await _fields(spool, parts))
    except MultipartError as error:
        raise Invalid(str(error), code=error.code) from None
    except OSError:
        raise RelayError("there is no room for the upload", status=503, code="upload_storage") from None


async def _fill(receive: Receive, spool: Spool, scanner: MultipartScanner, limit: int) -> None:
    ends_at = trio.current_time() + UPLOAD_S
    while True:
        with trio.move_on_at(min(ends_at, trio.current_time() + PIECE_IDLE_S)) as scope:
            message = await receive()
        if scope.cancelled_caught:
            raise BodyTimeout
        if message["type"] == "http.disconnect":
            raise ClientGone
        piece = message.get("body", b"")
        if spool.size + len(piece) > limit:
            raise BodyTooLarge(limit_bytes=limit)
        if piece:
            scanner.feed(piece)
            await spool.write(piece)
        if not message.get("more_body", False):
            return


async def _fields(spool: Spool, parts: list[Part]) -> dict[str, str]:
    fields: dict[str, str] = {}
    size = 0
    repeated: set[str] = set()
    for part in parts:
        if part.filename is not None and part.name != "model":
            continue
        size += part.size
        if part.size > MAX_FIELD_BYTES or size > MAX_FIELDS_BYTES:
            raise MultipartError(f"the field {part.name[:40]!r} of the form is too long")
        if part.name in fields:
            repeated.add(part.name)
        data = await spool.read_at(part.content_at, part.size) if part.size else b""
        fields[part.name] = data.decode("utf-8", "replace")
    for name in repeated:
        if not name.endswith("[]"):
            # Which of them counts, every server decides for itself; the price must not depend on a guess.
            raise MultipartError(f"the field {name[:40]!r} of the form is there more than once")
        del fields[name]
    return fields
