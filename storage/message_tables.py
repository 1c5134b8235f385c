"""Our table of recorded messages, for tokens whose owners want that. It may be emptied at any time."""

from __future__ import annotations

from sqlalchemy import Column, Index, LargeBinary, String, Table, text
from sqlalchemy.dialects import mysql

from storage.columns import Flag, Int, metadata

gw_messages = Table(
    "gw_messages",
    metadata,
    # What one request said and was answered, without any header.
    Column("request_id", String(64), primary_key=True),
    Column("user_id", Int, nullable=False),
    Column("token_id", Int, nullable=False),
    # When it ended, in Unix milliseconds.
    Column("created_at", Int, nullable=False),
    # The client's format and endpoint, as `gateway.relay.endpoints` names them.
    Column("format", String(32), nullable=False, server_default=""),
    Column("endpoint", String(32), nullable=False, server_default=""),
    Column("status", Int, nullable=False, server_default=text("0")),
    # How many bytes there were; less is kept where it says that it was cut.
    Column("request_bytes", Int, nullable=False, server_default=text("0")),
    Column("answer_bytes", Int, nullable=False, server_default=text("0")),
    Column("request_cut", Flag, nullable=False, server_default=text("false")),
    Column("answer_cut", Flag, nullable=False, server_default=text("false")),
    # The client has the answer to its end.
    Column("whole", Flag, nullable=False, server_default=text("true")),
    # JSON, compressed; sealed where the operator has a secret for that.
    Column("content", LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb"), nullable=False),
    Index("idx_gw_messages_created", "created_at"),
    Index("idx_gw_messages_user", "user_id", "created_at"),
)

MESSAGE_TABLES = (gw_messages,)
