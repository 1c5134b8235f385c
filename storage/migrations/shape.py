"""Bring tables into shape by adding what is missing; what is there stays, known or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Index, MetaData, Table, UniqueConstraint, inspect, text
from sqlalchemy.dialects.mysql import LONGTEXT, MEDIUMTEXT, TEXT, TINYTEXT
from sqlalchemy.schema import AddConstraint, CreateColumn, CreateIndex
from sqlalchemy.types import VARCHAR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Inspector
    from sqlalchemy.engine.interfaces import ReflectedColumn

    from storage.migrations.step import Step

# MySQL indexes a text column only up to a length; one-api makes such columns this long where it knows the index.
_TEXT_PREFIX = 191
_TEXTS = (LONGTEXT, MEDIUMTEXT, TEXT, TINYTEXT)


def ensure_table(step: Step, table: Table) -> None:
    """Create `table` with its indexes unless it exists, else add the columns that it lacks."""
    inspector = inspect(step.connection)
    if not inspector.has_table(table.name):
        # A copy in utf8mb4, whatever the server's default is: names and logs hold any character.
        copy = table.to_metadata(MetaData())
        copy.kwargs["mysql_charset"] = "utf8mb4"
        copy.kwargs["mysql_engine"] = "InnoDB"
        copy.create(step.connection)
        step.report.created_tables.append(table.name)
        return
    present = {column["name"].lower() for column in inspector.get_columns(table.name)}
    for column in table.columns:
        if column.name.lower() not in present:
            _add_column(step, table, column)


def _add_column(step: Step, table: Table, column: Column[object]) -> None:
    compiler = step.connection.dialect.identifier_preparer
    # Rows that exist have no value for it.
    nullable = bool(column.nullable) or column.server_default is None
    addition = Column(column.name, column.type, server_default=column.server_default, nullable=nullable)
    Table(table.name, MetaData(), addition)
    definition = CreateColumn(addition).compile(dialect=step.connection.dialect)
    step.connection.exec_driver_sql(f"ALTER TABLE {compiler.quote(table.name)} ADD COLUMN {definition}")
    step.report.added_columns.append(f"{table.name}.{column.name}")


def ensure_indexes(step: Step, table: Table) -> None:
    """Add the indexes of `table` that it lacks, known by their names, and what must be unique and is not."""
    inspector = inspect(step.connection)
    # SQLite keeps what a constraint makes unique under names of its own, which are listed only on request.
    options: dict[str, Any] = {"include_auto_indexes": True} if step.dialect == "sqlite" else {}
    indexes = inspector.get_indexes(table.name, **options)
    names = {str(index["name"]).lower() for index in indexes}
    unique: list[Sequence[str | None]] = [index["column_names"] for index in indexes if index["unique"]]
    unique += [constraint["column_names"] for constraint in inspector.get_unique_constraints(table.name)]
    columns = {column["name"]: column for column in inspector.get_columns(table.name)}
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint) and [column.name for column in constraint.columns] not in unique:
            _add_unique(step, constraint)
    for index in sorted(table.indexes, key=lambda one: str(one.name)):
        if str(index.name).lower() not in names:
            _add_index(step, table, index, columns)


def _add_unique(step: Step, constraint: UniqueConstraint) -> None:
    if step.dialect == "sqlite":
        # SQLite adds no constraint to a table that exists; an index of that name says the same.
        names = [column.name for column in constraint.columns]
        table = Table(constraint.table.name, MetaData(), *(Column(name) for name in names))
        step.connection.execute(CreateIndex(Index(str(constraint.name), *table.columns, unique=True)))
    else:
        step.connection.execute(AddConstraint(constraint))
    step.report.added_indexes.append(str(constraint.name))


def _add_index(step: Step, table: Table, index: Index, present: dict[str, ReflectedColumn]) -> None:
    # A copy, since what MySQL needs depends on the column that is there, not on the one that we would make.
    copy = Table(table.name, MetaData(), *(Column(column.name, column.type) for column in index.columns))
    addition = Index(str(index.name), *copy.columns, unique=index.unique)
    if step.dialect == "mysql":
        texts = [column.name for column in copy.columns if isinstance(present[column.name]["type"], _TEXTS)]
        addition.kwargs["mysql_length"] = dict.fromkeys(texts, _TEXT_PREFIX)
    step.connection.execute(CreateIndex(addition))
    step.report.added_indexes.append(str(index.name))


def drop_index(step: Step, table: str, name: str) -> None:
    """Drop an index of an old version if it is there."""
    if has_index(inspect(step.connection), table, name):
        quote = step.connection.dialect.identifier_preparer.quote
        where = f" ON {quote(table)}" if step.dialect == "mysql" else ""
        step.connection.exec_driver_sql(f"DROP INDEX {quote(name)}{where}")


def has_index(inspector: Inspector, table: str, name: str) -> bool:
    """Return whether `table` exists and has that index."""
    return inspector.has_table(table) and any(index["name"] == name for index in inspector.get_indexes(table))


def widen_to_text(step: Step, table: str, column: str) -> None:
    """Make a `varchar` column `text`. SQLite does not look at lengths, so there is nothing to do."""
    if step.dialect == "sqlite":
        return
    found = {one["name"]: one["type"] for one in inspect(step.connection).get_columns(table)}
    if not isinstance(found.get(column), VARCHAR):
        return
    change = "ALTER COLUMN {} TYPE text" if step.dialect == "postgresql" else "MODIFY COLUMN {} text"
    quote = step.connection.dialect.identifier_preparer.quote
    step.connection.execute(text(f"ALTER TABLE {quote(table)} {change.format(quote(column))}"))
    step.report.widened_columns.append(f"{table}.{column}")
