"""Prices of channels."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from pydantic import Field
from quart import Blueprint, Response

from gateway.accounts.refusals import Refused
from gateway.channels import prices
from gateway.management import answers
from gateway.management.guard import needs
from gateway.management.payloads import BAD_BODY, Payload, number_in_path, query, read
from storage.records import Role
from storage.repositories.rows import as_id

if TYPE_CHECKING:
    from gateway.services import Services


class Prices(Payload):
    """Prices in today's form, or in the older one."""

    model_configs: dict[str, object] = Field(default_factory=dict)
    model_ratio: dict[str, float | int] = Field(default_factory=dict)
    completion_ratio: dict[str, float | int] = Field(default_factory=dict)


def blueprint(services: Services) -> Blueprint:
    """Return the routes."""
    area = Blueprint("pricing", __name__)

    @area.get("/api/channel/pricing/<number>")
    @needs(Role.ADMIN)
    async def read_prices(number: str) -> Response:
        return answers.data(asdict(await prices.read_prices(services, number_in_path(number))))

    @area.put("/api/channel/pricing/<number>")
    @needs(Role.ADMIN)
    async def write_prices(number: str) -> Response:
        channel_id = number_in_path(number)
        sent = await read(Prices, whole_text=BAD_BODY)
        await prices.set_prices(
            services,
            channel_id,
            model_configs=sent.model_configs,
            model_ratio=sent.model_ratio,
            completion_ratio=sent.completion_ratio,
        )
        return answers.done()

    @area.get("/api/channel/default-pricing")
    @needs(Role.ADMIN)
    async def defaults() -> Response:
        type_id = as_id(query("type"))
        if type_id is None:
            raise Refused(f"Invalid channel type: {query('type')[:20]!r}")
        found = asdict(prices.default_prices(services, type_id))
        # Dashboards put these into text fields as they are.
        return answers.data({name: json.dumps(table or {}, ensure_ascii=False) for name, table in found.items()})

    return area
