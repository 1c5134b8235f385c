"""Keep what was said and answered, for tokens whose owners want that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.message_tables import MESSAGE_TABLES
from storage.migrations.shape import ensure_table
from storage.people_tables import gw_token_extras

if TYPE_CHECKING:
    from storage.migrations.step import Step

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade(step: Step) -> None:
    """Make the table and the switch, which a database that was new to an earlier revision may have already."""
    for table in (*MESSAGE_TABLES, gw_token_extras):
        ensure_table(step, table)
