"""One way into a database: units of work that run in threads, each in one transaction.

Drivers are synchronous, since none of the asynchronous ones runs on Trio. A unit of work is a function of a
connection; `Database.read` and `Database.write` run it in a worker thread and commit or roll back around it.
Each lane has connections of its own and a limiter of the same size, so that a slow page of the control plane
holds up neither look-ups nor charging. A cancel scope does not stop a thread: the time limits of statements
are the database's, set per lane when a connection is made.

SQLite has one writing connection for all lanes (the file takes one writer anyway) and readers per lane. Each
lane puts at most one write in the queue for it, so that charging waits for two strangers at the most.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

import trio
from sqlalchemy import event, exc

from storage.dsn import Dsn, parse_dsn
from storage.engines import EngineOptions, LaneLimits, server_engine, sqlite_engine
from storage.errors import translate
from storage.instants import Instants

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

    from storage.dsn import Dialect

T = TypeVar("T")


class Lane(StrEnum):
    """Who asks. Lanes do not wait for each other's connections."""

    LEDGER = "ledger"
    HOT = "hot"
    CONTROL = "control"


_LIMITS = {
    # Waiting relays give up after a few seconds; a batch that hangs longer only holds the next one up.
    Lane.LEDGER: LaneLimits(statement_s=10, lock_s=5),
    Lane.HOT: LaneLimits(statement_s=10, lock_s=5),
    # A search through years of logs may take its time.
    Lane.CONTROL: LaneLimits(statement_s=60, lock_s=10),
}
_BEGAN = "statement_began"
# The ledger commits groups one after another; two more are for reaper and verification beside it.
_LEDGER_CONNECTIONS = 3
_SQLITE_READERS = {Lane.LEDGER: 1, Lane.HOT: 1, Lane.CONTROL: 2}


@dataclass(frozen=True, slots=True)
class _LaneEngines:
    reader: Engine
    snapshot: Engine
    writer: Engine
    readers: trio.CapacityLimiter
    writers: trio.CapacityLimiter


