"""Why this channel: the choice for a group, a model and an endpoint, explained by what relays use."""

from __future__ import annotations

import time
from random import SystemRandom
from typing import TYPE_CHECKING

from quart import request

from admin_ui.i18n import _
from admin_ui.ui import with_query
from admin_ui.views.picked import as_number
from gateway.accounts.refusals import Refused
from gateway.accounts.users import search_users
from gateway.management.guard import needs
from gateway.relay import endpoints
from gateway.relay.routing import Asked, drawn, routing
from storage.records import Role
from storage.repositories.rows import Sort

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from admin_ui.ui import Ui
    from storage.records import User

ENDPOINTS = (
    endpoints.CHAT,
    endpoints.RESPONSES,
    endpoints.MESSAGES,
    endpoints.GENERATE,
    endpoints.COMPLETIONS,
    endpoints.EMBEDDINGS,
    endpoints.MODERATIONS,
    endpoints.RERANK,
    endpoints.IMAGES,
    endpoints.IMAGE_EDITS,
    endpoints.SPEECH,
    endpoints.TRANSCRIPTIONS,
    endpoints.TRANSLATIONS,
    endpoints.REALTIME,
)
_MOST_LEFT_OUT = 100


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    @area.get("/routing")
    @needs(Role.ADMIN)
    async def why() -> Response:
        args = request.args
        snapshot = ui.services.registry.current
        known = {endpoint.kind.value: endpoint for endpoint in ENDPOINTS}
        kind = args.get("endpoint", "")
        groups = list(dict.fromkeys([*ui.options.group_ratio, *(group for group, _model in snapshot.serving)]))
        group = args.get("group", "") or ("default" if "default" in groups else next(iter(groups), ""))
        person, fault = await _person(ui, args.get("user", "").strip()[:100])
        if person is not None:
            group = person.group
        model = args.get("model", "").strip()[:200]
        left_out = frozenset(filter(None, map(as_number, args.getlist("off")[:_MOST_LEFT_OUT])))
        asked = Asked(
            group=group,
            model=model,
            endpoint=known.get(kind, endpoints.CHAT),
            left_out=left_out,
            smallest_limit=ui.services.settings.default_use_min_max_tokens_model,
        )
        suspensions, now = ui.services.registry.suspensions, time.time()

        def until(channel_id: int) -> float:
            return suspensions.until(group, model, channel_id)

        found = counts = None
        if model:
            found = routing(snapshot, asked, suspended_until=until, now=now)
        if model and args.get("draw"):
            counts = drawn(snapshot, asked, suspended_until=until, now=now, rng=SystemRandom())

        def link(*off: int, draw: bool = False) -> str:
            address = with_query(
                "/routing", group=group, model=model, endpoint=asked.endpoint.kind.value, draw="1" if draw else ""
            )
            return address + "".join(f"&off={number}" for number in off)

        return ui.page(
            "pages/routing.html",
            asked=asked,
            found=found,
            counts=counts,
            groups=groups if group in groups else [*groups, group],
            models=sorted({name for known_group, name in snapshot.serving if known_group == group}),
            endpoints=[endpoint.kind.value for endpoint in ENDPOINTS],
            left_out=[
                (number, _label(ui, number), link(*sorted(left_out - {number}))) for number in sorted(left_out)
            ],
            without=lambda number: link(*sorted({*left_out, number})),
            draw_link=link(*sorted(left_out), draw=True),
            user=args.get("user", "").strip(),
            person=person,
            fault=fault,
            limits_requests=bool(ui.services.settings.global_channel_rate_limit),
            other_groups=sorted({known_group for known_group, name in snapshot.serving if name == model} - {group}),
        )


async def _person(ui: Ui, text: str) -> tuple[User | None, str]:
    """Return the account that was named, or why there is none."""
    if not text:
        return None, ""
    try:
        found, _total = await search_users(ui.services, text, Sort(), None)
    except Refused:
        found = []
    named = [user for user in found if text in (user.username, str(user.id))]
    if not named:
        return None, _("There is no account of this name or number.")
    return named[0], ""


def _label(ui: Ui, number: int) -> str:
    channel = ui.services.registry.current.channels.get(number)
    return channel.label if channel is not None else f"#{number}"
