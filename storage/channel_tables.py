"""Our tables beside one-api's `channels`: what people write on channels, how tests went, how to take changes back.

The original program neither reads nor needs them. They may be emptied at any time; tags, notes and the history of
tests are lost then, and what was done a moment ago can no longer be undone.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table, text

from storage.columns import Flag, Int, LongText, metadata

gw_channel_labels = Table(
    "gw_channel_labels",
    metadata,
    # Rows of channels without a tag and without a note are not kept.
    Column("channel_id", Int, primary_key=True, autoincrement=False),
    Column("tag", String(50), nullable=False, server_default=""),
    Column("note", String(500), nullable=False, server_default=""),
    Index("idx_gw_channel_labels_tag", "tag"),
)

gw_channel_tests = Table(
    "gw_channel_tests",
    metadata,
    # The last tests of each channel. Times are Unix milliseconds, spans milliseconds.
    Column("id", Int, primary_key=True, autoincrement=True),
    Column("channel_id", Int, nullable=False),
    Column("tested_at", Int, nullable=False),
    Column("model", String(191), nullable=False, server_default=""),
    Column("passed", Flag, nullable=False),
    Column("duration_ms", Int, nullable=False, server_default=text("0")),
    # NULL: nothing came, or it was not measured.
    Column("first_ms", Int),
    # The status of the provider's answer, 0 where there was none or where it was not looked at.
    Column("status", Int, nullable=False, server_default=text("0")),
    Column("format", String(32), nullable=False, server_default=""),
    Column("is_stream", Flag, nullable=False, server_default=text("false")),
    Column("prompt_tokens", Int, nullable=False, server_default=text("0")),
    Column("completion_tokens", Int, nullable=False, server_default=text("0")),
    Column("units", Int, nullable=False, server_default=text("0")),
    # The answer, or what went wrong.
    Column("said", LongText, nullable=False),
    Index("idx_gw_channel_tests_channel", "channel_id", "id"),
    sqlite_autoincrement=True,
)

gw_channel_undo = Table(
    "gw_channel_undo",
    metadata,
    # How to take back what was done to one channel. `batch` is a random text that names all that was done at once.
    Column("batch", String(32), primary_key=True),
    Column("channel_id", Int, primary_key=True, autoincrement=False),
    # `removed`: the payload is the whole row as it was stored, sealed columns still sealed.
    # `changed`: the payload is, by column, what was there before and what was written.
    Column("kind", String(8), nullable=False),
    Column("payload", LongText, nullable=False),
    # Unix milliseconds.
    Column("expires_at", Int, nullable=False),
    Index("idx_gw_channel_undo_expires", "expires_at"),
)

CHANNEL_TABLES = (gw_channel_labels, gw_channel_tests, gw_channel_undo)
