"""Our table of conversations of the playground that people chose to keep. It may be emptied at any time."""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table

from storage.columns import Int, LongText, metadata

gw_conversations = Table(
    "gw_conversations",
    metadata,
    Column("id", Int, primary_key=True, autoincrement=True),
    Column("user_id", Int, nullable=False),
    # Unix milliseconds.
    Column("created_at", Int, nullable=False),
    Column("title", String(191), nullable=False, server_default=""),
    # JSON: what was asked, and what was answered.
    Column("content", LongText, nullable=False),
    Index("idx_gw_conversations_user", "user_id", "id"),
    sqlite_autoincrement=True,
)

PLAYGROUND_TABLES = (gw_conversations,)
