"""Listening sockets: opened once, by whoever owns the port, and handed to the processes that serve it.

Accepted sockets inherit the options set here. `TCP_USER_TIMEOUT` is the kernel's half of the cure for clients
that stop reading (the other half is `gateway.server.deadline_stream`); keep-alive probes find those that vanished.
"""

from __future__ import annotations

import errno
import resource
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# The kernel lowers it to net.core.somaxconn; a burst of reconnecting clients must not see refusals.
BACKLOG = 4096
# Seconds: probe after a minute of silence, four times. NAT tables forget idle connections after about as long.
KEEPALIVE_IDLE_S = 60
KEEPALIVE_INTERVAL_S = 15
KEEPALIVE_PROBES = 4


class PortError(Exception):
    """The port cannot be had. x PortInUse"""

    code = "port"

    def __init__(self, port: int, reason: str) -> None:
        super().__init__(f"cannot listen on port {port}: {reason}")
        self.port = port


class PortInUse(PortError):
    """Another program listens there."""

    code = "port_in_use"

    def __init__(self, port: int) -> None:
        super().__init__(port, "another program listens there (change PORT, or stop that program)")


def open_listeners(port: int, *, write_timeout_s: float, host: str = "") -> list[socket.socket]:
    """Bind to `port` on every address, IPv6 and IPv4, or on `host` only; 0 picks a free port.

    The sockets are bound and do not listen yet: connections are refused until somebody serves, and do not wait
    in the kernel while a migration runs. Raises `PortInUse` and `PortError`.
    """
    try:
        sock = _bind(port, host)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(port) from error
        raise PortError(port, error.strerror or str(error)) from error
    _set_options(sock, write_timeout_s)
    return [sock]


def adopt_listeners(fds: Sequence[int]) -> list[socket.socket]:
    """Take over sockets that a parent process opened."""
    return [adopt(fd) for fd in fds]


def adopt(fd: int) -> socket.socket:
    """Take over one inherited socket; children of ours do not inherit it."""
    sock = socket.socket(fileno=fd)
    sock.set_inheritable(False)
    sock.setblocking(False)
    return sock


def listen(listeners: Sequence[socket.socket]) -> None:
    """Let connections in. Raises `PortInUse` when somebody else was faster."""
    for sock in listeners:
        try:
            sock.listen(BACKLOG)
        except OSError as error:
            port = sock.getsockname()[1]
            if error.errno == errno.EADDRINUSE:
                raise PortInUse(port) from error
            raise PortError(port, error.strerror or str(error)) from error


def addresses_of(listeners: Sequence[socket.socket]) -> tuple[str, ...]:
    """`http://HOST:PORT` of each socket."""
    named = [(sock.family, *sock.getsockname()[:2]) for sock in listeners]
    return tuple(
        f"http://[{host}]:{port}" if family == socket.AF_INET6 else f"http://{host}:{port}"
        for family, host, port in named
    )


def raise_file_limit() -> int:
    """Lift the soft limit on open files to the hard one and return it: each relay needs two."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def _bind(port: int, host: str) -> socket.socket:
    if host:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return _bound(family, host, port)
    if not socket.has_dualstack_ipv6():
        return _bound(socket.AF_INET, "0.0.0.0", port)  # noqa: S104 - a server listens
    try:
        return _bound(socket.AF_INET6, "::", port)
    except OSError as error:
        # A kernel with IPv6 compiled in and switched off, as in many containers.
        if error.errno not in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
            raise
        return _bound(socket.AF_INET, "0.0.0.0", port)  # noqa: S104 - a server listens


def _bound(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family == socket.AF_INET6 and host == "::":
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def _set_options(sock: socket.socket, write_timeout_s: float) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):  # not on macOS
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_PROBES)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(write_timeout_s * 1000))
