"""Tools of one-api against damaged price columns, for administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.accounts.refusals import Refused
from gateway.channels import repair
from gateway.management import answers
from gateway.management.contract import Answer, Area
from gateway.management.guard import author, for_role
from gateway.management.shown.channels import MigrationAnswer
from gateway.management.shown.envelope import Done
from storage.records import Role
from storage.repositories.rows import as_id

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from gateway.services import Services

_SEE_LOG = "Check application logs for details."


def blueprint(services: Services) -> Blueprint:
    """Return the routes."""
    area = Area("debug", "Repair")
    admins = for_role(Role.ADMIN)
    done = Answer(Done, can_refuse=False)
    # The original answers 500 for a channel that is not there, and its dashboard shows the text.
    done_to_one = Answer(Done, can_refuse=False, also=(400, 500))

    @area.on("POST", "/api/debug/channel/<channel_id>/debug", admins, done_to_one)
    async def debug_channel(channel_id: str) -> Response:
        """Write what a channel's price columns hold to the program's log."""
        await repair.describe(services, _channel_id(channel_id))
        return answers.done(f"Debug information logged. {_SEE_LOG}")

    @area.on("GET", "/api/debug/channels", admins, done)
    async def debug_channels() -> Response:
        """Write what the price columns of all channels hold to the program's log."""
        await repair.describe_all(services)
        return answers.done(f"Debug summary logged. {_SEE_LOG}")

    @area.on("GET", "/api/debug/channels/validate", admins, done)
    async def validate_channels() -> Response:
        """Write every price column that the relay cannot read in full to the program's log."""
        await repair.validate_all(services)
        return answers.done(f"Validation completed. {_SEE_LOG}")

    @area.on("POST", "/api/debug/channel/<channel_id>/fix", admins, done_to_one)
    async def fix_channel(channel_id: str) -> Response:
        """Replace a channel's prices by the defaults of the models that it has."""
        await repair.replace_by_defaults(services, author(), _channel_id(channel_id))
        return answers.done(f"Channel model configs fixed. {_SEE_LOG}")

    @area.on("POST", "/api/debug/channels/remigrate", admins, done)
    async def migrate_channels() -> Response:
        """Move prices of the two older columns of all channels to `model_configs`."""
        await repair.migrate_all(services, author())
        return answers.done(f"Re-migration completed. {_SEE_LOG}")

    @area.on("POST", "/api/debug/channels/clean", admins, done)
    async def clean_channels() -> Response:
        """Drop entries that set nothing or cannot be read from the prices of all channels."""
        await repair.clean_all(services, author())
        return answers.done(f"Mixed model data cleaned. {_SEE_LOG}")

    @area.on(
        "GET",
        "/api/debug/channel/<channel_id>/migration-status",
        admins,
        Answer(MigrationAnswer, can_refuse=False, also=(400, 404)),
    )
    async def migration_status(channel_id: str) -> Response:
        """Tell which of its price columns a channel uses."""
        found = await repair.migration_status(services, _channel_id(channel_id))
        return answers.as_json({"success": True, "data": found})

    return area.blueprint


def _channel_id(text: str) -> int:
    number = as_id(text)
    if number is None:
        raise Refused("Invalid channel ID", status=400)
    return number
