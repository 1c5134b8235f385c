"""`multipart/form-data` (RFC 7578), read as it arrives: where each part begins and ends, and what it is called.

Nothing is copied: contents stay where the upload is kept. Sans-IO, and strict about what would let a provider read
a form otherwise than we do.
"""

from __future__ import annotations

import email.parser
import email.policy
import re
from dataclasses import dataclass

MAX_PARTS = 512
MAX_PART_HEAD_BYTES = 16 * 1024
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")


class MultipartError(ValueError):
    """The bytes are no form. The message is for the client."""

    code = "invalid_multipart"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of a form. Offsets are those of the whole body."""

    name: str
    filename: str | None
    starts_at: int
    """Of the delimiter line that opens it."""
    content_at: int
    ends_at: int
    """Of its content; the line break before the next delimiter follows."""

    @property
    def size(self) -> int:
        """Bytes of its content."""
        return self.ends_at - self.content_at


def boundary_of(content_type: str) -> bytes:
    """Return the boundary that a `Content-Type` names. Raises `MultipartError`."""
    message = email.parser.HeaderParser(policy=email.policy.compat32).parsestr(f"Content-Type: {content_type}\n\n")
    found = message.get_param("boundary")
    if message.get_content_type() != "multipart/form-data" or not isinstance(found, str):
        raise MultipartError("the Content-Type is not multipart/form-data with a boundary")
    if not _BOUNDARY.fullmatch(found):
        raise MultipartError("the boundary of the form is not a valid one")
    return found.encode("ascii")


class MultipartScanner:
    """Finds the parts of a form in its bytes, fed in pieces of any size."""

    def __init__(self, boundary: bytes) -> None:
        self._delimiter = b"\r\n--" + boundary
        # The first delimiter stands at the very start, without a line break before it.
        self._buffer = b"\r\n"
        self._buffer_at = -2
        self._open: tuple[int, int, str, str | None] | None = None
        self._is_over = False
        self.parts: list[Part] = []

    def feed(self, data: bytes) -> None:
        """Read on. Raises `MultipartError`."""
        if self._is_over:
            return
        self._buffer += data
        while not self._is_over and self._step():
            pass

    def finish(self) -> list[Part]:
        """Return the parts of the form, which is whole now. Raises `MultipartError`."""
        if not self._is_over:
            raise MultipartError("the form ends before its last boundary")
        return self.parts

    def _step(self) -> bool:
        """Take one delimiter; `False` when more bytes are needed."""
        found = self._buffer.find(self._delimiter)
        if found < 0:
            # What cannot be the beginning of a delimiter is content, and of no interest.
            self._drop(max(len(self._buffer) - len(self._delimiter) + 1, 0))
            return False
        if found:
            self._drop(found)
        rest = self._buffer[len(self._delimiter) : len(self._delimiter) + 2]
        if len(rest) < 2:
            return False
        if rest == b"--":
            self._close_part()
            self._is_over = True
            return False
        if rest != b"\r\n":
            raise MultipartError("a boundary of the form is followed by something else than a line break")
        head_at = len(self._delimiter) + 2
        # A part without any header has its empty line at once.
        end = self._buffer.find(b"\r\n\r\n", head_at - 2)
        if end < 0:
            if len(self._buffer) > MAX_PART_HEAD_BYTES:
                raise MultipartError("a part of the form has too large a head")
            return False
        self._close_part()
        name, filename = _names(self._buffer[head_at : end + 2])
        self._open = (self._buffer_at + 2, self._buffer_at + end + 4, name, filename)
        if len(self.parts) >= MAX_PARTS:
            raise MultipartError("the form has too many parts")
        # The line break that ends the head may be the one before the next delimiter: of an empty part.
        self._drop(end + 2)
        return True

    def _close_part(self) -> None:
        if self._open is None:
            return
        starts_at, content_at, name, filename = self._open
        self._open = None
        self.parts.append(
            Part(
                name=name,
                filename=filename,
                starts_at=starts_at,
                content_at=content_at,
                ends_at=max(self._buffer_at, content_at),
            )
        )

    def _drop(self, count: int) -> None:
        self._buffer = self._buffer[count:]
        self._buffer_at += count


def _names(head: bytes) -> tuple[str, str | None]:
    message = email.parser.BytesHeaderParser(policy=email.policy.compat32).parsebytes(head + b"\r\n")
    if len(message.get_all("content-disposition", [])) != 1:
        raise MultipartError("a part of the form does not say once what it is called")
    name = message.get_param("name", header="content-disposition")
    if not isinstance(name, str) or message.get_content_disposition() != "form-data":
        raise MultipartError("a part of the form does not say what it is called")
    return name, message.get_filename()
