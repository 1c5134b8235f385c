"""Options, for root."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import Blueprint, Response

from gateway.accounts.refusals import InvalidParameter
from gateway.management import answers
from gateway.management.guard import needs
from gateway.management.payloads import Payload, read
from gateway.site.option_edits import set_option
from storage.records import Role

if TYPE_CHECKING:
    from gateway.services import Services


class Option(Payload):
    """One option; every value is a text."""

    key: str = ""
    value: str = ""


def blueprint(services: Services) -> Blueprint:
    """Return the routes."""
    area = Blueprint("options", __name__)

    @area.get("/api/option/")
    @needs(Role.ROOT)
    async def list_options() -> Response:
        listed = services.registry.current.options.listing()
        return answers.data([{"key": key, "value": value, "created_at": 0, "updated_at": 0} for key, value in listed])

    @area.put("/api/option/")
    @needs(Role.ROOT)
    async def put() -> Response:
        try:
            sent = await read(Option)
        except InvalidParameter as error:
            error.status = 400
            raise
        await set_option(services, sent.key, sent.value)
        return answers.done()

    return area
