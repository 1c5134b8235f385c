"""Our table of signed thoughts that clients have no room for, by the tool call behind them.

It may be emptied at any time; loops of tools that run just then go on without the thoughts.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table

from storage.columns import Int, LongText, metadata

gw_signatures = Table(
    "gw_signatures",
    metadata,
    # SHA-256 of user and call. The payload is sealed with the call's id, which the table does not tell.
    Column("key", String(64), primary_key=True),
    Column("payload", LongText, nullable=False),
    # Unix milliseconds.
    Column("expires_at", Int, nullable=False),
    Index("idx_gw_signatures_expires", "expires_at"),
)

SIGNATURE_TABLES = (gw_signatures,)
