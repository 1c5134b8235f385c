"""The names of groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import Blueprint, Response

from gateway.management import answers
from gateway.management.guard import needs
from storage.records import Role

if TYPE_CHECKING:
    from gateway.services import Services


def blueprint(services: Services) -> Blueprint:
    """Return the routes."""
    area = Blueprint("groups", __name__)

    @area.get("/api/group/")
    @needs(Role.ADMIN)
    async def list_groups() -> Response:
        return answers.data(list(services.registry.current.options.group_ratio))

    return area
