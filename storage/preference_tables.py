"""Our table of how people like their pages: columns, saved views.

It may be emptied at any time; pages then look as they come.
"""

from __future__ import annotations

from sqlalchemy import Column, String, Table

from storage.columns import Int, LongText, metadata

gw_preferences = Table(
    "gw_preferences",
    metadata,
    Column("user_id", Int, primary_key=True, autoincrement=False),
    Column("name", String(64), primary_key=True),
    # JSON.
    Column("value", LongText, nullable=False),
)

PREFERENCE_TABLES = (gw_preferences,)
