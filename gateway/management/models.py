"""Models that the site knows, and what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import Blueprint, Response

from adapters.providers.original_models import load_original_models
from gateway.management import answers
from gateway.management.guard import anybody, needs, visitor
from gateway.management.payloads import query
from gateway.site import price_list
from storage.records import Role

if TYPE_CHECKING:
    from gateway.services import Services


def blueprint(services: Services) -> Blueprint:
    """Return the routes."""
    area = Blueprint("models", __name__)
    originals = load_original_models()

    @area.get("/api/models")
    @needs(Role.USER)
    async def by_type() -> Response:
        offered = [p for p in services.catalogue.providers if not p.hidden]
        if query("current") == "true":
            return answers.data({str(p.id): list(p.models) or None for p in offered})
        return answers.data({str(p.id): list(originals.of(p)) or None for p in offered})

    @area.get("/api/channel/models")
    @needs(Role.ADMIN)
    async def known() -> Response:
        return answers.as_json({"object": "list", "data": price_list.known_models(services)})

    @area.get("/api/models/display")
    @anybody()
    async def display() -> Response:
        user = await visitor(services)
        return answers.data(price_list.price_list(services, user, keyword=query("keyword").strip()))

    return area
