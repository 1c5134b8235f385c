"""The shape of a database, coarse enough to compare what two programs made."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, inspect
from sqlalchemy.types import Boolean, DateTime, Float, Integer, Numeric, String, TypeEngine

from storage.database import Database
from storage.migrate import VERSION_TABLE


@dataclass(frozen=True)
class Shape:
    """Per table: kinds of columns by name, and columns and uniqueness of indexes by name."""

    columns: dict[str, dict[str, str]]
    indexes: dict[str, dict[str, tuple[tuple[str | None, ...], bool]]]


def shape_of(database: Database) -> Shape:
    """Return the shape of all tables but Alembic's own."""
    return database.read_sync(lambda connection: _shape(connection, database.dialect))


def _shape(connection: Connection, dialect: str) -> Shape:
    inspector = inspect(connection)
    names = [name for name in inspector.get_table_names() if name != VERSION_TABLE]
    return Shape(
        columns={
            name: {column["name"]: _kind(column["type"], dialect) for column in inspector.get_columns(name)}
            for name in names
        },
        indexes={
            name: {
                str(index["name"]): (tuple(index["column_names"]), bool(index["unique"]))
                for index in inspector.get_indexes(name)
            }
            for name in names
        },
    )


def _kind(kind: TypeEngine[object], dialect: str) -> str:
    if isinstance(kind, Boolean) or (dialect == "mysql" and "TINYINT" in str(kind)):
        return "boolean"
    if isinstance(kind, Integer):
        return "integer"
    if isinstance(kind, Float | Numeric):
        # SQLite: one-api's booleans are "numeric" there.
        return "boolean" if dialect == "sqlite" and str(kind).startswith("NUMERIC") else "number"
    if isinstance(kind, DateTime) or (dialect == "sqlite" and str(kind) == "DATETIME"):
        return "moment"
    return "text" if isinstance(kind, String) else str(kind)
