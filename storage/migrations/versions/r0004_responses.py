"""Remember which channel made a response, and what running background responses are charged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.shape import ensure_table
from storage.response_tables import RESPONSE_TABLES

if TYPE_CHECKING:
    from storage.migrations.step import Step

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade(step: Step) -> None:
    """Make the table, which a database that was new to the first revision may have already."""
    for table in RESPONSE_TABLES:
        ensure_table(step, table)
