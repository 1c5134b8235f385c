"""What all repositories share: rows to records, pages, sorting and searching the same way on every engine."""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import BigInteger, Double, LargeBinary, String, cast, collate, exists, func, select, type_coerce
from sqlalchemy.exc import IntegrityError

from storage.people_tables import gw_unlimited_users
from storage.tables import users

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from sqlalchemy import ColumnElement, Connection, FromClause, Insert, Select, Table

    RecordQuery = Select[*tuple[Any, ...]]

RecordT = TypeVar("RecordT")
RowT = TypeVar("RowT")

# Columns of type char(n): PostgreSQL pads what is shorter with blanks.
_PADDED = {"key", "access_token"}
_LARGEST_ID = 2**63 - 1
_LARGEST_OFFSET = 2**62


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list is wanted; `number` counts from 0."""

    number: int = 0
    size: int = 10
    parts: int = 1
    """Pages that are wanted as one, from this one on."""

    @property
    def limit(self) -> int:
        """Rows that are wanted."""
        return self.size * self.parts

    @property
    def offset(self) -> int:
        """Rows before this page, within what the engines can count."""
        return min(self.number * self.size, _LARGEST_OFFSET)

    def of(self, rows: Sequence[RowT]) -> Sequence[RowT]:
        """Return this part of rows that are all there."""
        return rows[self.offset : self.offset + self.limit]


@dataclass(frozen=True, slots=True)
class Sort:
    """How a list is to be sorted, as the client asked: a column's name, maybe an unknown one, and a direction."""

    column: str = ""
    ascending: bool = False
    old_style: str = ""
    """What stood in `order` when it was neither `asc` nor `desc`: a column of the older interface."""


def _field_names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def column(table: Table, name: str) -> ColumnElement[Any]:
    """Return what a record's field is read from: a column of its name, or what a table of ours says."""
    if table is users and name == "unlimited_quota":
        return exists().where(gw_unlimited_users.c.user_id == users.c.id)
    return table.c[name]


def query(table: Table, kind: type) -> RecordQuery:
    """Select the columns of `table` that a record of `kind` needs: its fields, by name."""
    return select(*(column(table, name) for name in _field_names(kind)))


def record(kind: type[RecordT], row: Iterable[object]) -> RecordT:
    """Make a record of a row of `query`. NULL leaves the record's own default in place."""
    values: dict[str, object] = {}
    for name, value in zip(_field_names(kind), row, strict=True):
        if value is None:
            continue
        if isinstance(value, Decimal):
            value = float(value)
        elif name in _PADDED and isinstance(value, str):
            value = value.rstrip(" ")
        values[name] = value
    return kind(**values)


def one(conn: Connection, kind: type[RecordT], wanted: RecordQuery) -> RecordT | None:
    """Return the first record, if any."""
    row = conn.execute(wanted.limit(1)).first()
    return None if row is None else record(kind, row)


def many(conn: Connection, kind: type[RecordT], wanted: RecordQuery) -> list[RecordT]:
    """Return all records."""
    return [record(kind, row) for row in conn.execute(wanted)]


def fetch_page(
    conn: Connection,
    table: Table,
    kind: type[RecordT],
    *,
    where: Sequence[ColumnElement[bool]],
    order: Sequence[ColumnElement[object]],
    page: Page | None,
    source: FromClause | None = None,
) -> tuple[list[RecordT], int]:
    """Return the rows of one page (all rows without a page) and the number of rows without paging.

    `source`: the table with what `order` needs joined to it, which neither adds rows nor takes any away.
    """
    wanted = query(table, kind).where(*where).order_by(*order)
    if source is not None:
        wanted = wanted.select_from(source)
    if page is not None:
        wanted = wanted.limit(page.limit).offset(page.offset)
    rows = many(conn, kind, wanted)
    if page is None:
        return rows, len(rows)
    total = conn.execute(select(func.count()).select_from(table).where(*where)).scalar_one()
    return rows, int(total)


def insert_unless_there(conn: Connection, row: Insert) -> bool:
    """Insert a row; `False` when another transaction has just stored one with its key."""
    try:
        # A savepoint: on PostgreSQL the conflict would otherwise end the whole transaction.
        with conn.begin_nested():
            conn.execute(row)
    except IntegrityError:
        return False
    return True


def ordering(
    conn: Connection,
    table: Table,
    sort: Sort,
    *,
    allowed: Mapping[str, ColumnElement[object]],
    old_style: Mapping[str, Sequence[ColumnElement[object]]] | None = None,
) -> list[ColumnElement[object]]:
    """Return what to sort by: an allowed column, else newest first. Ids break ties, so that pages do not overlap.

    Texts are sorted by their bytes on every engine, whatever collation the database was made with.
    """
    number: ColumnElement[object] = table.c.id
    column = allowed.get(sort.column)
    if column is not None:
        if column is number:
            return [number.asc() if sort.ascending else number.desc()]
        column = by_bytes(column, conn.dialect.name)
        if sort.ascending:
            return [column.asc(), number.asc()]
        return [column.desc(), number.desc()]
    if not sort.column and old_style and sort.old_style in old_style:
        return [*old_style[sort.old_style], number.desc()]
    return [number.desc()]


def by_bytes(column: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
    """Return a column whose texts are sorted by their bytes."""
    if not isinstance(column.type, String) or dialect == "sqlite":
        return column
    if dialect == "postgresql":
        return type_coerce(collate(column, "C"), column.type)
    # A collation of MySQL's would have to be one of the column's character set.
    return cast(column, LargeBinary)


def begins_with(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Match texts that begin with `text`; case does not matter, and `%` and `_` stand for themselves."""
    return func.lower(column).like(func.lower(f"{_literal(text)}%"), escape="!")


def contains(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Match texts that hold `text` anywhere, in the same way."""
    return func.lower(column).like(func.lower(f"%{_literal(text)}%"), escape="!")


def as_id(text: str) -> int | None:
    """Return the number that `text` writes in plain digits, if it can be an id."""
    if text.isascii() and text.isdigit() and len(text) <= 19:
        number = int(text)
        return number if number <= _LARGEST_ID else None
    return None


def whole(column: ColumnElement[object]) -> ColumnElement[int]:
    """Turn a sum into a whole number; engines answer sums of large integers as decimals."""
    return cast(func.coalesce(column, 0), BigInteger)


def summed(dialect: str, column: ColumnElement[int]) -> ColumnElement[int]:
    """Return the sum of whole numbers over very many rows, as a whole number."""
    if dialect == "postgresql":
        # Its sums of large integers are decimals, and take ten times as long as those of floats, which are exact
        # far beyond all money there is: up to 2 to the power of 53.
        column = cast(column, Double)
    return whole(func.sum(column))


def _literal(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
