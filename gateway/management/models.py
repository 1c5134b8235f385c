"""Models that the site knows, and what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from adapters.providers.original_models import load_original_models
from gateway.management import answers
from gateway.management.contract import Answer, Area
from gateway.management.guard import for_all, for_role, tells_channels, visitor
from gateway.management.queries import Keyword, Query, Text
from gateway.management.shown.channels import ModelList, PricedChannel
from gateway.management.shown.envelope import Data
from gateway.site import price_list
from storage.records import Role

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from gateway.services import Services


class Currency(Query):
    """Which lists of models."""

    current: Text = Field("", description="`true` for today's models; else one-api's own lists.")


def blueprint(services: Services) -> Blueprint:
    """Return the routes."""
    area = Area("models", "Models")
    originals = load_original_models()

    @area.on(
        "GET",
        "/api/models",
        for_role(Role.USER),
        Answer(Data[dict[str, list[str] | None]], can_refuse=False),
        asks=Currency,
    )
    async def models_by_type(asked: Currency) -> Response:
        """List models by the number of a channel's type."""
        offered = [p for p in services.catalogue.providers if not p.hidden]
        if asked.current == "true":
            return answers.data({str(p.id): list(p.models) or None for p in offered})
        return answers.data({str(p.id): list(originals.of(p)) or None for p in offered})

    @area.on("GET", "/api/channel/models", for_role(Role.ADMIN), Answer(ModelList, can_refuse=False))
    async def known_models() -> Response:
        """List all models that the gateway knows."""
        return answers.as_json({"object": "list", "data": price_list.known_models(services)})

    @area.on(
        "GET",
        "/api/models/display",
        for_all(),
        Answer(Data[dict[str, PricedChannel]], can_refuse=False),
        asks=Keyword,
    )
    async def priced_models(asked: Keyword) -> Response:
        """List models and prices by enabled channel.

        Whoever is signed in sees what the own group can use, others the list prices of the channel's type, or nothing
        while the option `ChannelNamesPublic` is off.
        """
        if not await tells_channels(services):
            return answers.data({})
        user = await visitor(services)
        keyword = asked.keyword.strip()
        return await answers.large_data(lambda: price_list.price_list(services, user, keyword=keyword))

    return area.blueprint
