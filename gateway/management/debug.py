"""Tools of one-api against damaged price columns, for administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import Blueprint, Response

from gateway.accounts.refusals import Refused
from gateway.channels import repair
from gateway.management import answers
from gateway.management.guard import needs
from storage.records import Role
from storage.repositories.rows import as_id

if TYPE_CHECKING:
    from gateway.services import Services

_SEE_LOG = "Check application logs for details."


def blueprint(services: Services) -> Blueprint:
    """Return the routes."""
    area = Blueprint("debug", __name__)

    @area.post("/api/debug/channel/<number>/debug")
    @needs(Role.ADMIN)
    async def describe(number: str) -> Response:
        await repair.describe(services, _channel_id(number))
        return answers.done(f"Debug information logged. {_SEE_LOG}")

    @area.get("/api/debug/channels")
    @needs(Role.ADMIN)
    async def describe_all() -> Response:
        await repair.describe_all(services)
        return answers.done(f"Debug summary logged. {_SEE_LOG}")

    @area.get("/api/debug/channels/validate")
    @needs(Role.ADMIN)
    async def validate() -> Response:
        await repair.validate_all(services)
        return answers.done(f"Validation completed. {_SEE_LOG}")

    @area.post("/api/debug/channel/<number>/fix")
    @needs(Role.ADMIN)
    async def fix(number: str) -> Response:
        await repair.replace_by_defaults(services, _channel_id(number))
        return answers.done(f"Channel model configs fixed. {_SEE_LOG}")

    @area.post("/api/debug/channels/remigrate")
    @needs(Role.ADMIN)
    async def migrate() -> Response:
        await repair.migrate_all(services)
        return answers.done(f"Re-migration completed. {_SEE_LOG}")

    @area.post("/api/debug/channels/clean")
    @needs(Role.ADMIN)
    async def clean() -> Response:
        await repair.clean_all(services)
        return answers.done(f"Mixed model data cleaned. {_SEE_LOG}")

    @area.get("/api/debug/channel/<number>/migration-status")
    @needs(Role.ADMIN)
    async def migration_status(number: str) -> Response:
        found = await repair.migration_status(services, _channel_id(number))
        return answers.as_json({"success": True, "data": found})

    return area


def _channel_id(text: str) -> int:
    number = as_id(text)
    if number is None:
        raise Refused("Invalid channel ID", status=400)
    return number
