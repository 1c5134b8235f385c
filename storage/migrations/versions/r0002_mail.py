"""Keep mailed codes, and who was reminded of little quota, where all processes and replicas see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.account_tables import gw_codes, gw_reminders
from storage.migrations.shape import ensure_table

if TYPE_CHECKING:
    from storage.migrations.step import Step

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade(step: Step) -> None:
    """Make the tables, which a database that was new to the revision before has already."""
    ensure_table(step, gw_codes)
    ensure_table(step, gw_reminders)
