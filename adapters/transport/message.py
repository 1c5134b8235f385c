"""HTTP/1.1 messages without I/O: a request head as bytes, and a reader of responses.

The parsing itself is llhttp's (through httptools). What is added here: the rules that make a body complete or broken,
bounds on everything that is not body, and joining, so that a burst of small chunks costs one object and not hundreds.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from httptools import HttpParserCallbackError, HttpParserError, HttpParserUpgrade, HttpResponseParser

from adapters.transport.types import RequestInvalid, ResponseBroken

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_BARREN_BYTES = 64 * 1024
"""How much may arrive in a row without a byte of body: bounds heads, trailers, chunk extensions and informational
responses alike. A body has no bound."""

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_FORBIDDEN_IN_VALUE = re.compile(rb"[\r\n\0]")
_OURS = frozenset(
    {
        b"accept-encoding",
        b"connection",
        b"content-length",
        b"expect",
        b"host",
        b"keep-alive",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""Headers that belong to the connection and not to the request: a caller's value is replaced or left out."""

_OK = 200
_SWITCHING_PROTOCOLS = 101
_BODILESS = (204, 304)


def encode_head(
    method: str,
    request_target: bytes,
    host: bytes,
    headers: Iterable[tuple[bytes, bytes]],
    body_length: int,
    extra: Iterable[tuple[bytes, bytes]] = (),
) -> bytes:
    """Return the request line and headers, with the empty line.

    `extra` are headers of the connection itself, from us and not from a caller.
    The answer's body is asked for as it is (`Accept-Encoding: identity`), since a relay reads it on its way.
    Raises `RequestInvalid` if a name or value would end its line early: nothing a client or an operator writes may
    become a header, or a request, of its own.
    """
    if not _TOKEN.fullmatch(method.encode()):
        raise RequestInvalid("the method is not a word")
    lines = [b"%s %s HTTP/1.1\r\nHost: %s\r\nAccept-Encoding: identity" % (method.encode(), request_target, host)]
    if body_length or method not in {"GET", "HEAD", "DELETE", "OPTIONS"}:
        lines.append(b"Content-Length: %d" % body_length)
    lines += [_line(name, value) for name, value in headers if name.lower() not in _OURS]
    lines += [_line(name, value) for name, value in extra]
    lines.append(b"\r\n")
    return b"\r\n".join(lines)


def _line(name: bytes, value: bytes) -> bytes:
    if not _TOKEN.fullmatch(name):
        raise RequestInvalid("a header's name is not a word")
    if _FORBIDDEN_IN_VALUE.search(value):
        raise RequestInvalid("a header's value holds a line break or a zero byte")
    return b"%s: %s" % (name, value)


class ResponseReader:
    """Reads one response, and the informational ones before it.

    `feed` takes what came from the socket, `b""` for its end. Then `is_begun` tells whether status and headers are
    there, `take` gives the body's bytes so far, and `is_complete` whether that was all. Where the response broke,
    `failure` says how: an error is raised only after all that came before it was taken.
    """

    __slots__ = (
        "_barren",
        "_frames_itself",
        "_headers",
        "_is_head",
        "_is_informational",
        "_may_reuse",
        "_parser",
        "_parts",
        "failure",
        "headers",
        "is_begun",
        "is_complete",
        "is_reusable",
        "on_body",
        "received",
        "status",
    )

    def __init__(self, method: str) -> None:
        self.status = 0
        self.headers: tuple[tuple[bytes, bytes], ...] = ()
        self.is_begun = False
        self.is_complete = False
        self.is_reusable = False
        """Whether the connection can carry another request; known once the response is complete."""
        self.failure: ResponseBroken | None = None
        self.received = False
        """Whether anything at all has come."""
        self._parts: list[bytes] = []
        # The parser calls `append` itself: a Python frame for each chunk of a burst would cost more than parsing it.
        self.on_body = self._parts.append
        self._headers: list[tuple[bytes, bytes]] = []
        self._is_head = method == "HEAD"
        self._is_informational = False
        self._frames_itself = False
        self._may_reuse = True
        self._barren = 0
        self._parser: HttpResponseParser | None = HttpResponseParser(self)
        # A server that sends both framings means the chunks; Go's client, which most providers are tried with, takes
        # it the same way. Such a connection is not used again.
        self._parser.set_dangerous_leniencies(lenient_chunked_length=True, lenient_spaces_after_chunk_size=True)

    def feed(self, data: bytes) -> None:
        """Read on. What is no response, or ends too early, becomes the `failure`."""
        if self._parser is None:
            return
        if not data:
            self._end()
            return
        self.received = True
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            pass  # failed already, at the head's end
        except (HttpParserError, HttpParserCallbackError) as error:
            self.is_reusable = False
            if not self.is_complete:
                self.fail(f"the provider's answer is not valid HTTP: {error}")
        if self.is_complete:
            self._parser = None
        elif self._parts:
            self._barren = 0
        else:
            self._barren += len(data)
            if self._barren > MAX_BARREN_BYTES:
                self.fail("the provider's answer has too large a head")

    def fail(self, reason: str) -> None:
        """Take the response for broken, if it is not already."""
        self._parser = None
        self.is_reusable = False
        self.failure = self.failure or ResponseBroken(reason)

    def take(self) -> bytes:
        """Return the body bytes that were read since the last call, joined."""
        parts = self._parts
        if not parts:
            return b""
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        return data

    def forbid_reuse(self) -> None:
        """Let the connection end with this response, whatever the provider says."""
        self._may_reuse = False
        self.is_reusable = False

    def abandon(self) -> None:
        """Let go of the parser. It refers to this object and back, which only the cycle collector would notice."""
        self._parser = None

    def _end(self) -> None:
        """Take note that the connection has ended."""
        if not self.is_begun:
            self.fail("the provider closed the connection without an answer")
        elif self._frames_itself:
            self.fail("the provider closed the connection in the middle of its answer")
        else:
            self.is_complete = True
            self._parser = None

    # The rest is called by the parser.

    def on_message_begin(self) -> None:
        if self.is_complete:
            # Bytes after the end belong to no request of ours. Raising stops the parser before it mixes them in.
            raise ResponseBroken("surplus bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.is_begun:  # trailers are of no use to anybody
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        parser = self._parser
        assert parser is not None  # noqa: S101  # the parser itself is calling
        status = parser.get_status_code()
        if status == _SWITCHING_PROTOCOLS:
            self.fail("the provider switched protocols without being asked")
            return
        if status < _OK:
            self._headers.clear()
            self._is_informational = True
            return
        self._is_informational = False
        self.status = status
        self.headers = tuple(self._headers)
        self.is_begun = True
        lengths = {value for name, value in self.headers if name == b"content-length"}
        is_chunked = any(
            name == b"transfer-encoding" and value.lower().rstrip().endswith(b"chunked")
            for name, value in self.headers
        )
        self._frames_itself = is_chunked or bool(lengths)
        if is_chunked and lengths:
            self._may_reuse = False
        if self._is_head:
            self._complete(parser)

    def on_message_complete(self) -> None:
        if self._parser is not None and not self._is_informational and not self.is_complete:
            self._complete(self._parser)

    def _complete(self, parser: HttpResponseParser) -> None:
        self.is_complete = True
        self.is_reusable = parser.should_keep_alive() and self._may_reuse
