"""Open a connection to a provider: names, TCP, proxy, TLS. All of it under one deadline."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio
from python_socks import ProxyError, ProxyType
from python_socks.async_.trio import Proxy as SocksProxy

from adapters.transport.proxy import open_tunnel
from adapters.transport.tls import TlsStream
from adapters.transport.types import ConnectFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.transport.proxy import Proxy
    from adapters.transport.target import Origin
    from adapters.transport.tls import ByteStream


@dataclass(slots=True, eq=False)
class Connection:
    """An open connection to a provider, used for one exchange at a time."""

    origin: Origin
    stream: ByteStream
    """Where HTTP is spoken."""
    socket: trio.socket.SocketType
    """What all layers stand on."""
    exchanges: int = 0
    """How many requests it has carried, the running one included."""
    idle_since: float = 0.0
    """On Trio's clock, seconds; while it waits in the pool."""

    @property
    def is_stale(self) -> bool:
        """Whether a waiting connection is of no use: closed by its server, or with unasked-for bytes."""
        return self.socket.is_readable()

    def close(self) -> None:
        """Close it at once, without a word. Does not wait, so it works in a cancelled scope."""
        self.socket.close()


async def connect(
    origin: Origin,
    *,
    proxy: Proxy | None,
    tls: ssl.SSLContext,
    timeout_s: float,
    stepped: Callable[[str], None] | None = None,
) -> Connection:
    """Open a connection for requests to `origin`. Raises `ConnectFailed`; leaves nothing open when it raises.

    `stepped` is told as `UpstreamRequest` says.
    """
    with trio.move_on_after(timeout_s):
        try:
            return await _connect(origin, proxy, tls, stepped)
        except ssl.SSLCertVerificationError as error:
            raise ConnectFailed("the provider's certificate could not be verified") from error
        except ssl.SSLError as error:
            raise ConnectFailed("no TLS connection could be agreed on") from error
        except trio.BrokenResourceError as error:
            raise ConnectFailed("the connection was closed while it was being set up") from error
        except ProxyError as error:
            raise ConnectFailed("the proxy refused the connection") from error
        except OSError as error:
            raise ConnectFailed(_what_failed(error)) from error
    raise ConnectFailed("no connection in time")


async def _connect(
    origin: Origin, proxy: Proxy | None, tls: ssl.SSLContext, stepped: Callable[[str], None] | None
) -> Connection:
    bottom = await _open_socket(origin, proxy)
    if stepped is not None:
        stepped("opened")
    try:
        stream: ByteStream = trio.SocketStream(bottom)  # which also sets TCP_NODELAY
        if proxy is not None and not proxy.is_socks:
            if proxy.origin.scheme == "https":
                stream = await _secure(stream, tls, proxy.origin.host)
            if origin.scheme == "https":
                await open_tunnel(stream, proxy, origin)
        if origin.scheme == "https":
            stream = await _secure(stream, tls, origin.host)
    except BaseException:
        bottom.close()
        raise
    if stepped is not None:
        stepped("ready")
    return Connection(origin, stream, bottom)


async def _open_socket(origin: Origin, proxy: Proxy | None) -> trio.socket.SocketType:
    if proxy is None:
        return (await trio.open_tcp_stream(origin.host, origin.port)).socket
    if not proxy.is_socks:
        return (await trio.open_tcp_stream(proxy.origin.host, proxy.origin.port)).socket
    socks = SocksProxy(
        ProxyType.SOCKS5, proxy.origin.host, proxy.origin.port, proxy.user or None, proxy.password or None, rdns=True
    )
    # Its own limit would be a minute; the caller's scope is the one that counts.
    return await socks.connect(origin.host, origin.port, timeout=float("inf"))


async def _secure(below: ByteStream, tls: ssl.SSLContext, host: str) -> TlsStream:
    stream = TlsStream(below, tls, host)
    await stream.do_handshake()
    return stream


def _what_failed(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return "the host name could not be resolved"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    # Several addresses were tried: Trio puts the reasons of each below its own error.
    if isinstance(error.__cause__, ConnectionRefusedError) or (
        isinstance(error.__cause__, BaseExceptionGroup) and error.__cause__.split(ConnectionRefusedError)[1] is None
    ):
        return "the connection was refused"
    return "the host could not be reached"
