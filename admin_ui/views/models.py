"""Models and prices: for everybody who signed in, and for everybody at all where the operator allows that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio
from quart import request

from admin_ui import model_words
from admin_ui.arrangement import Column, arrange
from admin_ui.exports import file_response
from admin_ui.i18n import _
from admin_ui.lists import in_order, read_query
from admin_ui.ui import with_query
from admin_ui.visit import current_visit
from gateway.accounts.directory import list_tokens
from gateway.management.guard import anybody, needs
from gateway.site.model_health import DAYS, ModelHealth, share_of
from gateway.site.model_prices import ABILITIES
from gateway.site.model_table import ModelTable, usable_by
from storage.records import Role, TokenStatus
from storage.repositories.filtered import Wanted
from storage.repositories.rows import Page, Sort

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal

    from quart import Blueprint, Response

    from admin_ui.lists import ListQuery
    from admin_ui.ui import Ui
    from gateway.site.model_table import ModelRow
    from storage.records import Token, User

    Value = Callable[[ModelRow], Decimal | float | str | None]

SHOWN: Final = "ModelPageEnabled"
VISITORS: Final = "default"
"""The group whose models and prices visitors see."""
GROUP: Final = "group:"

_LIST = "/models"
_SORTS = ("model", "provider", "tokens", "health", "channels", "input", "output", "cached", "limit", "context")
_FLAGS = ("no-channel", "no-price", "own-price")
_MOST_TOKENS = 500


_EXPORTED = (
    "model", "providers", "input_usd_least", "input_usd_most", "output_usd_least", "output_usd_most",
    "cached_usd_least", "cached_usd_most", "by_the_piece", "context", "output_limit", "can", "has_price",
)  # fmt: skip


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""
    table, health = ModelTable(ui.services), ModelHealth(ui.services)

    async def matching(query: ListQuery, group: str | None) -> tuple[list[ModelRow], list[str]]:
        rows = table.rows(group)
        providers = sorted({name for row in rows for name in row.providers})
        chosen = query.filters["provider"] if query.filters["provider"] in providers else ""
        found = [row for row in rows if _fits(row, query, chosen)]
        if query.sort:
            found = in_order(found, await value_of(query.sort, found), ascending=query.ascending)
        return found, providers

    async def value_of(column: str, rows: Sequence[ModelRow]) -> Value:
        """Return what rows are sorted by; visitors have neither tokens nor anything to know of health."""
        person = current_visit().user
        if column == "tokens":
            tokens = await own_tokens(ui, person)
            return lambda row: len(usable_by(row.model, tokens))
        if column == "health":
            days = await health.look([row.model for row in rows]) if person is not None else {}
            return lambda row: share_of(days.get(row.model, ()))
        return _VALUES.get(column, _VALUES["model"])

    @area.get(_LIST)
    @anybody()
    async def models() -> Response:
        visit = current_visit()
        if visit.user is None and not ui.options.flag(SHOWN):
            return ui.go(with_query("/login", next=request.path))
        groups = groups_of(ui)
        query = _query(groups if visit.is_admin else ())
        group = shown_group(query.filters["of"], visit.user)
        found, providers = await matching(query, group)
        part = query.rows.of(found)
        tokens = await own_tokens(ui, visit.user)
        days = await health.look([row.model for row in part]) if visit.user is not None else {}
        return ui.page(
            "pages/models.html",
            query=query,
            rows=part,
            total=len(found),
            any_at_all=bool(table.rows(group)),
            of_group=group,
            filters=_filters(providers, groups, query),
            arranged=await arrange(ui, "models", query, path=_LIST, columns=_columns(), views=_views()),
            usable={row.model: usable_by(row.model, tokens) for row in part},
            tokens=tokens,
            days=days,
            n_days=DAYS,
            words=model_words,
            may_open=visit.is_root,
            is_public=ui.options.flag(SHOWN),
        )

    @area.get("/models/export.<kind>")
    @needs(Role.USER)
    async def export_models(kind: str) -> Response:
        visit = current_visit()
        query = _query(groups_of(ui) if visit.is_admin else ())
        found, _providers = await matching(query, shown_group(query.filters["of"], visit.user))

        async def read(page: Page) -> tuple[list[ModelRow], int]:
            await trio.lowlevel.checkpoint()
            return found[page.offset : page.offset + page.size], len(found)

        return file_response("models", kind, _EXPORTED, read, _cells)


def _columns() -> list[Column]:
    visit = current_visit()
    found = [
        Column("provider", _("Provider")),
        Column("cached", _("Cached")),
        Column("pieces", _("Image, audio")),
        Column("context", _("Context")),
    ]
    if visit.user is not None:
        found += [Column("tokens", _("Your tokens")), Column("health", _("Health"))]
    if visit.is_admin:
        found.append(Column("channels", _("Channels and groups")))
    return found


def _views() -> list[tuple[str, dict[str, object]]]:
    found: list[tuple[str, dict[str, object]]] = [
        (_("All"), {}),
        (_("Cheapest"), {"sort": "output", "order": "asc"}),
        (_("Reasoning"), {"can": "reasoning"}),
        (_("Vision"), {"can": "vision"}),
        (_("Embeddings"), {"can": "embedding"}),
    ]
    if current_visit().is_admin:
        found += [
            (_("Every group"), {"of": "all"}),
            (_("No price"), {"of": "all", "flag": "no-price"}),
            (_("No channel"), {"of": "all", "flag": "no-channel"}),
        ]
    return found


def shown_group(of: str, person: User | None) -> str | None:
    """Return the group whose models are wanted, `None` for all that there are."""
    if of == "all":
        return None
    if of.startswith(GROUP):
        return of.removeprefix(GROUP)
    return person.group if person is not None else VISITORS


def groups_of(ui: Ui) -> list[str]:
    """Return the groups that have a ratio or a channel."""
    serving = ui.services.registry.current.serving
    return sorted({*ui.options.group_ratio, *(group for group, _model in serving)})


async def own_tokens(ui: Ui, person: User | None) -> Sequence[Token]:
    """Return somebody's own tokens that are switched on."""
    if person is None:
        return ()
    wanted = Wanted(equal={"status": int(TokenStatus.ENABLED)})
    tokens, _total = await list_tokens(
        ui.services, person, wanted, Sort("name", ascending=True), Page(0, _MOST_TOKENS)
    )
    return tokens