class Database:
    """A database that units of work run in. Made with `open`, which does not connect yet.

    Cancellation: a unit of work whose turn has not come is not run; once it runs in its thread it ends, and
    its result is returned. Errors are `storage.errors.StorageError`s; what the unit of work raises of its own
    rolls back and goes on to the caller.
    """

    def __init__(self, dsn: Dsn, options: EngineOptions, lanes: dict[Lane, _LaneEngines]) -> None:
        self.dsn = dsn
        self.options = options
        self.dialect: Dialect = dsn.dialect
        self.instants = Instants(dsn.dialect, dsn.zone)
        self._lanes = lanes
        # None: a server, whose connections write side by side.
        self._single_writer = trio.CapacityLimiter(1) if dsn.dialect == "sqlite" else None

    @classmethod
    def open(
        cls, dsn: Dsn | str, *, sqlite_path: str = "one-api.db", options: EngineOptions | None = None
    ) -> Database:
        """Return a database for an address (`DsnError` if it cannot be read). Connections are made on demand."""
        parsed = parse_dsn(dsn, sqlite_path=sqlite_path) if isinstance(dsn, str) else dsn
        options = options or EngineOptions()
        lanes = _sqlite_lanes(parsed, options) if parsed.dialect == "sqlite" else _server_lanes(parsed, options)
        return cls(parsed, options, lanes)

    async def read(self, work: Callable[[Connection], T], lane: Lane = Lane.CONTROL, *, snapshot: bool = False) -> T:
        """Run `work`, which only reads, and return its result.

        On servers each statement sees what is committed when it begins; with `snapshot` all of them see the
        same moment, as they always do on SQLite. Raises `DatabaseUnavailable`, `TooSlow`, `Retryable`, `Rejected`.
        """
        engines = self._lanes[lane]
        engine = engines.snapshot if snapshot else engines.reader
        return await trio.to_thread.run_sync(self._run, engine, work, False, limiter=engines.readers)

    async def write(self, work: Callable[[Connection], T], lane: Lane = Lane.CONTROL) -> T:
        """Run `work` in one transaction, commit, and return its result; it is durable then.

        Nothing is repeated here: on `Retryable` the caller decides. `DatabaseUnavailable.in_doubt` tells that
        COMMIT was under way. Also raises `Conflict` and `Rejected`.
        """
        engines = self._lanes[lane]
        if self._single_writer is None:
            return await trio.to_thread.run_sync(self._run, engines.writer, work, True, limiter=engines.writers)
        async with engines.writers:
            return await trio.to_thread.run_sync(self._run, engines.writer, work, True, limiter=self._single_writer)

    def on_statement(self, listener: Callable[..., None]) -> None:
        """Call `listener` before each statement, as SQLAlchemy's `before_cursor_execute` does."""
        for engines in self._lanes.values():
            for engine in (engines.reader, engines.snapshot, engines.writer):
                if not event.contains(engine, "before_cursor_execute", listener):
                    event.listen(engine, "before_cursor_execute", listener)

    def time_statements(self, listener: Callable[[str, float], None]) -> None:
        """Call `listener` with each statement and the seconds that it took, in the thread that ran it."""

        def began(conn: Connection, *_: object) -> None:
            conn.info[_BEGAN] = time.perf_counter()

        def ended(conn: Connection, _cursor: object, statement: str, *_: object) -> None:
            # Not there when the statement before it ran before anybody listened.
            at = conn.info.pop(_BEGAN, None)
            if at is not None:
                listener(statement, time.perf_counter() - at)

        for engines in self._lanes.values():
            for engine in {engines.reader, engines.snapshot, engines.writer}:
                event.listen(engine, "before_cursor_execute", began)
                event.listen(engine, "after_cursor_execute", ended)

    def read_sync(self, work: Callable[[Connection], T], *, snapshot: bool = False) -> T:
        """`read` in the calling thread, for the command line."""
        engines = self._lanes[Lane.CONTROL]
        return self._run(engines.snapshot if snapshot else engines.reader, work, False)

    def write_sync(self, work: Callable[[Connection], T]) -> T:
        """`write` in the calling thread, for the command line; never beside `write` of the same database."""
        return self._run(self._lanes[Lane.CONTROL].writer, work, True)

    async def aclose(self) -> None:
        """Close all connections; nobody may be using them any more."""
        await trio.to_thread.run_sync(self.close)

    def close(self) -> None:
        """Close all idle connections; those in use close when their unit of work ends."""
        for engines in self._lanes.values():
            # `snapshot` and `reader` of one lane share a pool with `writer` on servers; disposing twice is harmless.
            engines.reader.dispose()
            engines.writer.dispose()

    def _run(self, engine: Engine, work: Callable[[Connection], T], writes: bool) -> T:
        committing = False
        try:
            with engine.connect() as connection, connection.begin() as transaction:
                result = work(connection)
                if not writes:
                    transaction.rollback()
                    return result
                committing = True
                transaction.commit()
                return result
        except exc.SQLAlchemyError as error:
            raise translate(error, self.dialect, committing=committing) from error


def _sqlite_lanes(dsn: Dsn, options: EngineOptions) -> dict[Lane, _LaneEngines]:
    writer = sqlite_engine(dsn, options, connections=1, writes=True)
    lanes = {}
    for lane, connections in _SQLITE_READERS.items():
        reader = sqlite_engine(dsn, options, connections=connections, writes=False)
        lanes[lane] = _LaneEngines(
            reader=reader,
            snapshot=reader,
            writer=writer,
            readers=trio.CapacityLimiter(connections),
            writers=trio.CapacityLimiter(1),
        )
    return lanes


def _server_lanes(dsn: Dsn, options: EngineOptions) -> dict[Lane, _LaneEngines]:
    ledger = min(_LEDGER_CONNECTIONS, max(1, options.pool_size // 3))
    control = max(1, (options.pool_size - ledger) // 2)
    hot = max(1, options.pool_size - ledger - control)
    lanes = {}
    for lane, connections in ((Lane.LEDGER, ledger), (Lane.HOT, hot), (Lane.CONTROL, control)):
        engine = server_engine(dsn, options, _LIMITS[lane], connections=connections)
        # A read under READ COMMITTED gains nothing from BEGIN and COMMIT, which are two round trips more on
        # PostgreSQL. PyMySQL would need a round trip to switch, so there reads stay transactions.
        autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")
        limiter = trio.CapacityLimiter(connections)
        lanes[lane] = _LaneEngines(
            reader=autocommit if dsn.dialect == "postgresql" else engine,
            snapshot=engine.execution_options(isolation_level="REPEATABLE READ"),
            writer=engine,
            readers=limiter,
            writers=limiter,
        )
    return lanes
