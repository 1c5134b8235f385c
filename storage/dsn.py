"""Database addresses as one-api's users write them, read into SQLAlchemy URLs.

Three forms, told apart as one-api does: empty text is an SQLite file, `postgres://…` is PostgreSQL, anything
else is the Go MySQL driver's `user:password@tcp(host:3306)/database?parameters`. Passwords may hold any
character in the MySQL form and are percent-encoded in the PostgreSQL form. No message here shows one.
"""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qsl, unquote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from psycopg import pq
from sqlalchemy import URL

from storage.errors import DsnError

if TYPE_CHECKING:
    from collections.abc import Mapping

Dialect = Literal["sqlite", "postgresql", "mysql"]

POSTGRES_FORM = "postgres://user:password@host:5432/database?sslmode=disable"
MYSQL_FORM = "user:password@tcp(host:3306)/database?charset=utf8mb4&parseTime=True&loc=Local"
EXPECTED = f"expected {POSTGRES_FORM}, or {MYSQL_FORM}, or nothing for SQLite"

_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://")
# Greedy user part: as in Go, the last @ before the host ends it, so that a password may hold @ and /.
_POSTGRES = re.compile(
    r"postgres(?:ql)?://(?:(?P<login>[^?]*)@)?(?P<hosts>[^/?@]*)(?:/(?P<database>[^?]*))?(?:\?(?P<query>.*))?",
    re.DOTALL,
)
_MYSQL = re.compile(
    r"(?:(?P<login>.*)@)?(?:(?P<net>[a-z0-9]+)?(?:\((?P<address>[^)]*)\))?)?/(?P<database>[^/?]*)(?:\?(?P<query>.*))?",
    re.DOTALL,
)
_HOST = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]*)(?::(?P<port>\d{1,5}))?")
_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
# Parameters of the Go driver that have no meaning for this program.
_GO_ONLY = {
    *("parseTime", "allowAllFiles", "allowCleartextPasswords", "allowFallbackToPlaintext", "allowNativePasswords"),
    *("allowOldPasswords", "checkConnLiveness", "clientFoundRows", "columnsWithAlias", "compress"),
    *("connectionAttributes", "interpolateParams", "maxAllowedPacket", "multiStatements", "rejectReadOnly"),
    *("serverPubKey", "timeTruncate"),
}
# Parameters of one-api's PostgreSQL driver, likewise.
_PGX_ONLY = ("pool_", "statement_cache", "description_cache", "default_query")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dsn:
    """An address that was understood.

    `session` are settings that the address asks for in every session. `zone` is the time zone in which
    one-api stores date-times on MySQL (its `loc`), since that column type has none; `None` is this machine's.
    """

    dialect: Dialect
    url: URL
    connect_args: Mapping[str, object] = field(default_factory=dict, repr=False)
    session: Mapping[str, str] = field(default_factory=dict)
    zone: tzinfo | None = UTC

    @property
    def display(self) -> str:
        """The address for people: engine, host and database, no login and no parameters."""
        if self.dialect == "sqlite":
            return f"sqlite {self.url.database}"
        hosts = self.url.host or ",".join(_as_tuple(self.url.query.get("host", ""))) or _socket(self.connect_args)
        port = f":{self.url.port}" if self.url.port else ""
        return f"{self.dialect} {hosts or 'localhost'}{port}/{self.url.database or ''}"


def parse_dsn(text: str, *, sqlite_path: str = "one-api.db") -> Dsn:
    """Read an address; raises `DsnError`, whose message says what was expected and shows no password."""
    text = text.strip()
    if not text:
        return _sqlite(sqlite_path)
    scheme = _SCHEME.match(text)
    if scheme is None:
        return _mysql(text)
    if scheme["scheme"] in {"postgres", "postgresql"}:
        return _postgres(text)
    raise DsnError(f"database address starts with {scheme['scheme']}://, which is not known; {EXPECTED}")


def safe(text: str) -> str:
    """Return the address for display: password and parameters masked; all of it, if it cannot be read."""
    text = text.strip()
    if not text:
        return "sqlite"
    scheme = _SCHEME.match(text)
    prefix = scheme.group() if scheme else ""
    pattern = _POSTGRES if prefix.startswith("postgres") else _MYSQL
    found = None if prefix and pattern is _MYSQL else pattern.fullmatch(text)
    query = (found["query"] or "") if found else ""
    if found is None or "@" in query:
        # With a question mark in the password, what looks like a host is a part of it.
        return f"{prefix}***"
    rest = text[found.end("login") + 1 :] if found["login"] is not None else text[len(prefix) :]
    user, password = _login(found["login"])
    login = f"{user}:***@" if password else f"{user}@" if user else ""
    return prefix + login + (rest[: -len(query) - 1] + "?…" if query else rest)


def _sqlite(path: str) -> Dsn:
    path = path.strip()
    if not path or ":memory:" in path:
        raise DsnError("SQLITE_PATH must name a file, for example one-api.db: several connections share it")
    # Parameters after ? belong to the driver of one-api.
    path = path.removeprefix("file:").partition("?")[0]
    return Dsn(dialect="sqlite", url=URL.create("sqlite+pysqlite", database=path))


