"""Where Redis is: a URL, or sentinels that know."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import coredis

DEFAULT_PORT: Final = 6379
DEFAULT_SENTINEL_PORT: Final = 26379
# Seconds, for one connection; the callers' own deadlines are shorter where it matters.
CONNECT_LIMIT_S: Final = 3.0


class RedisAddressError(Exception):
    """`REDIS_CONN_STRING` is not an address. The message holds no password."""

    code = "redis_address"


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisAddress:
    """What `REDIS_CONN_STRING`, `REDIS_MASTER_NAME` and `REDIS_PASSWORD` say together."""

    url: str = ""
    sentinels: tuple[tuple[str, int], ...] = ()
    master_name: str = ""
    password: str = ""

    @property
    def database(self) -> int:
        """The number of the logical database; channels of pub/sub do not have one of their own."""
        if not self.url:
            return 0
        parts = urlsplit(self.url)
        text = parse_qs(parts.query).get("db", [parts.path.strip("/")])[0]
        return int(text) if text.isdigit() else 0

    @property
    def label(self) -> str:
        """The address for people, without password."""
        if not self.url:
            return f"{self.master_name} by sentinels"
        parts = urlsplit(self.url)
        return parts.path if parts.scheme == "unix" else parts.netloc.rpartition("@")[2]

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[coredis.Redis[str]]:
        """Give a client of the server, or of the present master, that never repeats a command by itself."""
        # Most installations have no Redis, and it is a seventh of all that a start would load.
        import coredis  # noqa: PLC0415
        from coredis.connection import TCPLocation  # noqa: PLC0415
        from coredis.retry import NoRetryPolicy  # noqa: PLC0415

        if self.url:
            client = coredis.Redis.from_url(
                self.url,
                decode_responses=True,
                decode_components=True,
                retry_policy=NoRetryPolicy(),
                connect_timeout=CONNECT_LIMIT_S,
            )
            async with client:
                yield client
            return
        locations = [TCPLocation(host, port) for host, port in self.sentinels]
        async with coredis.Sentinel(locations, connect_timeout=CONNECT_LIMIT_S) as sentinel:
            host, port = await sentinel.discover_primary(self.master_name)
        async with coredis.Redis(
            host,
            port,
            password=self.password or None,
            decode_responses=True,
            retry_policy=NoRetryPolicy(),
            connect_timeout=CONNECT_LIMIT_S,
        ) as client:
            yield client


def read_address(conn_string: str, *, master_name: str = "", password: str = "") -> RedisAddress:
    """Understand the three variables. Raises `RedisAddressError`."""
    if master_name:
        return RedisAddress(sentinels=_hosts(conn_string), master_name=master_name, password=password)
    if "://" not in conn_string:
        conn_string = f"redis://{conn_string}"
    parts = urlsplit(conn_string)
    if parts.scheme not in {"redis", "rediss", "unix"} or (parts.scheme != "unix" and not parts.hostname):
        raise RedisAddressError("REDIS_CONN_STRING: expected redis://[user:password@]host[:port][/number]")
    return RedisAddress(url=conn_string)


def _hosts(text: str) -> tuple[tuple[str, int], ...]:
    hosts: list[tuple[str, int]] = []
    for item in filter(None, (part.strip() for part in text.split(","))):
        parts = urlsplit(f"//{item}")
        try:
            port = parts.port or DEFAULT_SENTINEL_PORT
        except ValueError:
            port = 0
        if not parts.hostname or not port:
            raise RedisAddressError("REDIS_CONN_STRING: with REDIS_MASTER_NAME expected host:port,host:port")
        hosts.append((parts.hostname, port))
    if not hosts:
        raise RedisAddressError("REDIS_CONN_STRING: with REDIS_MASTER_NAME expected host:port,host:port")
    return tuple(hosts)
