"""Redemption codes, for administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import Blueprint, Response, request

from gateway.accounts import redemptions
from gateway.management import answers, shapes
from gateway.management.guard import actor, needs
from gateway.management.payloads import (
    BAD_BODY,
    Int64,
    Payload,
    number_in_path,
    query,
    read,
    wanted_page,
    wanted_sort,
)
from storage.records import Role
from storage.repositories.rows import as_id

if TYPE_CHECKING:
    from gateway.services import Services


class NewCodes(Payload):
    """A batch of codes of equal worth."""

    name: str = ""
    quota: Int64 = 0
    count: Int64 = 0


class CodeUpdate(Payload):
    """What may be written to a code."""

    id: Int64 = 0
    name: str = ""
    quota: Int64 | None = None
    status: Int64 | None = None


def blueprint(services: Services) -> Blueprint:
    """Return the routes."""
    area = Blueprint("redemptions", __name__)

    async def listed(keyword: str) -> Response:
        page = wanted_page(services.settings.max_items_per_page)
        rows, total = await redemptions.list_codes(services, keyword, wanted_sort(), page)
        return answers.page([shapes.redemption(row) for row in rows], total)

    @area.get("/api/redemption/")
    @needs(Role.ADMIN)
    async def list_codes() -> Response:
        return await listed("")

    @area.get("/api/redemption/search")
    @needs(Role.ADMIN)
    async def search() -> Response:
        return await listed(query("keyword"))

    @area.get("/api/redemption/<number>")
    @needs(Role.ADMIN)
    async def read_code(number: str) -> Response:
        return answers.data(shapes.redemption(await redemptions.read_code(services, number_in_path(number))))

    @area.post("/api/redemption/")
    @needs(Role.ADMIN)
    async def create() -> Response:
        sent = await read(NewCodes, whole_text=BAD_BODY)
        keys = await redemptions.create_codes(services, actor(), name=sent.name, quota=sent.quota, count=sent.count)
        return answers.data(keys)

    @area.put("/api/redemption/")
    @needs(Role.ADMIN)
    async def update() -> Response:
        sent = await read(CodeUpdate, whole_text=BAD_BODY)
        changed = await redemptions.update_code(
            services,
            sent.id,
            name=sent.name,
            quota=sent.quota,
            status=sent.status,
            status_only=bool(request.args.get("status_only")),
        )
        return answers.data(shapes.redemption(changed))

    @area.delete("/api/redemption/<number>")
    @needs(Role.ADMIN)
    async def delete(number: str) -> Response:
        await redemptions.delete_code(services, as_id(number) or 0)
        return answers.done()

    return area
