"""Accounts that spend without a balance, and what their running relays hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.ledger_tables import gw_reaped, gw_reservations
from storage.migrations.shape import ensure_table
from storage.people_tables import gw_unlimited_users

if TYPE_CHECKING:
    from storage.migrations.step import Step

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade(step: Step) -> None:
    """Make the table, and add the columns; reservations of an older program took everything from a balance."""
    for table in (gw_unlimited_users, gw_reservations, gw_reaped):
        ensure_table(step, table)
