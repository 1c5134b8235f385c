"""The schema: one-api's tables as it creates them, and our own beside them.

Column names, defaults and index names follow one-api (version of 2025-09-24), which must still be able to
open the database; we only add tables. Ids are never used twice, since the ledger knows accounts by id alone:
SQLite wants AUTOINCREMENT for that, as one-api had it. In MySQL and MariaDB an indexed
text column needs a length, hence `varchar(191)` there. Our own tables begin with `gw_`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    Index,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
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


def _char(length: int) -> String:
    return String(length)


def _stamps() -> list[Column[int]]:
    return [Column("created_at", Int), Column("updated_at", Int)]


def _id() -> Column[int]:
    return Column("id", Int, primary_key=True, autoincrement=True)


users = Table(
    "users",
    metadata,
    _id(),
    Column("username", KeyText),
    Column("password", LongText, nullable=False),
    Column("display_name", KeyText),
    Column("role", Int, server_default=text("1")),
    Column("status", Int, server_default=text("1")),
    Column("email", KeyText),
    Column("github_id", KeyText),
    Column("wechat_id", KeyText),
    Column("lark_id", KeyText),
    Column("oidc_id", KeyText),
    Column("access_token", _char(32)),
    Column("totp_secret", String(64)),
    Column("quota", Int, server_default=text("0")),
    Column("used_quota", Int, server_default=text("0")),
    Column("request_count", Int, server_default=text("0")),
    Column("group", String(32), server_default="default"),
    Column("aff_code", String(32)),
    Column("inviter_id", Int),
    *_stamps(),
    UniqueConstraint("username", name="uni_users_username"),
    Index("idx_users_username", "username"),
    Index("idx_users_display_name", "display_name"),
    Index("idx_users_email", "email"),
    Index("idx_users_git_hub_id", "github_id"),
    Index("idx_users_we_chat_id", "wechat_id"),
    Index("idx_users_lark_id", "lark_id"),
    Index("idx_users_oidc_id", "oidc_id"),
    Index("idx_users_access_token", "access_token", unique=True),
    Index("idx_users_aff_code", "aff_code", unique=True),
    Index("idx_users_inviter_id", "inviter_id"),
    sqlite_autoincrement=True,
)

tokens = Table(
    "tokens",
    metadata,
    _id(),
    Column("user_id", Int),
    Column("key", _char(48)),
    Column("status", Int, server_default=text("1")),
    Column("name", KeyText),
    Column("created_time", Int),
    Column("accessed_time", Int),
    Column("expired_time", Int, server_default=text("-1")),
    Column("remain_quota", Int, server_default=text("0")),
    Column("unlimited_quota", Flag, server_default=text("false")),
    Column("used_quota", Int, server_default=text("0")),
    *_stamps(),
    Column("models", LongText),
    Column("subnet", LongText),
    Index("idx_tokens_name", "name"),
    Index("idx_tokens_key", "key", unique=True),
    sqlite_autoincrement=True,
)

channels = Table(
    "channels",
    metadata,
    _id(),
    Column("type", Int, server_default=text("0")),
    Column("key", LongText),
    Column("status", Int, server_default=text("1")),
    Column("name", KeyText),
    Column("weight", Int, server_default=text("0")),
    Column("created_time", Int),
    Column("test_time", Int),
    Column("response_time", Int),
    Column("base_url", LongText),
    Column("other", LongText),
    Column("balance", Money),
    Column("balance_updated_time", Int),
    Column("models", LongText),
    Column("model_configs", LongText),
    Column("group", String(32), server_default="default"),
    Column("used_quota", Int, server_default=text("0")),
    Column("model_mapping", LongText),
    Column("priority", Int, server_default=text("0")),
    Column("config", LongText),
    Column("system_prompt", LongText),
    Column("ratelimit", Int, server_default=text("0")),
    Column("testing_model", String(255)),
    Column("model_ratio", LongText),
    Column("completion_ratio", LongText),
    *_stamps(),
    Column("inference_profile_arn_map", LongText),
    Index("idx_channels_name", "name"),
    sqlite_autoincrement=True,
)

abilities = Table(
    "abilities",
    metadata,
    Column("group", String(32), primary_key=True),
    Column("model", KeyText, primary_key=True),
    Column("channel_id", Int, primary_key=True, autoincrement=False),
    Column("enabled", Flag),
    Column("priority", Int, server_default=text("0")),
    Column("suspend_until", Instant),
    *_stamps(),
    Index("idx_abilities_suspend_until", "suspend_until"),
    Index("idx_abilities_priority", "priority"),
    Index("idx_abilities_channel_id", "channel_id"),
)

options = Table(
    "options",
    metadata,
    Column("key", KeyText, primary_key=True),
    Column("value", LongText),
    *_stamps(),
)

redemptions = Table(
    "redemptions",
    metadata,
    _id(),
    Column("user_id", Int),
    Column("key", _char(32)),
    Column("status", Int, server_default=text("1")),
    Column("name", KeyText),
    Column("quota", Int, server_default=text("100")),
    Column("created_time", Int),
    Column("redeemed_time", Int),
    *_stamps(),
    Index("idx_redemptions_name", "name"),
    Index("idx_redemptions_key", "key", unique=True),
    sqlite_autoincrement=True,
)

logs = Table(
    "logs",
    metadata,
    _id(),
    Column("user_id", Int),
    Column("created_at", Int),
    Column("type", Int),
    Column("content", LongText),
    Column("username", KeyText, server_default=""),
    Column("token_name", KeyText, server_default=""),
    Column("model_name", KeyText, server_default=""),
    Column("quota", Int, server_default=text("0")),
    Column("prompt_tokens", Int, server_default=text("0")),
    Column("completion_tokens", Int, server_default=text("0")),
    Column("channel_id", Int),
    Column("request_id", KeyText, server_default=""),
    Column("trace_id", String(64), server_default=""),
    Column("updated_at", Int),
    Column("elapsed_time", Int, server_default=text("0")),
    Column("is_stream", Flag, server_default=text("false")),
    Column("system_prompt_reset", Flag, server_default=text("false")),
    Column("cached_prompt_tokens", Int, server_default=text("0")),
    Column("cached_completion_tokens", Int, server_default=text("0")),
    Index("idx_logs_cached_completion_tokens", "cached_completion_tokens"),
    Index("idx_logs_cached_prompt_tokens", "cached_prompt_tokens"),
    Index("idx_logs_elapsed_time", "elapsed_time"),
    Index("idx_logs_trace_id", "trace_id"),
    Index("idx_logs_channel_id", "channel_id"),
    Index("idx_logs_completion_tokens", "completion_tokens"),
    Index("idx_logs_prompt_tokens", "prompt_tokens"),
    Index("idx_logs_quota", "quota"),
    Index("idx_logs_model_name", "model_name"),
    Index("idx_logs_token_name", "token_name"),
    Index("index_username_model_name", "model_name", "username"),
    Index("idx_created_at_type", "created_at", "type"),
    Index("idx_logs_user_id", "user_id"),
    sqlite_autoincrement=True,
)

user_request_costs = Table(
    "user_request_costs",
    metadata,
    _id(),
    Column("created_time", Int),
    Column("user_id", Int),
    Column("request_id", KeyText),
    Column("quota", Int),
    *_stamps(),
    Index("idx_user_request_costs_request_id", "request_id", unique=True),
    sqlite_autoincrement=True,
)

traces = Table(
    "traces",
    metadata,
    _id(),
    Column("trace_id", String(64), nullable=False),
    Column("url", String(512), nullable=False),
    Column("method", String(16), nullable=False),
    Column("body_size", Int, server_default=text("0")),
    Column("status", Int, server_default=text("0")),
    Column("timestamps", LongText),
    *_stamps(),
    Index("idx_traces_created_at", "created_at"),
    Index("idx_traces_trace_id", "trace_id", unique=True),
    sqlite_autoincrement=True,
)

# --- ours ------------------------------------------------------------------------------------------------

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
    # 0 for an unlimited token, else equal to user_units.
    Column("token_units", Int, nullable=False),
    # What the token was when the units were taken: settling must not ask again, an admin may have changed it.
    Column("token_limited", Flag, nullable=False, server_default=text("false")),
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
    _id(),
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
    Column("log_seed", LongText, nullable=False),
    Column("reaped_at", Int, nullable=False),
    Column("corrected", Flag, nullable=False, server_default=text("false")),
)

gw_outbox = Table(
    "gw_outbox",
    metadata,
    # Log rows on their way to LOG_SQL_DSN, written in the settling transaction and emptied by a service.
    _id(),
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
    _id(),
    Column("request_id", String(64), nullable=False),
    Column("payload", LongText, nullable=False),
    Column("error", LongText, nullable=False),
    Column("created_at", Int, nullable=False),
)

gw_user_security = Table(
    "gw_user_security",
    metadata,
    # Sessions made before `session_version` was raised are void: logout everywhere, new password, role change, ban.
    Column("user_id", Int, primary_key=True, autoincrement=False),
    Column("session_version", Int, nullable=False, server_default=text("0")),
    Column("updated_at", Int, nullable=False, server_default=text("0")),
)

gw_codes = Table(
    "gw_codes",
    metadata,
    # What was mailed and waits to be shown again. Neither the address nor the code is readable: both are hashes.
    Column("id", String(64), primary_key=True),
    Column("secret_hash", String(64), nullable=False),
    Column("user_id", Int, nullable=False, server_default=text("0")),
    Column("failures", Int, nullable=False, server_default=text("0")),
    Column("expires_at", Int, nullable=False),
    Index("idx_gw_codes_expires", "expires_at"),
)

gw_reminders = Table(
    "gw_reminders",
    metadata,
    # Who was told that little quota is left, and has had little ever since.
    Column("user_id", Int, primary_key=True, autoincrement=False),
    Column("reminded_at", Int, nullable=False),
)
