"""Our table of what the site itself is made of: pictures that were uploaded for its pages."""

from __future__ import annotations

from sqlalchemy import Column, LargeBinary, String, Table

from storage.columns import Int, metadata

# Of which size a picture can be at most, in bytes. MySQL chooses its type by it.
MOST_BYTES = 200 * 1024

gw_pictures = Table(
    "gw_pictures",
    metadata,
    # SHA-256 of the content, which is its address: another picture has another one.
    Column("digest", String(64), primary_key=True),
    Column("content_type", String(32), nullable=False),
    Column("content", LargeBinary(MOST_BYTES), nullable=False),
    # Unix milliseconds.
    Column("created_at", Int, nullable=False),
)

SITE_TABLES = (gw_pictures,)
