"""Our tables about traffic: how each request ended, which attempts failed, and sums over hours and days.

None of them holds money: `logs` does. They may be emptied at any time; pages then show less.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, SmallInteger, String, Table, text
from sqlalchemy.dialects import mysql

from storage.columns import Flag, Int, LongText, metadata

# MySQL would take two names that differ in case for one.
_Key = String(255).with_variant(mysql.VARCHAR(255, charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb")
_Name = String(191).with_variant(mysql.VARCHAR(191, charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb")

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
    # That of the account at that time.
    Column("user_group", String(64), nullable=False, server_default=""),
    # What the client calls its conversation or run, if it says so: requests with the same one belong together.
    Column("session", String(64), nullable=False, server_default=""),
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
    Column("reasoning_tokens", Int, nullable=False, server_default=text("0")),
    Column("units", Int, nullable=False, server_default=text("0")),
    # What it would have cost more, had nothing been read from a cache.
    Column("saved_units", Int, nullable=False, server_default=text("0")),
    # What the same use costs at the provider's list price, NULL: not known.
    Column("list_units", Int),
    Column("error", LongText, nullable=False),
    # JSON: the attempts and what else only the page of one request shows.
    Column("detail", LongText, nullable=False),
    Index("idx_gw_requests_finished", "finished_at"),
    Index("idx_gw_requests_failed", "failed", "finished_at"),
    Index("idx_gw_requests_user", "user_id", "finished_at"),
    Index("idx_gw_requests_channel", "channel_id", "finished_at"),
    Index("idx_gw_requests_request", "request_id"),
    Index("idx_gw_requests_trace", "trace_id"),
    Index("idx_gw_requests_session", "session", "finished_at"),
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
    # `kind` says what `key` is: "all" "", "model", "group" and "format" a name, "user" and "channel" a number,
    # "token" "user:name" (by day only), "outcome" and "error" a word, "lost" a channel's number (failed attempts),
    # "tries" how many and how it ended, "first", "took" and "flow" (streams) the number of a step of
    # `storage.repositories.steps`, "speed" "model:step".
    Column("span", Int, primary_key=True, autoincrement=False),
    Column("kind", String(8), primary_key=True),
    Column("start", Int, primary_key=True, autoincrement=False),
    Column("key", _Key, primary_key=True),
    Column("requests", Int, nullable=False, server_default=text("0")),
    Column("units", Int, nullable=False, server_default=text("0")),
    Column("prompt_tokens", Int, nullable=False, server_default=text("0")),
    Column("completion_tokens", Int, nullable=False, server_default=text("0")),
    Column("cached_tokens", Int, nullable=False, server_default=text("0")),
    Column("reasoning_tokens", Int, nullable=False, server_default=text("0")),
    Column("saved_units", Int, nullable=False, server_default=text("0")),
    Column("upstream_units", Int, nullable=False, server_default=text("0")),
    Column("margin_units", Int, nullable=False, server_default=text("0")),
    Index("idx_gw_usage_key", "span", "kind", "key", "start"),
)

gw_tallies = Table(
    "gw_tallies",
    metadata,
    # The log by quarters of an hour (`start`, Unix seconds) and by everything that it can be told apart by, with
    # what only `gw_requests` knows. Never longer than both together, and much narrower: charts of one user or model
    # read it.
    Column("id", Int, primary_key=True, autoincrement=True),
    Column("start", Int, nullable=False),
    Column("user_id", Int, nullable=False),
    Column("token_name", _Name, nullable=False),
    Column("model", _Name, nullable=False),
    Column("channel_id", Int, nullable=False),
    # Both empty where nothing is known of the request but its charge.
    Column("user_group", _Name, nullable=False),
    Column("format", _Name, nullable=False),
    Column("is_stream", Flag, nullable=False),
    # Whose fault it was that it failed, empty where it did not.
    Column("fault", String(8), nullable=False),
    # Steps of `storage.repositories.steps`, -1: not known.
    Column("first_step", SmallInteger, nullable=False),
    Column("took_step", SmallInteger, nullable=False),
    Column("speed_step", SmallInteger, nullable=False),
    # Attempts that it took, 0: not known.
    Column("tries", SmallInteger, nullable=False),
    # Entries of the log, and requests that left none.
    Column("requests", Int, nullable=False),
    Column("uncharged", Int, nullable=False),
    Column("units", Int, nullable=False),
    Column("prompt_tokens", Int, nullable=False),
    Column("completion_tokens", Int, nullable=False),
    Column("cached_tokens", Int, nullable=False),
    Column("reasoning_tokens", Int, nullable=False),
    Column("saved_units", Int, nullable=False),
    # Of what is known to have a list price: that, and what more was charged. Both are 0 where it is not known.
    Column("upstream_units", Int, nullable=False, server_default=text("0")),
    Column("margin_units", Int, nullable=False, server_default=text("0")),
    Index("idx_gw_tallies_start", "start"),
    Index("idx_gw_tallies_user", "user_id", "start"),
    Index("idx_gw_tallies_model", "model", "start"),
    Index("idx_gw_tallies_channel", "channel_id", "start"),
    sqlite_autoincrement=True,
)

TRAFFIC_TABLES = (gw_requests, gw_attempts, gw_usage, gw_tallies)
