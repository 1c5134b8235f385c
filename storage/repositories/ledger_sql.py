"""Statements that the ledger makes for every charge, compiled once and given to the driver as they are.

SQLAlchemy takes 10 to 15 µs to prepare each execution, as much as SQLite needs to carry it out; a settlement is
eight of them. Errors are SQLAlchemy's all the same, because it still executes them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from sqlalchemy import insert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Dialect, Insert, Table, Update

    from storage.repositories.ledger_rows import Values


def run_many(conn: Connection, statement: Update, rows: Sequence[Values]) -> None:
    """Execute an update once for each of `rows`, whose keys are the names of its parameters."""
    _run(conn, *_compiled_update(statement, conn.dialect), rows)


def insert_many(conn: Connection, table: Table, rows: Sequence[Values]) -> None:
    """Insert `rows`, which all have the keys of the first; columns without a key get the database's default."""
    _run(conn, *_compiled_insert(table, tuple(rows[0]), conn.dialect), rows)


def _run(conn: Connection, sql: str, order: tuple[str, ...] | None, rows: Sequence[Values]) -> None:
    """Values go to the driver untouched, so they must be ones that every driver knows: int, bool, str."""
    if order is None:
        conn.exec_driver_sql(sql, list(rows) if len(rows) > 1 else rows[0])
    else:
        values = [tuple([row[name] for name in order]) for row in rows]
        conn.exec_driver_sql(sql, values if len(values) > 1 else values[0])


@lru_cache(maxsize=128)
def _compiled_update(statement: Update, dialect: Dialect) -> tuple[str, tuple[str, ...] | None]:
    compiled = statement.compile(dialect=dialect)
    return str(compiled), tuple(compiled.positiontup) if compiled.positional and compiled.positiontup else None


@lru_cache(maxsize=128)
def _compiled_insert(table: Table, keys: tuple[str, ...], dialect: Dialect) -> tuple[str, tuple[str, ...] | None]:
    # inline: nobody asks for the new id, so no RETURNING.
    statement: Insert = insert(table).inline()
    compiled = statement.compile(dialect=dialect, column_keys=list(keys))
    return str(compiled), tuple(compiled.positiontup) if compiled.positional and compiled.positiontup else None