def _query(groups: Sequence[str]) -> ListQuery:
    of = ("all", *(f"{GROUP}{name}" for name in groups)) if groups else ()
    return read_query(
        columns=_SORTS,
        filters={"provider": None, "can": ABILITIES, "of": of, "flag": _FLAGS if groups else ()},
        choices={
            "can": {word: word for word in ABILITIES},
            "group": {name: f"{GROUP}{name}" for name in groups},
            "flag": {word: word for word in _FLAGS if groups},
        },
    )


def _filters(
    providers: Sequence[str], groups: Sequence[str], query: ListQuery
) -> list[tuple[str, str, list[tuple[str, str]]]]:
    found = [
        ("provider", _("Provider"), [(name, name) for name in providers]),
        ("can", _("Can"), [(word, model_words.ability(word)) for word in ABILITIES]),
    ]
    if not current_visit().is_admin:
        return found
    of = [("all", _("of every group"))] + [(f"{GROUP}{name}", name) for name in groups]
    flags = [("no-price", _("no price"))]
    if query.filters["of"] == "all":
        flags.append(("no-channel", _("no channel")))
    flags.append(("own-price", _("own prices")))
    return [*found, ("of", _("Group"), of), ("flag", _("Flags"), flags)]


def _fits(row: ModelRow, query: ListQuery, provider: str) -> bool:
    flag = query.filters["flag"]
    return (
        query.q.lower() in row.model.lower()
        and provider in ("", *row.providers)
        and query.filters["can"] in ("", *row.can)
        and (flag != "no-channel" or not row.channels)
        and (flag != "no-price" or not row.has_price)
        and (flag != "own-price" or row.own_prices > 0)
    )


_VALUES: dict[str, Value] = {
    "model": lambda row: row.model.lower(),
    "provider": lambda row: row.providers[0].lower() if row.providers else None,
    "channels": lambda row: len(row.channels),
    "input": lambda row: row.input_usd and row.input_usd[0],
    "output": lambda row: row.output_usd and row.output_usd[0],
    "cached": lambda row: row.cached_usd and row.cached_usd[0],
    "limit": lambda row: row.max_tokens or None,
    "context": lambda row: row.context or None,
}


def _cells(row: ModelRow) -> list[object]:
    nothing = (None, None)
    pieces = "; ".join(
        f"{low} {per}" if low == high else f"{low}-{high} {per}" for per, (low, high) in row.pieces.items()
    )
    return [
        row.model,
        ", ".join(row.providers),
        *(row.input_usd or nothing),
        *(row.output_usd or nothing),
        *(row.cached_usd or nothing),
        pieces,
        row.context or None,
        row.max_tokens or None,
        ", ".join(row.can),
        row.has_price,
    ]
