"""TLS over a Trio stream, made for reading bursts.

`trio.SSLStream` gives back one TLS record for each call, and takes a lock for it; providers put every event of a
stream in a record of its own. This one gives back all records that have arrived. It is also safe to stop a send
half-way and still read: a provider that refuses a large body answers before it has read it.

One task may send while another reads; no more than one of each. There is no `close`: connections end by closing the
socket below, since a provider that is cut off need not be told so in writing.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Protocol

import trio

if TYPE_CHECKING:
    from pathlib import Path

_PIECE_BYTES = 64 * 1024


class ByteStream(Protocol):
    """What HTTP and TLS need of the layer below."""

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of `data`. Raises `trio.BrokenResourceError`, `trio.ClosedResourceError`."""

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Return what has come, at most `max_bytes`, or `b""` at the end. Raises as `send_all`."""


def client_context(ca_file: Path | str) -> ssl.SSLContext:
    """Make the settings for connections to providers: verified certificates, TLS 1.2 or later, HTTP/1.1.

    Reads some hundred certificates, which takes tens of milliseconds: make one, and pass it on.
    """
    context = ssl.create_default_context(cafile=str(ca_file))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    # A read never has to write, then: renegotiation of TLS 1.2 is the only thing that would.
    context.options |= ssl.OP_NO_RENEGOTIATION
    return context


class TlsStream:
    """The client's side of TLS over `below`."""

    __slots__ = ("_below", "_incoming", "_outgoing", "_tls")

    def __init__(self, below: ByteStream, context: ssl.SSLContext, host: str) -> None:
        self._below = below
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=False, server_hostname=host)

    async def do_handshake(self) -> None:
        """Agree on keys and check the certificate. Raises `ssl.SSLError`, `trio.BrokenResourceError`."""
        is_done = False
        while not is_done:
            try:
                self._tls.do_handshake()
                is_done = True
            except ssl.SSLWantReadError:
                pass
            if self._outgoing.pending:
                await self._below.send_all(self._outgoing.read())
            if not is_done:
                await self._fill()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of `data`. Raises `trio.BrokenResourceError`, `trio.ClosedResourceError`."""
        rest = memoryview(data)
        while rest:
            try:
                # One call writes one record of up to 16 KiB; several share one system call.
                while rest and self._outgoing.pending < _PIECE_BYTES:
                    rest = rest[self._tls.write(rest) :]
            except ssl.SSLError as error:
                raise trio.BrokenResourceError from error
            await self._below.send_all(self._outgoing.read())

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return what has come, at most `max_bytes`, or `b""` once the other side said that it has ended.

        Raises `trio.BrokenResourceError` if the connection ends without that word, `trio.ClosedResourceError`.
        """
        limit = max_bytes or _PIECE_BYTES
        while True:
            parts: list[bytes] = []
            size = 0
            try:
                while size < limit:
                    part = self._tls.read(limit - size)
                    if not part:
                        return b"".join(parts)
                    parts.append(part)
                    size += len(part)
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError as error:
                if not parts:
                    raise trio.BrokenResourceError from error
                # What came before the fault is good; the next read meets the fault again.
            if parts:
                return parts[0] if len(parts) == 1 else b"".join(parts)
            await self._fill()

    async def _fill(self) -> None:
        data = await self._below.receive_some(_PIECE_BYTES)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
