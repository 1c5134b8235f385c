"""Engines for the three kinds of database: how a connection is made, what limits it carries, when it is replaced.

All limits of time live here because nothing else can stop a running statement.
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection, Engine, create_engine, event, exc
from sqlalchemy.pool import QueuePool

from storage.sealing import Sealer

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

    from storage.dsn import Dsn

# A connection that rested this long is asked whether it still lives. Asking each time would cost a round trip,
# never asking would fail one unit of work per lane after each restart of the server or silence of a firewall.
_PING_AFTER_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """How to connect. The defaults are those of the environment variables they come from."""

    pool_size: int = 16
    """Connections of one process to a server, over all lanes; SQLite has its own number."""
    busy_timeout_ms: int = 3000
    """How long SQLite waits for the lock of another process."""
    connect_timeout_s: int = 5
    max_lifetime_s: int = 300
    """Older connections are replaced before their next use."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What channels' keys are sealed with, see `storage.sealing`; empty: they are not."""
    echo: bool = False
    """Log each statement through the logger `sqlalchemy.engine`, without its values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneLimits:
    """Limits of each statement, in seconds; 0 for none."""

    statement_s: int
    lock_s: int


def sqlite_engine(dsn: Dsn, options: EngineOptions, *, connections: int, writes: bool) -> Engine:
    """Return an engine for an SQLite file; `writes` makes every transaction take the write lock at its beginning.

    A transaction that reads first and writes later could find the lock taken and its snapshot outdated, which
    no waiting cures. Engines that do not write refuse to.
    """
    engine = create_engine(
        dsn.url,
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=options.connect_timeout_s,
        # Units of work end their transactions themselves; one more ROLLBACK each time would be for nothing.
        pool_reset_on_return=None,
        echo=options.echo,
        hide_parameters=True,
        execution_options={"sealer": Sealer(options.secrets)},
        connect_args={
            # Worker threads take turns with a connection, one at a time.
            "check_same_thread": False,
            "timeout": options.busy_timeout_ms / 1000,
            # The driver must not begin transactions on its own: `begin` below does.
            "isolation_level": None,
            "cached_statements": 256,
        },
    )

    def prepare(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
        raw = cast("sqlite3.Connection", connection)
        mode = _switch_to_wal(raw, options.busy_timeout_ms / 1000)
        # With WAL, NORMAL writes a commit to the file (the kernel's memory) before COMMIT returns, so it survives
        # kill -9 of the process; only fsync waits for the checkpoint. After a power cut the last commits may be
        # missing, yet the file is whole. FULL costs an fsync a commit. Without WAL (some network file systems)
        # NORMAL could damage the file.
        raw.execute(f"PRAGMA synchronous={'NORMAL' if mode == 'wal' else 'FULL'}")
        raw.execute("PRAGMA journal_size_limit=67108864")
        raw.execute("PRAGMA temp_store=MEMORY")
        if not writes:
            raw.execute("PRAGMA query_only=ON")

    begin_statement = "BEGIN IMMEDIATE" if writes else "BEGIN"

    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin_statement)

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", begin)
    return engine


def _switch_to_wal(connection: sqlite3.Connection, patience_s: float) -> str:
    """Put the file into WAL mode and return its mode.

    SQLite does not wait for this lock by itself, so that several processes starting at once would fail here.
    """
    deadline = time.monotonic() + patience_s
    while True:
        try:
            row = connection.execute("PRAGMA journal_mode=WAL").fetchone()
            return str(row[0]).lower()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(0.02)


def server_engine(dsn: Dsn, options: EngineOptions, limits: LaneLimits, *, connections: int) -> Engine:
    """Return an engine for PostgreSQL or MySQL whose sessions carry `limits`.

    READ COMMITTED on both: balances are changed by `UPDATE … WHERE quota >= n`, which then judges the newest
    committed row. Under REPEATABLE READ, MySQL's default, PostgreSQL would raise a serialisation error instead
    and MySQL would lock gaps between index entries, which makes inserts of strangers deadlock.
    """
    arguments: dict[str, Any] = {**dsn.connect_args}
    if dsn.dialect == "postgresql":
        arguments.setdefault("connect_timeout", options.connect_timeout_s)
        # Behind PgBouncer a prepared statement may be looked for in a session that never saw it.
        arguments.setdefault("prepare_threshold", None)
        arguments.setdefault("application_name", "one-api")
        for name in ("connect_timeout", "application_name"):
            if name in dsn.url.query:
                arguments.pop(name)
    else:
        arguments.setdefault("connect_timeout", options.connect_timeout_s)
        if limits.statement_s:
            # Above the server's own limit: this one breaks the connection.
            arguments.setdefault("read_timeout", limits.statement_s + 5)
            arguments.setdefault("write_timeout", limits.statement_s + 5)
    engine = create_engine(
        dsn.url,
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=options.connect_timeout_s,
        pool_recycle=options.max_lifetime_s if options.max_lifetime_s > 0 else -1,
        pool_use_lifo=True,
        pool_reset_on_return=None,
        isolation_level="READ COMMITTED",
        echo=options.echo,
        hide_parameters=True,
        execution_options={"sealer": Sealer(options.secrets)},
        connect_args=arguments,
    )

    def prepare(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
        if dsn.dialect == "postgresql":
            _prepare_postgres(connection, dsn, limits)
        else:
            _prepare_mysql(connection, dsn, limits)

    event.listen(engine, "connect", prepare)
    _ping_rested_connections(engine)
    return engine


def _prepare_postgres(connection: DBAPIConnection, dsn: Dsn, limits: LaneLimits) -> None:
    # Not as start-up options: PgBouncer refuses those. One round trip.
    wanted = {
        **dsn.session,
        "statement_timeout": f"{limits.statement_s}s",
        "lock_timeout": f"{limits.lock_s}s",
        # A process that stops in the middle of a transaction must not keep rows locked for the others.
        "idle_in_transaction_session_timeout": f"{limits.statement_s}s",
    }
    cursor = connection.cursor()
    calls = ", ".join("set_config(%s, %s, false)" for _ in wanted)
    cursor.execute(f"SELECT {calls}", [part for pair in wanted.items() for part in pair])
    cursor.close()
    connection.commit()


def _prepare_mysql(connection: DBAPIConnection, dsn: Dsn, limits: LaneLimits) -> None:
    settings = [f"{name}={value}" for name, value in dsn.session.items()]
    settings.append("time_zone='+00:00'")
    if limits.lock_s:
        settings.append(f"innodb_lock_wait_timeout={limits.lock_s}")
    if limits.statement_s:
        server = cast("Any", connection).get_server_info()
        # MySQL limits only SELECT, MariaDB everything but COMMIT.
        maria = "MariaDB" in server
        settings.append(
            f"max_statement_time={limits.statement_s}" if maria else f"max_execution_time={limits.statement_s}000"
        )
    cursor = connection.cursor()
    cursor.execute("SET SESSION " + ", SESSION ".join(settings))
    cursor.close()


def _ping_rested_connections(engine: Engine) -> None:
    def remember(_connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
        record.info["rested_since"] = time.monotonic()

    def ping(connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
        since = record.info.get("rested_since")
        if since is None or time.monotonic() - since < _PING_AFTER_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            # The pool makes a new connection in its place.
            raise exc.DisconnectionError from error

    event.listen(engine, "checkin", remember)
    event.listen(engine, "checkout", ping)
