"""One's own account, and other people's for administrators."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from quart import Blueprint, Response, session

from gateway.accounts import dashboards, redemptions, self_service
from gateway.accounts import users as people
from gateway.management import answers, shapes
from gateway.management.guard import actor, key_holder, needs, needs_key, remember
from gateway.management.payloads import (
    BAD_BODY,
    Int64,
    Payload,
    number_in_path,
    optional_page,
    query,
    read,
    wanted_page,
    wanted_sort,
)
from storage.records import Role

if TYPE_CHECKING:
    from gateway.accounts.dashboards import Dashboard
    from gateway.services import Services

_EPOCH = 719_163  # the ordinal of 1970-01-01


class SelfEdit(Payload):
    """What people may change about themselves."""

    username: str = ""
    display_name: str = ""
    password: str = ""


class NewUser(Payload):
    """An account made by an administrator."""

    username: str = ""
    password: str = ""
    display_name: str | None = None
    role: Int64 = 0


class UserUpdate(Payload):
    """What administrators may change. Nothing else of a dashboard's whole object is looked at."""

    id: Int64 = 0
    username: str = ""
    display_name: str = ""
    password: str = ""
    email: str | None = None
    quota: Int64 | None = None
    group: str | None = None
    status: Int64 | None = None
    role: Int64 | None = None
    github_id: str | None = None
    wechat_id: str | None = None
    lark_id: str | None = None
    oidc_id: str | None = None


class Step(Payload):
    """Something done to an account by name."""

    username: str = ""
    action: str = ""


class TopUp(Payload):
    """Quota for an account."""

    user_id: Int64 = 0
    quota: Int64 = 0
    remark: str = ""


class Code(Payload):
    """A redemption code."""

    key: str = ""


def blueprint(services: Services) -> Blueprint:
    """Return the routes."""
    area = Blueprint("users", __name__)
    _own_account(area, services)
    _own_figures(area, services)
    _administration(area, services)
    return area


def _own_account(area: Blueprint, services: Services) -> None:
    @area.get("/api/user/self")
    @needs(Role.USER)
    async def read_self() -> Response:
        return answers.data(shapes.user(actor()))

    @area.put("/api/user/self")
    @needs(Role.USER)
    async def update_self() -> Response:
        sent = await read(SelfEdit)
        version = await self_service.update_self(
            services, actor(), username=sent.username, display_name=sent.display_name, password=sent.password
        )
        if version is not None and "id" in session:
            remember(actor(), version)
        return answers.done()

    @area.delete("/api/user/self")
    @needs(Role.USER)
    async def delete_self() -> Response:
        await self_service.delete_self(services, actor())
        return answers.done()

    @area.get("/api/user/token")
    @needs(Role.USER, changes=True)
    async def access_token() -> Response:
        return answers.data(await self_service.renew_access_token(services, actor()))

    @area.get("/api/user/aff")
    @needs(Role.USER, changes=True)
    async def invitation_code() -> Response:
        return answers.data(await self_service.invitation_code(services, actor()))

    @area.post("/api/user/topup")
    @needs(Role.USER)
    async def redeem() -> Response:
        sent = await read(Code, whole_text=BAD_BODY)
        return answers.data(await redemptions.redeem(services, actor(), sent.key))


def _own_figures(area: Blueprint, services: Services) -> None:
    @area.get("/api/user/available_models")
    @needs(Role.USER)
    async def available_models() -> Response:
        return answers.data(services.registry.current.models_of(actor().group) or None)

    @area.get("/api/user/dashboard")
    @needs(Role.USER)
    async def dashboard() -> Response:
        found = await dashboards.dashboard(
            services, actor(), since=query("from_date"), until=query("to_date"), whose=query("user_id")
        )
        return answers.data(_dashboard_json(found))

    @area.get("/api/user/dashboard/users")
    @needs(Role.USER)
    async def dashboard_users() -> Response:
        listed: list[object] = [{"id": 0, "username": "all", "display_name": "All Users (Site-wide)"}]
        listed += [
            {"id": user.id, "username": user.username, "display_name": user.display_name}
            for user in await dashboards.people(services, actor())
        ]
        return answers.data(listed)

    @area.get("/api/user/get-by-token")
    @needs_key()
    async def by_token() -> Response:
        holder = key_holder()
        return answers.as_json({"uid": holder.user.id, "token_id": holder.token.id, "username": holder.user.username})


def _administration(area: Blueprint, services: Services) -> None:
    most = services.settings.max_items_per_page

    @area.get("/api/user/")
    @needs(Role.ADMIN)
    async def list_users() -> Response:
        rows, total = await people.list_users(services, wanted_page(most), wanted_sort())
        return answers.page([shapes.user(row) for row in rows], total)

    @area.get("/api/user/search")
    @needs(Role.ADMIN)
    async def search() -> Response:
        page = optional_page(most)
        rows, total = await people.search_users(services, query("keyword"), wanted_sort(), page)
        shown: list[object] = [shapes.user(row) for row in rows]
        return answers.data(shown) if page is None else answers.page(shown, total)

    @area.get("/api/user/<number>")
    @needs(Role.ADMIN)
    async def read_user(number: str) -> Response:
        return answers.data(shapes.user(await people.read_user(services, actor(), number_in_path(number))))

    @area.post("/api/user/")
    @needs(Role.ADMIN)
    async def create() -> Response:
        sent = await read(NewUser)
        await people.create_user(
            services,
            actor(),
            username=sent.username,
            password=sent.password,
            display_name=sent.display_name,
            role=sent.role,
        )
        return answers.done()

    @area.put("/api/user/")
    @needs(Role.ADMIN)
    async def update() -> Response:
        sent = await read(UserUpdate)
        await people.update_user(services, actor(), people.UserEdit(**sent.model_dump()))
        return answers.done()

    @area.post("/api/user/manage")
    @needs(Role.ADMIN)
    async def manage() -> Response:
        sent = await read(Step)
        changed = await people.manage_user(services, actor(), username=sent.username, action=sent.action)
        return answers.data(shapes.managed(changed))

    @area.delete("/api/user/<number>")
    @needs(Role.ADMIN)
    async def delete(number: str) -> Response:
        await people.delete_user(services, actor(), number_in_path(number))
        return answers.done()

    @area.post("/api/topup")
    @needs(Role.ADMIN)
    async def top_up() -> Response:
        sent = await read(TopUp, whole_text=BAD_BODY)
        await people.top_up(services, user_id=sent.user_id, quota=sent.quota, remark=sent.remark)
        return answers.done()


def _dashboard_json(found: Dashboard) -> dict[str, object]:
    days = [
        {
            "Day": _date(day.day),
            "ModelName": day.model_name,
            "RequestCount": day.requests,
            "Quota": day.quota,
            "PromptTokens": day.prompt_tokens,
            "CompletionTokens": day.completion_tokens,
        }
        for day in found.days
    ]
    return {
        "logs": days or None,
        "total_quota": found.quota,
        "used_quota": found.used_quota,
        "status": found.status,
    }


def _date(day: int) -> str:
    return date.fromordinal(_EPOCH + day).isoformat()
