"""Our tables beside one-api's `users`, `tokens` and `redemptions`: sessions, recovery codes, notes, former keys.

The original program neither reads nor needs them. Secrets are kept as hashes only: whoever reads these tables can
neither sign in nor send a request.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table, text

from storage.columns import Flag, Int, metadata

gw_sessions = Table(
    "gw_sessions",
    metadata,
    # One browser that is signed in. `id` is the hash of what its cookie carries; without the row the cookie is void.
    Column("id", String(64), primary_key=True),
    Column("user_id", Int, nullable=False),
    # Unix milliseconds. `seen_at` moves once a minute at most.
    Column("created_at", Int, nullable=False),
    Column("seen_at", Int, nullable=False),
    Column("address", String(64), nullable=False, server_default=""),
    Column("agent", String(255), nullable=False, server_default=""),
    # The session version of its account when it began: a later one voids it.
    Column("version", Int, nullable=False, server_default=text("0")),
    Index("idx_gw_sessions_user", "user_id", "seen_at"),
    Index("idx_gw_sessions_seen", "seen_at"),
)

gw_recovery_codes = Table(
    "gw_recovery_codes",
    metadata,
    # What signs in once in place of a code of the authenticator.
    Column("user_id", Int, primary_key=True, autoincrement=False),
    Column("code_hash", String(64), primary_key=True),
)

gw_token_extras = Table(
    "gw_token_extras",
    metadata,
    Column("token_id", Int, primary_key=True, autoincrement=False),
    Column("note", String(500), nullable=False, server_default=""),
    # Unix milliseconds, 0 for a token that is there. One that was thrown away is switched off and shown to nobody;
    # `status_before` is what it gets back if it is taken out again, until it is deleted for good.
    Column("trashed_at", Int, nullable=False, server_default=text("0")),
    Column("status_before", Int, nullable=False, server_default=text("0")),
    # What is said with it is kept for a while (`gw_messages`), if the site permits that.
    Column("records", Flag, nullable=False, server_default=text("false")),
    Index("idx_gw_token_extras_trashed", "trashed_at"),
)

gw_token_keys = Table(
    "gw_token_keys",
    metadata,
    # A former key of a token that still works until `until` (Unix seconds).
    Column("key_hash", String(64), primary_key=True),
    Column("token_id", Int, nullable=False),
    Column("until", Int, nullable=False),
    Index("idx_gw_token_keys_token", "token_id"),
)

gw_code_extras = Table(
    "gw_code_extras",
    metadata,
    Column("code_id", Int, primary_key=True, autoincrement=False),
    # Unix seconds, 0 never.
    Column("expires_at", Int, nullable=False, server_default=text("0")),
    # Who redeemed it, 0 nobody yet or before this was noted.
    Column("used_by", Int, nullable=False, server_default=text("0")),
)

gw_unlimited_users = Table(
    "gw_unlimited_users",
    metadata,
    # Accounts that spend without their balance growing less. `users.quota` keeps what it was, and counts again once
    # the row is gone, or under the original program, which knows no such thing.
    Column("user_id", Int, primary_key=True, autoincrement=False),
    # Unix milliseconds.
    Column("since", Int, nullable=False),
)

PEOPLE_TABLES = (gw_sessions, gw_recovery_codes, gw_token_extras, gw_token_keys, gw_code_extras)
