"""API tokens of one's own, and what a token can ask about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field
from quart import g

from gateway.accounts import tokens
from gateway.accounts.token_recording import recorded_among
from gateway.management import answers, shapes
from gateway.management.contract import NAMED, Answer, Area, Body
from gateway.management.guard import actor, author, for_keys, for_role, key_holder
from gateway.management.payloads import Int64, Payload, number_in_path
from gateway.management.queries import Listing, Search, StatusOnly
from gateway.management.shown.envelope import Data, Done, Paged
from gateway.management.shown.tokens import ModelsOfToken, TokenObject, TokenWithoutModels
from storage.records import Role

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from gateway.services import Services
    from storage.records import Token


class TokenPayload(Payload):
    """What an owner may write; owner, key and used quota cannot be chosen."""

    id: Int64 = Field(0, description="Which token, where one is changed.")
    name: str | None = Field(None, description="At most 30 bytes.", examples=["laptop"])
    status: Int64 | None = Field(None, description="1 enabled, 2 disabled; 3 and 4 come about by themselves.")
    expired_time: Int64 | None = Field(None, description="Unix seconds; -1 never.", examples=[-1])
    remain_quota: Int64 | None = Field(None, description="In quota units.", examples=[500000])
    unlimited_quota: bool | None = None
    models: str | None = Field(None, description="The only models it may use, separated by commas.")
    subnet: str | None = Field(None, description="The only networks it may be used from (CIDR), separated by commas.")
    record_messages: bool | None = Field(
        None, description="Keep what is said with it for some days. Refused where the site does not permit that."
    )

    def edit(self) -> tokens.TokenEdit:
        """Return it as the service takes it."""
        return tokens.TokenEdit(**self.model_dump(exclude={"id"}))


class Consumption(Payload):
    """A charge from outside."""

    add_used_quota: Int64 = Field(0, description="In quota units, at least 1.", examples=[1000])
    add_reason: str = Field("", description="Stands in the log where a model's name would.", examples=["images"])


def blueprint(services: Services) -> Blueprint:
    """Return the routes."""
    area = Area("tokens", "API tokens")
    users = for_role(Role.USER)
    prefix = services.settings.token_key_prefix
    most = services.settings.max_items_per_page

    async def listed(keyword: str, asked: Listing) -> Response:
        rows, total = await tokens.list_tokens(services, actor(), keyword, asked.sorting(), asked.page(most))
        recorded = await recorded_among(services, rows)
        return answers.page([shapes.token(row, prefix, records=row.id in recorded) for row in rows], total)

    async def one(token: Token) -> Response:
        recorded = await recorded_among(services, [token])
        return answers.data(shapes.token(token, prefix, records=token.id in recorded))

    @area.on("GET", "/api/token/", users, Answer(Paged[TokenObject], can_refuse=False), asks=Listing)
    async def list_tokens(asked: Listing) -> Response:
        """List one's own tokens."""
        return await listed("", asked)

    @area.on("GET", "/api/token/search", users, Answer(Paged[TokenObject], can_refuse=False), asks=Search)
    async def search_tokens(asked: Search) -> Response:
        """List those of one's own tokens whose names begin with a keyword."""
        return await listed(asked.keyword, asked)

    @area.on("GET", "/api/token/<token_id>", users, Answer(Data[TokenObject]))
    async def read_token(token_id: str) -> Response:
        """Return one of one's own tokens."""
        return await one(await tokens.read_token(services, actor(), number_in_path(token_id)))

    @area.on("POST", "/api/token/", users, Answer(Data[TokenObject]), takes=Body(TokenPayload, NAMED))
    async def create_token(sent: TokenPayload) -> Response:
        """Make a token.

        `name` is required. Without `expired_time` it never expires; without `unlimited_quota` it may spend
        `remain_quota`.
        """
        return await one(await tokens.create_token(services, author(), sent.edit()))

    @area.on(
        "PUT",
        "/api/token/",
        users,
        Answer(Data[TokenObject]),
        takes=Body(TokenPayload, NAMED),
        asks=StatusOnly,
    )
    async def update_token(sent: TokenPayload, asked: StatusOnly) -> Response:
        """Change one of one's own tokens.

        Members that are missing keep their value. A token that expired or is exhausted can only be enabled if the
        same request removes the cause.
        """
        status_only = bool(asked.status_only)
        return await one(await tokens.update_token(services, author(), sent.id, sent.edit(), status_only=status_only))

    @area.on("DELETE", "/api/token/<token_id>", users, Answer(Done))
    async def delete_token(token_id: str) -> Response:
        """Delete one of one's own tokens."""
        await tokens.delete_token(services, author(), number_in_path(token_id))
        return answers.done()

    @area.on("POST", "/api/token/consume", for_keys(), Answer(Data[TokenObject]), takes=Body(Consumption, NAMED))
    async def consume_quota(sent: Consumption) -> Response:
        """Charge the token for something that did not come through here.

        The log gets an entry; the owner's balance stays as it is.
        """
        holder = key_holder()
        changed = await tokens.consume(
            services,
            holder.token,
            holder.user,
            units=sent.add_used_quota,
            reason=sent.add_reason,
            request_id=g.request_id,
        )
        return await one(changed)

    @area.on("GET", "/api/available_models", for_keys(), Answer(ModelsOfToken | TokenWithoutModels, can_refuse=False))
    async def models_of_token() -> Response:
        """List the models that the token is limited to."""
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

    return area.blueprint
