"""API tokens of one's own, and what a token can ask about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import Blueprint, Response, g, request

from gateway.accounts import tokens
from gateway.management import answers, shapes
from gateway.management.guard import actor, key_holder, needs, needs_key
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

if TYPE_CHECKING:
    from gateway.services import Services


class TokenPayload(Payload):
    """What an owner may write; owner, key and used quota cannot be chosen."""

    id: Int64 = 0
    name: str | None = None
    status: Int64 | None = None
    expired_time: Int64 | None = None
    remain_quota: Int64 | None = None
    unlimited_quota: bool | None = None
    models: str | None = None
    subnet: str | None = None

    def edit(self) -> tokens.TokenEdit:
        """Return it as the service takes it."""
        return tokens.TokenEdit(**self.model_dump(exclude={"id"}))


class Consumption(Payload):
    """A charge from outside."""

    add_used_quota: Int64 = 0
    add_reason: str = ""


def blueprint(services: Services) -> Blueprint:
    """Return the routes."""
    area = Blueprint("tokens", __name__)
    prefix = services.settings.token_key_prefix
    most = services.settings.max_items_per_page

    async def listed(keyword: str) -> Response:
        rows, total = await tokens.list_tokens(services, actor(), keyword, wanted_sort(), wanted_page(most))
        return answers.page([shapes.token(row, prefix) for row in rows], total)

    @area.get("/api/token/")
    @needs(Role.USER)
    async def list_tokens() -> Response:
        return await listed("")

    @area.get("/api/token/search")
    @needs(Role.USER)
    async def search() -> Response:
        return await listed(query("keyword"))

    @area.get("/api/token/<number>")
    @needs(Role.USER)
    async def read_token(number: str) -> Response:
        found = await tokens.read_token(services, actor(), number_in_path(number))
        return answers.data(shapes.token(found, prefix))

    @area.post("/api/token/")
    @needs(Role.USER)
    async def create() -> Response:
        sent = await read(TokenPayload, whole_text=BAD_BODY)
        return answers.data(shapes.token(await tokens.create_token(services, actor(), sent.edit()), prefix))

    @area.put("/api/token/")
    @needs(Role.USER)
    async def update() -> Response:
        sent = await read(TokenPayload, whole_text=BAD_BODY)
        status_only = bool(request.args.get("status_only"))
        changed = await tokens.update_token(services, actor(), sent.id, sent.edit(), status_only=status_only)
        return answers.data(shapes.token(changed, prefix))

    @area.delete("/api/token/<number>")
    @needs(Role.USER)
    async def delete(number: str) -> Response:
        await tokens.delete_token(services, actor(), number_in_path(number))
        return answers.done()

    @area.post("/api/token/consume")
    @needs_key()
    async def consume() -> Response:
        sent = await read(Consumption, whole_text=BAD_BODY)
        holder = key_holder()
        changed = await tokens.consume(
            services,
            holder.token,
            holder.user,
            units=sent.add_used_quota,
            reason=sent.add_reason,
            request_id=g.request_id,
        )
        return answers.data(shapes.token(changed, prefix))

    @area.get("/api/available_models")
    @needs_key()
    async def available_models() -> Response:
        names = [name.strip() for name in (key_holder().token.models or "").split(",") if name.strip()]
        if names:
            return answers.as_json({"success": True, "data": {"available": names, "enabled": True}})
        return answers.as_json(
            {
                "success": False,
                "message": "the token has no available models",
                "data": {"available": None, "enabled": True},
            }
        )

    return area
