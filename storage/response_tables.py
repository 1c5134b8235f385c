"""Our table of responses that providers keep: which channel made one, and whose it is.

It may be emptied at any time; clients then cannot fetch or go on from what they made before, and running background
responses are charged as reserved.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table, text

from storage.columns import Int, LongText, metadata

gw_responses = Table(
    "gw_responses",
    metadata,
    # SHA-256 of user and the provider's id: an id alone opens nothing.
    Column("key", String(64), primary_key=True),
    Column("response_id", String(255), nullable=False),
    Column("user_id", Int, nullable=False),
    Column("channel_id", Int, nullable=False),
    # Of a channel with several keys: which one, since its account alone has the response. 0: the channel's only one.
    Column("key_id", Int, nullable=False, server_default=text("0")),
    # As the client named it.
    Column("model", String(255), nullable=False, server_default=""),
    Column("created_at", Int, nullable=False),
    Column("expires_at", Int, nullable=False),
    # A background response that is not charged yet: when to ask about it next, and what its charge depends on (JSON).
    Column("ask_at", Int),
    Column("pending", LongText),
    Index("idx_gw_responses_expires", "expires_at"),
    Index("idx_gw_responses_ask", "ask_at"),
)

RESPONSE_TABLES = (gw_responses,)
