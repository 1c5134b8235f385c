"""Bring a database's schema up to date: `pending` tells what is missing, `migrate` does it.

Safe to start from any number of processes at once: one works, the others wait and then find nothing to do.
PostgreSQL and SQLite roll a failed migration back whole; on MySQL, which cannot, running it again goes on.
Synchronous: callers on Trio use a thread.
"""

from __future__ import annotations

import hashlib
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

from sqlalchemy import column, exc, inspect, select, table, text

from storage.engines import LaneLimits, server_engine, sqlite_engine
from storage.errors import Retryable, StorageError, translate
from storage.ledger_tables import gw_delivered
from storage.migrations.shape import ensure_indexes, ensure_table
from storage.migrations.step import MigrationReport, Step
from storage.tables import logs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from alembic.script import Script, ScriptDirectory
    from sqlalchemy import Connection, Transaction

    from storage.database import Database

VERSION_TABLE = "gw_alembic_version"
_MIGRATIONS = Path(__file__).parent / "migrations"

# Indexing years of logs takes minutes, and so may the wait for the process that does it.
_WAIT_FOR_OTHERS_S = 1800
# A change of a table that waits for a lock makes everybody else wait behind it.
_LOCK_S = 15


def pending(database: Database) -> list[str]:
    """Return the revisions that the database lacks, oldest first, each with its subject."""
    if database.read_sync(revision_of) == newest_revision():
        return []
    scripts = _scripts()
    return database.read_sync(
        lambda connection: [f"{script.revision} {script.doc}" for script in _missing(connection, scripts)]
    )


def newest_revision() -> str:
    """Return the revision that this version of the program brings a database to."""
    return max(file.name for file in (_MIGRATIONS / "versions").glob("r*.py")).partition("_")[0].removeprefix("r")


def revision_of(connection: Connection) -> str:
    """Return the revision that a database is at, empty for one that was never migrated."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return ""
    return str(connection.execute(select(column("version_num")).select_from(table(VERSION_TABLE))).scalar() or "")


def migrate(database: Database, progress: Callable[[int, int, str], None] | None = None) -> MigrationReport:
    """Apply what is pending and report it. `progress(done, total, what)` is called now and then.

    Raises `Retryable` if another process has been migrating for half an hour, or `StorageError` as `Database`.
    """
    report = MigrationReport()
    # The usual start. It waits for no lock, and Alembic is not even loaded; who cannot look goes the long way.
    with suppress(StorageError):
        report.before = report.after = database.read_sync(revision_of) or None
    if report.after == newest_revision():
        return report

    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415

    scripts = _scripts()
    with _alone(database) as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        report.before = report.after = context.get_current_revision()
        for script in _missing(connection, scripts):
            upgrade = cast("Callable[[Step], None]", script.module.upgrade)
            upgrade(_step(database, connection, report, progress))
            context.stamp(scripts, script.revision)
            report.after = script.revision
    return report


def ensure_logs(database: Database, progress: Callable[[int, int, str], None] | None = None) -> MigrationReport:
    """Make or complete the tables of a database that holds only logs (`LOG_SQL_DSN`). Errors as `migrate`."""
    report = MigrationReport()
    tables = (logs, gw_delivered)
    with _alone(database) as connection:
        step = _step(database, connection, report, progress)
        for number, table in enumerate(tables):
            step.progress(number, len(tables), f"table {table.name}")
            ensure_table(step, table)
            if table.name not in report.created_tables:
                ensure_indexes(step, table)
        step.progress(len(tables), len(tables), "done")
    return report


def _scripts() -> ScriptDirectory:
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - as in `migrate`

    return ScriptDirectory(str(_MIGRATIONS))


def _missing(connection: Connection, scripts: ScriptDirectory) -> list[Script]:
    current = revision_of(connection) or None
    known = {script.revision for script in scripts.walk_revisions()}
    if current is not None and current not in known:
        # A newer version of this program was here. It only adds, so this one can work on it.
        return []
    return list(reversed(list(scripts.iterate_revisions("head", current or "base"))))


def _step(
    database: Database,
    connection: Connection,
    report: MigrationReport,
    progress: Callable[[int, int, str], None] | None,
) -> Step:
    return Step(
        connection=connection,
        dialect=database.dialect,
        report=report,
        progress=progress or (lambda _done, _total, _what: None),
        now_ms=time.time_ns() // 1_000_000,
    )


@contextmanager
def _alone(database: Database) -> Iterator[Connection]:
    """Give a connection in a transaction that no other process migrates beside, without limits of time."""
    limits = LaneLimits(statement_s=0, lock_s=0)
    if database.dialect == "sqlite":
        engine = sqlite_engine(database.dsn, database.options, connections=1, writes=True)
    else:
        engine = server_engine(database.dsn, database.options, limits, connections=1)
    try:
        with engine.connect() as connection, _begin(connection, database):
            if database.dialect == "postgresql":
                _lock_postgres(connection)
            elif database.dialect == "mysql":
                _lock_mysql(connection)
            yield connection
    except StorageError:
        raise
    except exc.SQLAlchemyError as error:
        raise translate(error, database.dialect) from error
    finally:
        # Closes the session, and with it the lock of MySQL.
        engine.dispose()


def _begin(connection: Connection, database: Database) -> Transaction:
    """Begin the transaction. On SQLite that takes the lock, so it is tried again while another process holds it."""
    deadline = time.monotonic() + _WAIT_FOR_OTHERS_S
    while True:
        try:
            return connection.begin()
        except exc.OperationalError as error:
            # One long wait inside SQLite would not hear Ctrl-C.
            busy = isinstance(translate(error, database.dialect), Retryable)
            if not busy or time.monotonic() > deadline:
                raise


def _lock_postgres(connection: Connection) -> None:
    connection.execute(text(f"SET LOCAL lock_timeout = '{_WAIT_FOR_OTHERS_S}s'"))
    # Advisory locks are per database already. The number is "oneapi" read as an integer.
    key = int.from_bytes(b"oneapi", "big")
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
    connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_S}s'"))


def _lock_mysql(connection: Connection) -> None:
    schema = connection.execute(text("SELECT DATABASE()")).scalar_one()
    name = "one-api-" + hashlib.sha256(str(schema).encode()).hexdigest()[:32]
    got = connection.execute(text("SELECT GET_LOCK(:name, :wait)"), {"name": name, "wait": _WAIT_FOR_OTHERS_S})
    if got.scalar() != 1:
        raise Retryable("another process is migrating this database")
    connection.execute(text(f"SET SESSION lock_wait_timeout = {_LOCK_S}"))
