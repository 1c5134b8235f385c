"""Our tables of money on its way: what is held, what was booked, who is at it, and what could not be written."""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table, text

from storage.columns import Flag, Int, LongText, metadata, number

gw_reservations = Table(
    "gw_reservations",
    metadata,
    # One running relay: what was taken from the balances before the upstream was called.
    Column("request_id", String(64), primary_key=True),
    Column("replica_id", String(64), nullable=False),
    Column("user_id", Int, nullable=False),
    Column("token_id", Int, nullable=False),
    Column("channel_id", Int, nullable=False),
    Column("model", String(255), nullable=False),
    Column("user_units", Int, nullable=False),
    # What is held without being taken from a balance: all of it where the account is unlimited, else 0.
    Column("free_units", Int, nullable=False, server_default=text("0")),
    # 0 for an unlimited token, else equal to what is held.
    Column("token_units", Int, nullable=False),
    # What the token was when the units were taken: settling must not ask again, an admin may have changed it.
    Column("token_limited", Flag, nullable=False, server_default=text("false")),
    # The same of the account.
    Column("user_limited", Flag, nullable=False, server_default=text("true")),
    # Number of the last top-up or move, so that repeating one after an unknown COMMIT takes nothing twice.
    Column("last_amend", Int, nullable=False, server_default=text("0")),
    # The log row that the reaper writes if nobody settles: JSON of a LogRow's known fields.
    Column("log_seed", LongText, nullable=False),
    Column("created_at", Int, nullable=False),
    Index("idx_gw_reservations_replica", "replica_id"),
    Index("idx_gw_reservations_user", "user_id"),
)

gw_ledger = Table(
    "gw_ledger",
    metadata,
    # Append-only: one row per event that changes a balance. Units are signed changes:
    # user_units to users.quota, token_units to tokens.remain_quota, channel_units to channels.used_quota.
    number(),
    Column("created_at", Int, nullable=False),
    Column("kind", String(24), nullable=False),
    Column("request_id", String(64), nullable=False, server_default=""),
    Column("user_id", Int, nullable=False, server_default=text("0")),
    Column("user_units", Int, nullable=False, server_default=text("0")),
    Column("token_id", Int, nullable=False, server_default=text("0")),
    Column("token_units", Int, nullable=False, server_default=text("0")),
    Column("channel_id", Int, nullable=False, server_default=text("0")),
    Column("channel_units", Int, nullable=False, server_default=text("0")),
    Column("note", String(255), nullable=False, server_default=""),
    # With the kind, so that an account's opening is found without reading all that it ever paid.
    Index("idx_gw_ledger_user", "user_id", "kind"),
    Index("idx_gw_ledger_token", "token_id", "kind"),
    Index("idx_gw_ledger_channel", "channel_id", "kind"),
    Index("idx_gw_ledger_created", "created_at"),
)

gw_replicas = Table(
    "gw_replicas",
    metadata,
    # A living process. Reservations of a replica whose lease ran out (or that is gone) are reaped.
    Column("replica_id", String(64), primary_key=True),
    Column("host", String(255), nullable=False),
    # Which process of that host: pid and start time, so that its neighbours see at once that it died.
    Column("process", String(64), nullable=False, server_default=""),
    # Unix milliseconds by the database's clock: those of the machines may differ.
    Column("started_at", Int, nullable=False),
    Column("lease_until", Int, nullable=False),
)

gw_reaped = Table(
    "gw_reaped",
    metadata,
    # What the reaper settled by its reserved amount; a true settlement that comes late books the difference once.
    Column("request_id", String(64), primary_key=True),
    Column("user_id", Int, nullable=False),
    Column("token_id", Int, nullable=False),
    Column("channel_id", Int, nullable=False),
    Column("units", Int, nullable=False),
    Column("token_limited", Flag, nullable=False, server_default=text("false")),
    Column("user_limited", Flag, nullable=False, server_default=text("true")),
    Column("log_seed", LongText, nullable=False),
    Column("reaped_at", Int, nullable=False),
    Column("corrected", Flag, nullable=False, server_default=text("false")),
)

gw_outbox = Table(
    "gw_outbox",
    metadata,
    # Log rows on their way to LOG_SQL_DSN, written in the settling transaction and emptied by a service.
    number(),
    # Names the row in both databases, so that it arrives once however often it is sent.
    Column("key", String(64), nullable=False, unique=True),
    Column("payload", LongText, nullable=False),
    Column("created_at", Int, nullable=False),
)

gw_delivered = Table(
    "gw_delivered",
    metadata,
    # Lives in the log database: the keys of outbox rows that arrived, kept until no sender can repeat them.
    Column("key", String(64), primary_key=True),
    Column("delivered_at", Int, nullable=False),
    Index("idx_gw_delivered_at", "delivered_at"),
)

gw_parked = Table(
    "gw_parked",
    metadata,
    # A settlement that the database refused on its own: kept for a person, never lost.
    number(),
    Column("request_id", String(64), nullable=False),
    Column("payload", LongText, nullable=False),
    Column("error", LongText, nullable=False),
    Column("created_at", Int, nullable=False),
)
