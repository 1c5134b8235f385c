"""Have another channel answer a share of a model's requests as well, and compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.migrations.shape import ensure_table
from storage.shadow_tables import SHADOW_TABLES

if TYPE_CHECKING:
    from storage.migrations.step import Step

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade(step: Step) -> None:
    """Make the tables, which a database that was new to the first revision may have already."""
    for table in SHADOW_TABLES:
        ensure_table(step, table)
