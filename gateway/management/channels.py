"""Channels: make, change, find, remove, test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import Blueprint, Response, request

from gateway.accounts.refusals import Refused
from gateway.channels import edits
from gateway.channels.balances import update_balance
from gateway.channels.probe import Order
from gateway.management import answers, shapes
from gateway.management.guard import needs
from gateway.management.payloads import (
    BAD_BODY,
    Int64,
    Payload,
    integer,
    number_in_path,
    optional_page,
    query,
    read,
    wanted_page,
    wanted_sort,
)
from storage.records import Role

if TYPE_CHECKING:
    from gateway.channels.probe import Prober
    from gateway.services import Services


class ChannelPayload(Payload):
    """What an administrator may write; counters and times cannot be chosen."""

    id: Int64 = 0
    type: Int64 | None = None
    key: str | None = None
    status: Int64 | None = None
    name: str | None = None
    weight: Int64 | None = None
    base_url: str | None = None
    other: str | None = None
    models: str | None = None
    model_configs: str | None = None
    group: str | None = None
    model_mapping: str | None = None
    priority: Int64 | None = None
    config: str | None = None
    system_prompt: str | None = None
    ratelimit: Int64 | None = None
    testing_model: str | None = None
    model_ratio: str | None = None
    completion_ratio: str | None = None
    inference_profile_arn_map: str | None = None

    def edit(self) -> edits.ChannelEdit:
        """Return it as the service takes it."""
        return edits.ChannelEdit(**self.model_dump(exclude={"id"}))


def blueprint(services: Services, prober: Prober) -> Blueprint:
    """Return the routes."""
    area = Blueprint("channels", __name__)
    most = services.settings.max_items_per_page

    @area.get("/api/channel/")
    @needs(Role.ADMIN)
    async def list_channels() -> Response:
        rows, total = await edits.list_channels(services, wanted_page(most), wanted_sort())
        return answers.page([shapes.channel(row) for row in rows], total)

    @area.get("/api/channel/search")
    @needs(Role.ADMIN)
    async def search() -> Response:
        page = optional_page(most)
        rows, total = await edits.search_channels(services, query("keyword"), wanted_sort(), page)
        shown: list[object] = [shapes.channel(row) for row in rows]
        return answers.data(shown) if page is None else answers.page(shown, total)

    @area.get("/api/channel/metadata")
    @needs(Role.ADMIN)
    async def metadata() -> Response:
        text = query("type")
        if not text:
            raise Refused("type is required")
        if not text.lstrip("-").isdigit():
            raise Refused("invalid type")
        provider = services.catalogue.provider(integer("type"))
        return answers.data({"default_base_url": provider.base_url if provider else ""})

    @area.get("/api/channel/<number>")
    @needs(Role.ADMIN)
    async def read_channel(number: str) -> Response:
        return answers.data(shapes.channel(await edits.read_channel(services, number_in_path(number))))

    @area.post("/api/channel/")
    @needs(Role.ADMIN)
    async def create() -> Response:
        sent = await read(ChannelPayload, whole_text=BAD_BODY)
        await edits.create_channels(services, sent.edit())
        return answers.done()

    @area.put("/api/channel/")
    @needs(Role.ADMIN)
    async def update() -> Response:
        sent = await read(ChannelPayload, whole_text=BAD_BODY)
        if request.args.get("status_only"):
            await edits.switch_channel(services, sent.id, sent.status or 0)
            return answers.done()
        return answers.data(shapes.channel(await edits.update_channel(services, sent.id, sent.edit())))

    @area.delete("/api/channel/disabled")
    @needs(Role.ADMIN)
    async def delete_disabled() -> Response:
        return answers.data(await edits.delete_disabled(services))

    @area.delete("/api/channel/<number>")
    @needs(Role.ADMIN)
    async def delete(number: str) -> Response:
        await edits.delete_channel(services, number_in_path(number))
        return answers.done()

    @area.get("/api/channel/test/<number>")
    @needs(Role.ADMIN, changes=True)
    async def test_one(number: str) -> Response:
        result = await prober.test(number_in_path(number), model=query("model"))
        return answers.as_json(
            {
                "success": result.passed,
                "message": result.text,
                "modelName": result.model,
                "time": round(result.seconds, 3) if result.passed else 0,
            }
        )

    @area.get("/api/channel/test")
    @needs(Role.ADMIN, changes=True)
    async def test_many() -> Response:
        prober.begin(Order.TEST_DISABLED if query("scope") == "disabled" else Order.TEST_ALL)
        return answers.done()

    @area.get("/api/channel/update_balance/<number>")
    @needs(Role.ADMIN, changes=True)
    async def balance(number: str) -> Response:
        amount = await update_balance(services, number_in_path(number))
        return answers.as_json({"success": True, "message": "", "balance": float(amount)})

    @area.get("/api/channel/update_balance")
    @needs(Role.ADMIN, changes=True)
    async def balances() -> Response:
        prober.begin(Order.BALANCES)
        return answers.done()

    return area
