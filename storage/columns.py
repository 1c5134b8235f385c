"""What our tables are made of: the one list of all of them, and the kinds of columns that one-api's have.

Ids are never used twice, since the ledger knows accounts by id alone: SQLite wants AUTOINCREMENT for that, as one-api
had it. In MySQL and MariaDB an indexed text column needs a length, hence `varchar(191)` there.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Float, Integer, MetaData, Numeric, String, Text
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.types import UserDefinedType

metadata = MetaData()

Int = BigInteger().with_variant(Integer, "sqlite")
LongText = Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
KeyText = Text().with_variant(String(191), "mysql", "mariadb")
Flag = Boolean(create_constraint=False)
Money = Float().with_variant(Numeric(), "postgresql").with_variant(mysql.DOUBLE(), "mysql", "mariadb")


class _TextMoment(UserDefinedType[str]):
    """A date-time of SQLite as the text that it is: see `storage.instants`.

    SQLAlchemy's own type cannot read one-api's `2026-11-23 21:33:11.467732276+00:00`, and one-api's driver reads
    a text as a moment only from a column declared so.
    """

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """Return the declared type."""
        return "datetime"


Instant = (
    DateTime(timezone=True)
    .with_variant(mysql.DATETIME(fsp=3), "mysql", "mariadb")
    .with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
    .with_variant(_TextMoment(), "sqlite")
)


def stamps() -> list[Column[int]]:
    """Return the columns that one-api's own tables end with: when a row was made and changed, in Unix ms."""
    return [Column("created_at", Int), Column("updated_at", Int)]


def number() -> Column[int]:
    """Return the column that numbers a table's rows."""
    return Column("id", Int, primary_key=True, autoincrement=True)
