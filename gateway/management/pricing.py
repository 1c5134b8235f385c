"""Prices of channels."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from pydantic import Field

from gateway.accounts.refusals import Refused
from gateway.channels import prices
from gateway.management import answers
from gateway.management.contract import NAMED, Answer, Area, Body
from gateway.management.guard import author, for_role
from gateway.management.payloads import Payload, number_in_path
from gateway.management.queries import ChannelType
from gateway.management.shown.channels import ChannelPrices, DefaultPrices
from gateway.management.shown.envelope import Data, Done
from storage.records import Role
from storage.repositories.rows import as_id

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from gateway.services import Services


class Prices(Payload):
    """Prices in today's form, or in the older one."""

    model_configs: dict[str, object] = Field(
        default_factory=dict,
        description="By model: `ratio` (quota units per token of input), `completion_ratio`, `max_tokens`.",
        examples=[{"gpt-4o-mini": {"ratio": 0.075, "completion_ratio": 4, "max_tokens": 16384}}],
    )
    model_ratio: dict[str, float | int] = Field(default_factory=dict, description="The older form.")
    completion_ratio: dict[str, float | int] = Field(default_factory=dict, description="The older form.")


def blueprint(services: Services) -> Blueprint:
    """Return the routes."""
    area = Area("pricing", "Prices")
    admins = for_role(Role.ADMIN)

    @area.on("GET", "/api/channel/pricing/<channel_id>", admins, Answer(Data[ChannelPrices]))
    async def read_prices(channel_id: str) -> Response:
        """Return the prices that a channel sets for itself."""
        return answers.data(asdict(await prices.read_prices(services, number_in_path(channel_id))))

    @area.on("PUT", "/api/channel/pricing/<channel_id>", admins, Answer(Done), takes=Body(Prices, NAMED))
    async def write_prices(sent: Prices, channel_id: str) -> Response:
        """Replace the prices that a channel sets for itself.

        The two older tables count where `model_configs` is missing; without any of the three nothing changes.
        """
        await prices.set_prices(
            services,
            author(),
            number_in_path(channel_id),
            model_configs=sent.model_configs,
            model_ratio=sent.model_ratio,
            completion_ratio=sent.completion_ratio,
        )
        return answers.done()

    @area.on("GET", "/api/channel/default-pricing", admins, Answer(Data[DefaultPrices]), asks=ChannelType)
    async def default_prices(asked: ChannelType) -> Response:
        """Return the default prices of a type, as texts that hold JSON.

        Types 8 and 50, which can carry anybody's models, show the prices of all.
        """
        type_id = as_id(asked.type)
        if type_id is None:
            raise Refused(f"Invalid channel type: {asked.type[:20]!r}")
        found = asdict(prices.default_prices(services, type_id))
        # Dashboards put these into text fields as they are.
        return answers.data({name: json.dumps(table or {}, ensure_ascii=False) for name, table in found.items()})

    return area.blueprint
