"""The names of groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.management import answers
from gateway.management.contract import Answer, Area
from gateway.management.guard import for_role
from gateway.management.shown.envelope import Data
from storage.records import Role

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from gateway.services import Services


def blueprint(services: Services) -> Blueprint:
    """Return the routes."""
    area = Area("groups", "Users")

    @area.on("GET", "/api/group/", for_role(Role.ADMIN), Answer(Data[list[str]], can_refuse=False))
    async def list_groups() -> Response:
        """List the names of groups, in any order.

        They are the names in the option `GroupRatio`.
        """
        return answers.data(list(services.registry.current.options.group_ratio))

    return area.blueprint
