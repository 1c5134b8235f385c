"""Make the schema in an empty database, or take over one that one-api left.

One-api has no version table: its tables are compared and completed, column by column, from whatever version it
was. Then its data is brought to where this program expects it, and every account's books are opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, insert, inspect, literal, or_, select, text, update

import storage.account_tables  # noqa: F401 - no later revision makes them, so they must be known here
from storage.columns import metadata
from storage.ledger_tables import gw_ledger
from storage.migrations.prices import UnreadablePrices, unified_configs
from storage.migrations.shape import drop_index, ensure_indexes, ensure_table, widen_to_text
from storage.tables import channels, tokens, users

if TYPE_CHECKING:
    from storage.migrations.step import Step

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_OPENING = "opening"


def upgrade(step: Step) -> None:
    """Complete the tables, then their contents, in one-api's order."""
    tables = metadata.sorted_tables
    total = 2 * len(tables) + 3
    if inspect(step.connection).has_table("channels"):
        if step.dialect == "mysql":
            # Old versions had an index over the keys, which are longer than an index may be.
            drop_index(step, "channels", "idx_channels_key")
        for column in ("model_configs", "model_mapping"):
            widen_to_text(step, "channels", column)
    for number, table in enumerate(tables):
        step.progress(number, total, f"table {table.name}")
        ensure_table(step, table)
    step.progress(len(tables), total, "costs that were stored twice")
    _remove_duplicate_costs(step)
    for number, table in enumerate(tables, len(tables) + 1):
        step.progress(number, total, f"indexes of {table.name}")
        if table.name not in step.report.created_tables:
            ensure_indexes(step, table)
    step.progress(total - 2, total, "prices of channels")
    _unify_prices(step)
    step.progress(total - 1, total, "opening the books")
    _open_books(step)
    step.progress(total, total, "done")


def _remove_duplicate_costs(step: Step) -> None:
    """Keep the newest row per request, since the unique index that follows allows one."""
    done = step.connection.execute(
        text(
            "DELETE FROM user_request_costs WHERE id IN (SELECT id FROM (SELECT id, ROW_NUMBER() OVER ("
            "PARTITION BY request_id ORDER BY COALESCE(updated_at, 0) DESC, id DESC) AS place "
            "FROM user_request_costs WHERE request_id IS NOT NULL) AS ranked WHERE place > 1)"
        )
    )
    step.report.removed_duplicates = done.rowcount


def _unify_prices(step: Step) -> None:
    rows = step.connection.execute(
        select(channels.c.id, channels.c.model_configs, channels.c.model_ratio, channels.c.completion_ratio)
        .where(or_(channels.c.model_ratio.is_not(None), channels.c.completion_ratio.is_not(None)))
        .order_by(channels.c.id)
    ).all()
    for row in rows:
        try:
            configs = unified_configs(row.model_configs, row.model_ratio, row.completion_ratio)
        except UnreadablePrices as error:
            step.report.skipped_channels[row.id] = str(error)
            continue
        if configs is None:
            continue
        step.connection.execute(
            update(channels).where(channels.c.id == row.id).values(model_configs=configs, updated_at=step.now_ms)
        )
        step.report.converted_channels.append(row.id)


def _open_books(step: Step) -> None:
    """Write what every account stands at, once: the rows that all later ones are added to."""
    opened = step.connection.execute(select(gw_ledger.c.id).where(gw_ledger.c.kind == _OPENING).limit(1)).first()
    if opened is not None:
        return
    accounts = (
        ("user_id", "user_units", users.c.id, users.c.quota),
        # Unlimited tokens, too: an administrator may set them a limit later, relative to what stands there now.
        ("token_id", "token_units", tokens.c.id, tokens.c.remain_quota),
        ("channel_id", "channel_units", channels.c.id, channels.c.used_quota),
    )
    for id_column, units_column, account, balance in accounts:
        rows = select(literal(step.now_ms), literal(_OPENING), account, func.coalesce(balance, 0))
        done = step.connection.execute(
            insert(gw_ledger).from_select(["created_at", "kind", id_column, units_column], rows.order_by(account)),
            execution_options={"preserve_rowcount": True},
        )
        step.report.opened_accounts += done.rowcount
