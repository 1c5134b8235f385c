"""Why this channel: the choice for a group, a model and an endpoint, explained by what relays use."""

from __future__ import annotations

import time
from random import SystemRandom
from typing import TYPE_CHECKING

from quart import request

from admin_ui.format_words import endpoint_words
from admin_ui.i18n import _
from admin_ui.ui import with_query
from admin_ui.views.audit import action_word
from admin_ui.views.picked import as_number
from admin_ui.waterfall import failure_word
from gateway.management.guard import actor, needs
from gateway.relay import endpoints
from gateway.relay.routing import Asked, drawn, routing
from gateway.site.routing_question import asker_named, asker_with, exhausted_limits, recorded
from gateway.traffic.channels import last_failures
from storage.records import Role

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from admin_ui.ui import Ui
    from gateway.relay.endpoints import Endpoint
    from gateway.relay.routing import Routing
    from gateway.site.routing_question import Asker
    from storage.repositories.requests import FailedAttempt

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
_MOST_MODELS = 60
_MOST_CAUSES = 20
_LOOKED_AT = 20


def register(area: Blueprint, ui: Ui) -> None:
    """Add the routes."""

    @area.get("/routing")
    @needs(Role.ADMIN)
    async def why() -> Response:
        args = request.args
        snapshot = ui.services.registry.current
        then = await recorded(ui.services, actor(), args["request"][:64]) if args.get("request") else None
        model = args.get("model", "").strip()[:200] or (then.model if then is not None else "")
        groups = list(dict.fromkeys([*ui.options.group_ratio, *(group for group, _model in snapshot.serving)]))
        group = args.get("group", "") or (then.group if then is not None else "")
        group = group or ("default" if "default" in groups else next(iter(groups), ""))
        asker, faults = await _asker(ui, model)
        if asker is not None:
            group = asker.user.group
        left_out = frozenset(filter(None, map(as_number, args.getlist("off")[:_MOST_LEFT_OUT])))
        asked = Asked(
            group=group,
            model=model,
            endpoint=_endpoint(args.get("endpoint", "") or (then.endpoint if then is not None else "")),
            left_out=left_out,
            smallest_limit=ui.services.settings.default_use_min_max_tokens_model,
        )
        suspensions, now = ui.services.registry.suspensions, time.time()

        def until(channel_id: int) -> float:
            return suspensions.until(group, model, channel_id)

        found = counts = None
        limited: frozenset[int] = frozenset()
        if model:
            found = routing(snapshot, asked, suspended_until=until, now=now)
            if asker is not None and asker.token is not None:
                serving = [share.channel for tier in found.tiers for share in tier.shares]
                limited = await exhausted_limits(ui.services, asker.token, serving)
        if model and args.get("draw"):
            counts = drawn(snapshot, asked, suspended_until=until, now=now, rng=SystemRandom())
        causes = await _causes(ui, found, model) if found is not None else {}
        looked_at = snapshot.channels.get(as_number(args.get("channel", "")))

        def link(*off: int, draw: bool = False, of: str = model) -> str:
            address = with_query(
                "/routing",
                group=group,
                model=of,
                endpoint=asked.endpoint.kind.value,
                user=args.get("user", "").strip(),
                token=args.get("token", "").strip(),
                channel=looked_at.id if looked_at is not None else "",
                draw="1" if draw else "",
            )
            return address + "".join(f"&off={number}" for number in off)

        words = endpoint_words()
        return ui.page(
            "pages/routing.html",
            asked=asked,
            found=found,
            counts=counts,
            groups=groups if group in groups else [*groups, group],
            models=sorted({name for known_group, name in snapshot.serving if known_group == group}),
            endpoints=[(endpoint.kind.value, words[endpoint.kind]) for endpoint in ENDPOINTS],
            left_out=[
                (number, _label(ui, number), link(*sorted(left_out - {number}))) for number in sorted(left_out)
            ],
            without=lambda number: link(*sorted({*left_out, number})),
            draw_link=link(*sorted(left_out), draw=True),
            user=args.get("user", "").strip(),
            token=args.get("token", "").strip(),
            asker=asker,
            faults=faults,
            limited=limited,
            causes=causes,
            limits_requests=bool(ui.services.settings.global_channel_rate_limit),
            looked_at=looked_at,
            its_models=[(name, link(of=name)) for name in looked_at.models[:_MOST_MODELS]] if looked_at else [],
            other_groups=sorted({known_group for known_group, name in snapshot.serving if name == model} - {group}),
            then=then,
            is_unknown=bool(args.get("request")) and then is None,
            failure_word=failure_word,
            action_word=action_word,
        )


def _endpoint(name: str) -> Endpoint:
    known = {endpoint.kind.value: endpoint for endpoint in ENDPOINTS}
    return known.get(name, endpoints.CHAT)


async def _asker(ui: Ui, model: str) -> tuple[Asker | None, dict[str, str]]:
    """Return the account or token that was named, and what is wrong with the fields."""
    user, token = (request.args.get(name, "").strip()[:100] for name in ("user", "token"))
    if token:
        found = await asker_with(ui.services, token, model)
        return found, {} if found is not None else {"token": _("There is no token of this number.")}
    if user:
        found = await asker_named(ui.services, user)
        return found, {} if found is not None else {"user": _("There is no account of this name or number.")}
    return None, {}


async def _causes(ui: Ui, found: Routing, model: str) -> dict[int, FailedAttempt]:
    """Return the failures after which channels are left alone for this model, as far as they are kept."""
    causes = {}
    resting = [verdict.channel for verdict in found.out if verdict.reason.startswith("suspended")]
    for channel in resting[:_MOST_CAUSES]:
        names = (model, channel.upstream_model(model))
        failures = await last_failures(ui.services, channel.id, limit=_LOOKED_AT)
        cause = next((failure for failure in failures if failure.model in names), None)
        if cause is not None:
            causes[channel.id] = cause
    return causes


def _label(ui: Ui, number: int) -> str:
    channel = ui.services.registry.current.channels.get(number)
    return channel.label if channel is not None else f"#{number}"
