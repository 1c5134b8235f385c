"""Redemption codes, for administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from gateway.accounts import redemptions
from gateway.management import answers, shapes
from gateway.management.contract import NAMED, Answer, Area, Body
from gateway.management.guard import author, for_role
from gateway.management.payloads import Int64, Payload, number_in_path
from gateway.management.queries import Listing, Search, StatusOnly
from gateway.management.shown.envelope import Data, Done, Paged
from gateway.management.shown.site import CodeObject
from storage.records import Role
from storage.repositories.rows import as_id

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from gateway.services import Services


class NewCodes(Payload):
    """A batch of codes of equal worth."""

    name: str = Field("", description="1 to 20 bytes.", examples=["spring"])
    quota: Int64 = Field(0, description="What each is worth, in quota units; at least 1.", examples=[500000])
    count: Int64 = Field(0, description="1 to 100.", examples=[10])


class CodeUpdate(Payload):
    """What may be written to a code."""

    id: Int64 = Field(0, description="Which code.", examples=[1])
    name: str = Field("", description="1 to 20 bytes.", examples=["spring"])
    quota: Int64 | None = Field(None, description="In quota units; at least 1.")
    status: Int64 | None = Field(None, description="1 enabled, 2 disabled; a used code stays used.")


def blueprint(services: Services) -> Blueprint:
    """Return the routes."""
    area = Area("redemptions", "Redemption codes")
    admins = for_role(Role.ADMIN)

    async def listed(keyword: str, asked: Listing) -> Response:
        page = asked.page(services.settings.max_items_per_page)
        rows, total = await redemptions.list_codes(services, keyword, asked.sorting(), page)
        return answers.page([shapes.redemption(row) for row in rows], total)

    @area.on("GET", "/api/redemption/", admins, Answer(Paged[CodeObject], can_refuse=False), asks=Listing)
    async def list_codes(asked: Listing) -> Response:
        """List codes."""
        return await listed("", asked)

    @area.on("GET", "/api/redemption/search", admins, Answer(Paged[CodeObject], can_refuse=False), asks=Search)
    async def search_codes(asked: Search) -> Response:
        """List codes by number, or by how the name begins."""
        return await listed(asked.keyword, asked)

    @area.on("GET", "/api/redemption/<code_id>", admins, Answer(Data[CodeObject]))
    async def read_code(code_id: str) -> Response:
        """Return a code."""
        return answers.data(shapes.redemption(await redemptions.read_code(services, number_in_path(code_id))))

    @area.on("POST", "/api/redemption/", admins, Answer(Data[list[str]]), takes=Body(NewCodes, NAMED))
    async def create_codes(sent: NewCodes) -> Response:
        """Make a batch of codes, and return them."""
        keys = await redemptions.create_codes(services, author(), name=sent.name, quota=sent.quota, count=sent.count)
        return answers.data(keys)

    @area.on(
        "PUT",
        "/api/redemption/",
        admins,
        Answer(Data[CodeObject]),
        takes=Body(CodeUpdate, NAMED),
        asks=StatusOnly,
    )
    async def update_code(sent: CodeUpdate, asked: StatusOnly) -> Response:
        """Change a code."""
        changed = await redemptions.update_code(
            services,
            author(),
            sent.id,
            name=sent.name,
            quota=sent.quota,
            status=sent.status,
            status_only=bool(asked.status_only),
        )
        return answers.data(shapes.redemption(changed))

    @area.on("DELETE", "/api/redemption/<code_id>", admins, Answer(Done))
    async def delete_code(code_id: str) -> Response:
        """Delete a code."""
        await redemptions.delete_code(services, author(), as_id(code_id) or 0)
        return answers.done()

    return area.blueprint
