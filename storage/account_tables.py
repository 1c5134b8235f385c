"""Our tables of what belongs to an account and is no money: which sessions are void, codes by mail, reminders."""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table, text

from storage.columns import Int, metadata

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
