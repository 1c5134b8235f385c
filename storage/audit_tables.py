"""Who changed what: written in the transaction of the change, and never changed afterwards.

What was done to several things at once is one entry, and what became of each of them is a part of it: an entry of the
same kind about that one thing, which names the whole. So a list shows wholes alone, and the history of one thing is
found by its number, as if nothing else had been changed with it.
"""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Table, text

from storage.columns import Int, LongText, metadata

gw_audit = Table(
    "gw_audit",
    metadata,
    # `id` is also the order in which things happened. Times are Unix milliseconds.
    Column("id", Int, primary_key=True, autoincrement=True),
    Column("created_at", Int, nullable=False),
    # 0 for the program itself.
    Column("actor_id", Int, nullable=False, server_default=text("0")),
    Column("actor", String(191), nullable=False, server_default=""),
    Column("address", String(64), nullable=False, server_default=""),
    # `page`, `api`, `program` or `command`.
    Column("via", String(16), nullable=False, server_default=""),
    # `channel.update`, `option.set` …; the word before the dot says what kind of thing it was done to.
    Column("action", String(48), nullable=False),
    Column("kind", String(24), nullable=False),
    Column("object_id", Int, nullable=False, server_default=text("0")),
    Column("object_name", String(191), nullable=False, server_default=""),
    # JSON: names of fields, each with what was before and after; secrets are masked before they come here.
    Column("changes", LongText, nullable=False),
    # The entry that this one is a part of, 0 for one that stands for itself.
    Column("part_of", Int, nullable=False, server_default=text("0")),
    # Only of an entry about several things: what its later parts, in other transactions, know it by.
    Column("batch", String(32)),
    Index("idx_gw_audit_object", "kind", "object_id", "id"),
    Index("idx_gw_audit_actor", "actor_id", "id"),
    Index("idx_gw_audit_created", "created_at"),
    # Wholes in their order, and the parts of one.
    Index("idx_gw_audit_part", "part_of", "id"),
    Index("idx_gw_audit_batch", "batch", unique=True),
)

AUDIT_TABLES = (gw_audit,)
