"""Models and prices, for everybody who signed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import request

from admin_ui.lists import read_query
from admin_ui.visit import current_visit
from gateway.management.guard import actor, needs
from gateway.site.model_table import model_table
from storage.records import Role

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from admin_ui.ui import Ui
    from gateway.site.model_table import ModelRow

_SORTS = ("model", "channels", "input", "output", "limit")


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    @area.get("/models")
    @needs(Role.USER)
    async def models() -> Response:
        everything = current_visit().is_admin and request.args.get("of") == "all"
        rows = model_table(ui.services, actor(), everything=everything)
        providers = sorted({name for row in rows for name in row.providers})
        query = read_query(columns=_SORTS, filters={"provider": providers, "of": ("all",)})
        found = [
            row
            for row in rows
            if query.q.lower() in row.model.lower() and query.filters["provider"] in ("", *row.providers)
        ]
        if query.sort:
            found.sort(key=lambda row: _key(row, query.sort), reverse=not query.ascending)
        start = query.rows.offset
        return ui.page(
            "pages/models.html",
            query=query,
            rows=found[start : start + query.size],
            total=len(found),
            any_at_all=bool(rows),
            providers=providers,
        )


def _key(row: ModelRow, column: str) -> tuple[object, str]:
    values: dict[str, object] = {
        "model": row.model.lower(),
        "channels": row.channels,
        "input": row.input_usd[0],
        "output": row.output_usd[0],
        "limit": row.max_tokens,
    }
    return values[column], row.model
