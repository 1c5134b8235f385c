"""Our tables about traffic: how each request ended, which attempts failed, and sums over hours and days.

None of them holds money: `logs` does. They may be emptied at any time; pages then show less.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table, text
from sqlalchemy.dialects import mysql

from storage.tables import Flag, Int, LongText, metadata

# MySQL would take two names that differ in case for one.
_Key = String(255).with_variant(mysql.VARCHAR(255, charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb")

gw_requests = Table(
    "gw_requests",
    metadata,
    # One relay that ended, well or not. Times are Unix milliseconds, spans milliseconds.
    Column("id", Int, primary_key=True, autoincrement=True),
    Column("request_id", String(64), nullable=False),
    Column("trace_id", String(64), nullable=False, server_default=""),
    Column("finished_at", Int, nullable=False),
    Column("user_id", Int, nullable=False),
    Column("username", String(191), nullable=False, server_default=""),
    Column("token_name", String(191), nullable=False, server_default=""),
    # As the client named it, and as the provider was sent it.
    Column("model", String(191), nullable=False, server_default=""),
    Column("sent_model", String(191), nullable=False, server_default=""),
    # The last that was tried, 0 when none was.
    Column("channel_id", Int, nullable=False, server_default=text("0")),
    Column("endpoint", String(32), nullable=False, server_default=""),
    Column("is_stream", Flag, nullable=False, server_default=text("false")),
    Column("status", Int, nullable=False, server_default=text("0")),
    Column("outcome", String(24), nullable=False),
    # Anything but `ok`. A column of its own, since the few that failed are looked for among the many.
    Column("failed", Flag, nullable=False),
    # `logs` tells of it as well: it delivered something, and was charged.
    Column("logged", Flag, nullable=False),
    Column("attempts", Int, nullable=False, server_default=text("0")),
    # NULL: nothing was delivered.
    Column("first_ms", Int),
    Column("duration_ms", Int, nullable=False, server_default=text("0")),
    Column("prompt_tokens", Int, nullable=False, server_default=text("0")),
    Column("completion_tokens", Int, nullable=False, server_default=text("0")),
    Column("cached_tokens", Int, nullable=False, server_default=text("0")),
    Column("units", Int, nullable=False, server_default=text("0")),
    Column("error", LongText, nullable=False),
    # JSON: the attempts and what else only the page of one request shows.
    Column("detail", LongText, nullable=False),
    Index("idx_gw_requests_finished", "finished_at"),
    Index("idx_gw_requests_failed", "failed", "finished_at"),
    Index("idx_gw_requests_user", "user_id", "finished_at"),
    Index("idx_gw_requests_channel", "channel_id", "finished_at"),
    Index("idx_gw_requests_request", "request_id"),
    Index("idx_gw_requests_trace", "trace_id"),
    sqlite_autoincrement=True,
)

gw_attempts = Table(
    "gw_attempts",
    metadata,
    # One attempt that failed, whether or not another channel saved the request.
    Column("id", Int, primary_key=True, autoincrement=True),
    Column("request_id", String(64), nullable=False),
    Column("failed_at", Int, nullable=False),
    Column("channel_id", Int, nullable=False),
    Column("model", String(191), nullable=False, server_default=""),
    Column("status", Int, nullable=False, server_default=text("0")),
    Column("kind", String(16), nullable=False),
    Column("duration_ms", Int, nullable=False, server_default=text("0")),
    Column("error", LongText, nullable=False),
    Index("idx_gw_attempts_channel", "channel_id", "failed_at"),
    Index("idx_gw_attempts_failed", "failed_at"),
    sqlite_autoincrement=True,
)

gw_usage = Table(
    "gw_usage",
    metadata,
    # Sums over a span of 3,600 or 86,400 seconds that begins at `start` (Unix seconds, whole spans in UTC).
    # `kind` says what `key` is: "all" "", "model" its name, "user" and "channel" their numbers, "token" "user:name"
    # (by day only), "outcome" a word, "first" and "took" the number of a step of `storage.repositories.steps`.
    Column("span", Int, primary_key=True, autoincrement=False),
    Column("kind", String(8), primary_key=True),
    Column("start", Int, primary_key=True, autoincrement=False),
    Column("key", _Key, primary_key=True),
    Column("requests", Int, nullable=False, server_default=text("0")),
    Column("units", Int, nullable=False, server_default=text("0")),
    Column("prompt_tokens", Int, nullable=False, server_default=text("0")),
    Column("completion_tokens", Int, nullable=False, server_default=text("0")),
    Column("cached_tokens", Int, nullable=False, server_default=text("0")),
    Index("idx_gw_usage_key", "span", "kind", "key", "start"),
)

TRAFFIC_TABLES = (gw_requests, gw_attempts, gw_usage)
