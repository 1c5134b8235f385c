"""Our table of alerts: whom to tell of which events, over which service."""

from __future__ import annotations

from sqlalchemy import Column, String, Table, text

from storage.columns import Flag, Int, LongText, metadata

gw_alerts = Table(
    "gw_alerts",
    metadata,
    Column("id", Int, primary_key=True, autoincrement=True),
    Column("name", String(64), nullable=False),
    # `webhook`, `mail`, `telegram`, `feishu`, `dingtalk` or `slack`.
    Column("kind", String(16), nullable=False),
    # An address, or a bot's token: sealed if the operator gave a secret to do it with.
    Column("target", LongText, nullable=False),
    # Of Telegram: the chat.
    Column("chat", String(64), nullable=False, server_default=""),
    # Names of groups of events, divided by commas.
    Column("events", String(191), nullable=False, server_default=""),
    # Seconds in which an event of the same name is not told again.
    Column("quiet_s", Int, nullable=False, server_default=text("3600")),
    Column("enabled", Flag, nullable=False, server_default=text("true")),
    # Unix milliseconds; 0: never.
    Column("sent_at", Int, nullable=False, server_default=text("0")),
    Column("fault", String(255), nullable=False, server_default=""),
    sqlite_autoincrement=True,
)

ALERT_TABLES = (gw_alerts,)
