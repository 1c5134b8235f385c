"""Our table of further keys of channels: the original program knows one key a channel, which stays in its own table.

It holds secrets, sealed like those of channels where the operator gave a secret to do it with.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table, text

from storage.columns import Int, LongText, metadata

gw_channel_keys = Table(
    "gw_channel_keys",
    metadata,
    # One row for each key of a channel that uses several in turn, the first among them; none for other channels.
    Column("id", Int, primary_key=True, autoincrement=True),
    Column("channel_id", Int, nullable=False),
    # Empty: the one in `channels.key`.
    Column("key", LongText, nullable=False),
    # Unix milliseconds, here and below; 0: never.
    Column("added_at", Int, nullable=False),
    # When the provider refused it, since when it is left out.
    Column("bad_at", Int, nullable=False, server_default=text("0")),
    # JSON: model to Unix seconds before which the key is not used for it.
    Column("rests", LongText, nullable=False),
    # The last failure that was the key's, kept when it is used again.
    Column("failed_at", Int, nullable=False, server_default=text("0")),
    Column("status", Int, nullable=False, server_default=text("0")),
    Column("error", String(255), nullable=False, server_default=""),
    Index("idx_gw_channel_keys_channel", "channel_id", "id"),
    sqlite_autoincrement=True,
)

KEY_TABLES = (gw_channel_keys,)