def _postgres(text: str) -> Dsn:
    found = _POSTGRES.fullmatch(text)
    if found is None:
        raise DsnError(f"PostgreSQL address cannot be read; expected {POSTGRES_FORM}")
    user, password = _login(found["login"])
    hosts = [_host(part, POSTGRES_FORM) for part in found["hosts"].split(",")] if found["hosts"] else []
    query, session = _postgres_query(found["query"] or "")
    database = unquote(found["database"] or "") or str(query.pop("dbname", ""))
    if not hosts and "host" not in query:
        raise DsnError(f"PostgreSQL address names no host; expected {POSTGRES_FORM}")
    if not database:
        raise DsnError(f"PostgreSQL address names no database; expected {POSTGRES_FORM}")
    single = hosts[0] if len(hosts) == 1 else ("", None)
    if len(hosts) > 1:
        query["host"] = tuple(f"{host}:{port or 5432}" for host, port in hosts)
    url = URL.create(
        "postgresql+psycopg",
        username=unquote(user) if user else str(query.pop("user", "")) or None,
        password=unquote(password) if password else str(query.pop("password", "")) or None,
        host=single[0] or None,
        port=single[1],
        database=database,
        query=query,
    )
    return Dsn(dialect="postgresql", url=url, session=session)


def _postgres_query(text: str) -> tuple[dict[str, str | tuple[str, ...]], dict[str, str]]:
    """Split parameters into those of the connection and, as one-api's driver does, settings of the session."""
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    query: dict[str, str | tuple[str, ...]] = {}
    session: dict[str, str] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        if name in known:
            query[name] = value
        elif re.fullmatch(r"[A-Za-z_][\w.]*", name) and not name.startswith(
            ("pool_", "statement_cache", "default_query")
        ):
            session[name] = value
    return query, session


def _mysql(text: str) -> Dsn:
    found = _MYSQL.fullmatch(text)
    if found is None:
        raise DsnError(f"database address cannot be read; {EXPECTED}")
    if not found["database"]:
        raise DsnError(f"MySQL address names no database after the last /; expected {MYSQL_FORM}")
    user, password = _login(found["login"])
    net = found["net"] or "tcp"
    args: dict[str, object] = {}
    host, port = "", None
    if net == "unix":
        args["unix_socket"] = found["address"] or "/tmp/mysql.sock"  # noqa: S108 - the Go driver's default
    elif net in {"tcp", "tcp4", "tcp6"}:
        host, port = _host(found["address"] or "127.0.0.1", MYSQL_FORM)
    else:
        raise DsnError(f"MySQL address uses {net}(…); expected tcp(host:3306) or unix(/path/to/socket)")
    session, zone = _mysql_query(found["query"] or "", args)
    url = URL.create(
        "mysql+pymysql",
        username=user or None,
        password=password or None,
        host=host.strip("[]") or None,
        port=port or (3306 if host else None),
        database=unquote(found["database"]),
        query={"charset": "utf8mb4"},
    )
    return Dsn(dialect="mysql", url=url, connect_args=args, session=session, zone=zone)


def _mysql_query(text: str, args: dict[str, object]) -> tuple[dict[str, str], tzinfo | None]:
    """Apply the Go driver's parameters to `args`; return session variables and the zone of date-times."""
    session: dict[str, str] = {}
    zone: tzinfo | None = UTC
    args["ssl_disabled"] = True
    timeouts = {"timeout": "connect_timeout", "readTimeout": "read_timeout", "writeTimeout": "write_timeout"}
    for name, value in parse_qsl(text, keep_blank_values=True):
        if name == "tls":
            _apply_tls(value, args)
        elif name == "loc":
            zone = _zone(value)
        elif name in timeouts:
            args[timeouts[name]] = _duration(name, value)
        elif name == "collation":
            args["collation"] = value
        elif name != "charset" and name not in _GO_ONLY and re.fullmatch(r"[A-Za-z_]\w*", name):
            session[name] = value
    return session, zone


def _apply_tls(value: str, args: dict[str, object]) -> None:
    if value.lower() in {"false", "0"}:
        return
    args.pop("ssl_disabled", None)
    if value.lower() in {"true", "1"}:
        args["ssl"] = ssl.create_default_context()
    elif value == "skip-verify":
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        args["ssl"] = context
    elif value != "preferred":  # what PyMySQL does when it is told nothing
        raise DsnError(f"MySQL address has tls={value}; expected true, false, skip-verify or preferred")


def _zone(name: str) -> tzinfo | None:
    if name in {"", "UTC"}:
        return UTC
    if name == "Local":
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise DsnError(f"MySQL address has loc={name}; expected Local, UTC or Asia/Shanghai") from error


def _duration(name: str, value: str) -> int:
    """Return whole seconds, at least one, of a Go duration such as 30s or 1m30s."""
    parts = list(_DURATION.finditer(value))
    if not parts or "".join(part.group() for part in parts) != value:
        raise DsnError(f"MySQL address has {name}={value}; expected a duration such as 30s")
    return max(1, round(sum(float(part["number"]) * _SECONDS[part["unit"]] for part in parts)))


def _login(text: str | None) -> tuple[str, str]:
    user, _, password = (text or "").partition(":")
    return user, password


def _host(text: str, form: str) -> tuple[str, int | None]:
    found = _HOST.fullmatch(text)
    port = int(found["port"]) if found and found["port"] else None
    if found is None or (port is not None and not 0 < port < 65536):
        # The text is not shown: with a misplaced @ it may hold a part of the password.
        raise DsnError(f"database address has no readable host and port; expected {form}")
    return found["host"].strip("[]"), port


def _as_tuple(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def _socket(args: Mapping[str, object]) -> str:
    return str(args.get("unix_socket", ""))
