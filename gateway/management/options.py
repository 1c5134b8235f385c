"""Options, for root."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from gateway.management import answers
from gateway.management.contract import Answer, Area, Body
from gateway.management.guard import author, for_role
from gateway.management.payloads import Payload
from gateway.management.shown.envelope import Data, Done
from gateway.management.shown.site import OptionRow
from gateway.site.option_edits import set_option
from storage.records import Role

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from gateway.services import Services


class Option(Payload):
    """One option; every value is a text."""

    key: str = Field("", examples=["SystemName"])
    value: str = Field("", examples=["My gateway"])


def blueprint(services: Services) -> Blueprint:
    """Return the routes."""
    area = Area("options", "Site")

    @area.on("GET", "/api/option/", for_role(Role.ROOT), Answer(Data[list[OptionRow]], can_refuse=False))
    async def list_options() -> Response:
        """List the options in force, in any order, without secrets."""
        listed = services.registry.current.options.listing()
        return answers.data([{"key": key, "value": value, "created_at": 0, "updated_at": 0} for key, value in listed])

    @area.on("PUT", "/api/option/", for_role(Role.ROOT), Answer(Done), takes=Body(Option, bad_status=400))
    async def set_one_option(sent: Option) -> Response:
        """Change an option.

        It is checked, stored, and in force at once; other processes follow within seconds, other nodes within
        `SYNC_FREQUENCY`.
        """
        await set_option(services, author(), sent.key, sent.value)
        return answers.done()

    return area.blueprint
