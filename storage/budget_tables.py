"""Our table of budgets: how much may be spent in a day, a week or a month, and what was spent of it so far."""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table, text
from sqlalchemy.dialects import mysql

from storage.columns import Flag, Int, metadata

# MySQL would take two groups whose names differ in case for one.
_Subject = String(64).with_variant(mysql.VARCHAR(64, charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb")

gw_budgets = Table(
    "gw_budgets",
    metadata,
    Column("id", Int, primary_key=True, autoincrement=True),
    # `user`, `token` or `group`, and its number or name.
    Column("kind", String(8), nullable=False),
    Column("subject", _Subject, nullable=False),
    # `day`, `week` or `month`.
    Column("period", String(8), nullable=False),
    # Quota units; 0: no such limit.
    Column("soft_units", Int, nullable=False, server_default=text("0")),
    Column("hard_units", Int, nullable=False, server_default=text("0")),
    # By an administrator: who owns the token may not change it.
    Column("imposed", Flag, nullable=False, server_default=text("true")),
    # What the ledger's rows from the beginning of a period (Unix seconds) to `counted_until` (Unix milliseconds) add
    # up to, so that nobody has to read a month of them to know what was spent.
    Column("counted_from", Int, nullable=False, server_default=text("0")),
    Column("counted_until", Int, nullable=False, server_default=text("0")),
    Column("counted_units", Int, nullable=False, server_default=text("0")),
    # The beginning of the period in which people were last told that a limit was passed.
    Column("soft_told", Int, nullable=False, server_default=text("0")),
    Column("hard_told", Int, nullable=False, server_default=text("0")),
    Column("created_at", Int, nullable=False, server_default=text("0")),
    Index("idx_gw_budgets_one", "kind", "subject", "period", "imposed", unique=True),
    sqlite_autoincrement=True,
)

BUDGET_TABLES = (gw_budgets,)
