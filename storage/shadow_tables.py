"""Our tables of shadow tests: copies of requests that another channel answers as well, and how that went.

No money is in them, and they may be emptied at any time.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table, text

from storage.columns import Flag, Int, metadata

gw_shadow_tests = Table(
    "gw_shadow_tests",
    metadata,
    Column("id", Int, primary_key=True, autoincrement=True),
    # As clients name it.
    Column("model", String(191), nullable=False),
    # Whose requests; empty: everybody's.
    Column("user_group", String(64), nullable=False, server_default=""),
    # Who answers the copies.
    Column("channel_id", Int, nullable=False),
    # Of a thousand requests, how many are copied.
    Column("per_mille", Int, nullable=False),
    # Unix milliseconds; 0: no end by time, and so on.
    Column("until_at", Int, nullable=False, server_default=text("0")),
    Column("max_copies", Int, nullable=False, server_default=text("0")),
    # What copies may cost by the list, in quota units.
    Column("max_units", Int, nullable=False),
    Column("created_at", Int, nullable=False),
    Column("created_by", String(191), nullable=False, server_default=""),
    # 0: it runs, unless its time is over.
    Column("ended_at", Int, nullable=False, server_default=text("0")),
    # `person`, `copies` or `cost`.
    Column("ended_by", String(8), nullable=False, server_default=""),
    # So far: copies that ended, those that were not made since too many ran, and what they cost by the list.
    Column("copies", Int, nullable=False, server_default=text("0")),
    Column("dropped", Int, nullable=False, server_default=text("0")),
    Column("units", Int, nullable=False, server_default=text("0")),
    sqlite_autoincrement=True,
)

gw_shadow_results = Table(
    "gw_shadow_results",
    metadata,
    # One copy that ended. Times are Unix milliseconds, spans milliseconds.
    Column("id", Int, primary_key=True, autoincrement=True),
    Column("test_id", Int, nullable=False),
    Column("ended_at", Int, nullable=False),
    # Of the request that was copied: `gw_requests` tells how that went.
    Column("request_id", String(64), nullable=False),
    Column("passed", Flag, nullable=False),
    # Of the failure; empty and 0 for one that passed.
    Column("kind", String(16), nullable=False, server_default=""),
    Column("status", Int, nullable=False, server_default=text("0")),
    Column("error", String(255), nullable=False, server_default=""),
    # NULL: no content came.
    Column("first_ms", Int),
    Column("duration_ms", Int, nullable=False, server_default=text("0")),
    Column("prompt_tokens", Int, nullable=False, server_default=text("0")),
    Column("completion_tokens", Int, nullable=False, server_default=text("0")),
    # What the caller would have been charged, and what it is by the list.
    Column("units", Int, nullable=False, server_default=text("0")),
    Column("list_units", Int, nullable=False, server_default=text("0")),
    Index("idx_gw_shadow_results_test", "test_id", "id"),
    Index("idx_gw_shadow_results_ended", "ended_at"),
    sqlite_autoincrement=True,
)

SHADOW_TABLES = (gw_shadow_tests, gw_shadow_results)
