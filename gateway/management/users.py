"""One's own account, and other people's for administrators."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from pydantic import Field
from quart import Blueprint, session

from gateway.accounts import dashboards, redemptions, self_service
from gateway.accounts import users as people
from gateway.accounts.refusals import CodeSwitchedOff, InvalidInput, Refused
from gateway.management import answers, passwords, shapes
from gateway.management.contract import NAMED, Answer, Area, Body
from gateway.management.guard import actor, author, for_keys, for_role, key_holder, remember
from gateway.management.payloads import Int64, Payload, number_in_path
from gateway.management.queries import Listing, Paging, Query, Search, Text
from gateway.management.shown import accounts as shown
from gateway.management.shown.envelope import Data, Done, Paged
from storage.records import Role

if TYPE_CHECKING:
    from quart import Response

    from gateway.accounts.dashboards import Dashboard
    from gateway.services import Services

_EPOCH = 719_163  # the ordinal of 1970-01-01


class SelfEdit(Payload):
    """What people may change about themselves."""

    username: str = Field("", description="Required; at most 30 characters.", examples=["alice"])
    display_name: str = Field("", description="Required; at most 20 characters.", examples=["Alice"])
    password: str = Field("", description=f"{passwords.TOLD}; empty keeps the old one.")


class NewUser(Payload):
    """An account made by an administrator."""

    username: str = Field("", description="At most 30 characters.", examples=["bob"])
    password: str = Field("", description=f"{passwords.TOLD}.", examples=["correct horse"])
    display_name: str | None = Field(None, description="At most 20 characters; the name without it.")
    role: Int64 = Field(0, description="Must be below one's own; the account is a user's all the same.")


class UserUpdate(Payload):
    """What administrators may change. Nothing else of a dashboard's whole object is looked at."""

    id: Int64 = Field(0, description="Whose account.", examples=[7])
    username: str = Field("", description="Required; at most 30 characters.", examples=["bob"])
    display_name: str = Field("", description="Required; at most 20 characters.", examples=["Bob"])
    password: str = Field("", description=f"{passwords.TOLD}; empty keeps the old one.")
    email: str | None = None
    quota: Int64 | None = Field(None, description="What is left, in quota units.", examples=[500000])
    unlimited_quota: bool | None = Field(None, description="Spends without `quota` growing less.")
    group: str | None = Field(None, examples=["default"])
    status: Int64 | None = Field(None, description="1 enabled, 2 disabled.")
    role: Int64 | None = Field(None, description="1 user, 10 administrator; below one's own.")
    github_id: str | None = None
    wechat_id: str | None = None
    lark_id: str | None = None
    oidc_id: str | None = None


class Step(Payload):
    """Something done to an account by name."""

    username: str = Field("", description="Whose account.", examples=["bob"])
    action: str = Field("", description="`enable`, `disable`, `delete`, `promote` or `demote`.", examples=["disable"])


class TopUp(Payload):
    """Quota for an account."""

    user_id: Int64 = Field(0, examples=[7])
    quota: Int64 = Field(0, description="In quota units, at least 1.", examples=[500000])
    remark: str = Field("", description="What the log says.")


class RedeemedCode(Payload):
    """A redemption code."""

    key: str = Field("", examples=["0123456789abcdef0123456789abcdef"])


class DashboardQuery(Query):
    """Which days, and whose."""

    from_date: Text = Field("", description="`YYYY-MM-DD`, included; both or neither.", examples=["2026-01-01"])
    to_date: Text = Field("", description="`YYYY-MM-DD`, included.", examples=["2026-01-07"])
    user_id: Text = Field("", description="For root: an account's number, or `all`.")


def blueprint(services: Services) -> Blueprint:
    """Return the routes."""
    own, others = Area("account", "Own account"), Area("users", "Users")
    _own_account(own, services)
    _own_figures(own, services)
    _administration(others, services)
    both = Blueprint("people", __name__)
    for area in (own, others):
        both.register_blueprint(area.blueprint)
    return both


def _own_account(area: Area, services: Services) -> None:
    users = for_role(Role.USER)

    @area.on("GET", "/api/user/self", users, Answer(Data[shown.UserObject], can_refuse=False))
    async def read_self() -> Response:
        """Return one's own account."""
        return answers.data(shapes.user(actor()))

    @area.on("PUT", "/api/user/self", users, Answer(Done), takes=Body(SelfEdit))
    async def update_self(sent: SelfEdit) -> Response:
        """Change one's own names and password.

        A new password ends all other sessions.
        """
        try:
            passwords.check_length(sent.password)
        except InvalidInput as error:
            raise Refused(f"Input is illegal: a password has {passwords.TOLD} over the API") from error
        version = await self_service.update_self(
            services, author(), username=sent.username, display_name=sent.display_name, password=sent.password
        )
        if version is not None and "id" in session:
            await remember(services, actor(), version)
        return answers.done()

    @area.on("DELETE", "/api/user/self", users, Answer(Done))
    async def delete_self() -> Response:
        """Delete one's own account. Root cannot."""
        await self_service.delete_self(services, author())
        return answers.done()

    @area.on("GET", "/api/user/token", for_role(Role.USER, changes=True), Answer(Data[str], can_refuse=False))
    async def renew_access_token() -> Response:
        """Return a new access token for this API; the old one is void."""
        return answers.data(await self_service.renew_access_token(services, author()))

    @area.on("GET", "/api/user/aff", for_role(Role.USER, changes=True), Answer(Data[str]))
    async def invitation_code() -> Response:
        """Return one's own invitation code, made on the first call."""
        return answers.data(await self_service.invitation_code(services, actor()))

    @area.on("POST", "/api/user/topup", users, Answer(Data[int]), takes=Body(RedeemedCode, NAMED))
    async def redeem_code(sent: RedeemedCode) -> Response:
        """Redeem a code, and return the quota that it brought."""
        try:
            return answers.data(await redemptions.redeem(services, actor(), sent.key))
        except CodeSwitchedOff as error:
            # one-api's words for both, which scripts compare. The pages tell one from the other.
            raise Refused("Redeem failed: The redemption code has been used") from error


def _own_figures(area: Area, services: Services) -> None:
    users = for_role(Role.USER)

    @area.on("GET", "/api/user/available_models", users, Answer(Data[list[str] | None], can_refuse=False))
    async def models_of_group() -> Response:
        """List the models that one's own group can use, in any order."""
        return answers.data(services.registry.current.models_of(actor().group) or None)

    @area.on("GET", "/api/user/dashboard", users, Answer(Data[shown.Dashboard]), asks=DashboardQuery)
    async def read_dashboard(asked: DashboardQuery) -> Response:
        """Return use by day and model, and the balance.

        The last seven days unless dates are given; at most seven days, for root 365. Root sees the whole site unless
        an account is named, others only themselves.
        """
        found = await dashboards.dashboard(
            services, actor(), since=asked.from_date, until=asked.to_date, whose=asked.user_id
        )
        return answers.data(_dashboard_json(found))

    @area.on(
        "GET",
        "/api/user/dashboard/users",
        users,
        Answer(Data[list[shown.Choosable]] | Paged[shown.Choosable]),
        asks=Paging,
    )
    async def dashboard_users(asked: Paging) -> Response:
        """List the accounts that root can choose for the dashboard, after an entry for the whole site.

        The newest thousand, unless `p` or `size` is given; then the entry stands before the rows of the first page.
        Everybody else is refused in the envelope, with status 200.
        """
        page = asked.page_if_named(services.settings.max_items_per_page)
        found, total = await dashboards.people(services, actor(), page)
        whole = {"id": 0, "username": "all", "display_name": "All Users (Site-wide)"}
        listed: list[object] = [whole] if page is None or page.number == 0 else []
        listed += [{"id": user.id, "username": user.username, "display_name": user.display_name} for user in found]
        return answers.data(listed) if page is None else answers.page(listed, total)

    @area.on("GET", "/api/user/get-by-token", for_keys(), Answer(shown.KeyHolder, can_refuse=False))
    async def owner_of_token() -> Response:
        """Tell whose API token it is."""
        holder = key_holder()
        return answers.as_json({"uid": holder.user.id, "token_id": holder.token.id, "username": holder.user.username})


def _administration(area: Area, services: Services) -> None:
    most = services.settings.max_items_per_page
    admins = for_role(Role.ADMIN)

    @area.on("GET", "/api/user/", admins, Answer(Paged[shown.UserObject], can_refuse=False), asks=Listing)
    async def list_users(asked: Listing) -> Response:
        """List accounts, without deleted ones."""
        rows, total = await people.list_users(services, asked.page(most), asked.sorting())
        return answers.page([shapes.user(row) for row in rows], total)

    @area.on(
        "GET",
        "/api/user/search",
        admins,
        Answer(Data[list[shown.UserObject]] | Paged[shown.UserObject], can_refuse=False),
        asks=Search,
    )
    async def search_users(asked: Search) -> Response:
        """List accounts by number, or by how name, display name or e-mail address begins.

        All of them, unless `p` or `size` is given.
        """
        page = asked.page_if_named(most)
        rows, total = await people.search_users(services, asked.keyword, asked.sorting(), page)
        listed: list[object] = [shapes.user(row) for row in rows]
        return answers.data(listed) if page is None else answers.page(listed, total)

    @area.on("GET", "/api/user/<user_id>", admins, Answer(Data[shown.UserObject]))
    async def read_user(user_id: str) -> Response:
        """Return an account of a lower role; any for root."""
        return answers.data(shapes.user(await people.read_user(services, actor(), number_in_path(user_id))))

    @area.on("POST", "/api/user/", admins, Answer(Done), takes=Body(NewUser))
    async def create_user(sent: NewUser) -> Response:
        """Make an account."""
        passwords.check_length(sent.password)
        await people.create_user(
            services,
            author(),
            username=sent.username,
            password=sent.password,
            display_name=sent.display_name,
            role=sent.role,
        )
        return answers.done()

    @area.on("PUT", "/api/user/", admins, Answer(Done), takes=Body(UserUpdate))
    async def update_user(sent: UserUpdate) -> Response:
        """Change an account of a lower role; any for root.

        Members that are missing keep their value. A quota that differs is logged.
        """
        passwords.check_length(sent.password)
        await people.update_user(services, author(), people.UserEdit(**sent.model_dump()))
        return answers.done()

    @area.on("POST", "/api/user/manage", admins, Answer(Data[shown.UserObject]), takes=Body(Step))
    async def manage_user(sent: Step) -> Response:
        """Enable, disable, delete, promote or demote an account.

        Only root promotes. Of the account only `role` and `status` are filled.
        """
        changed = await people.manage_user(services, author(), username=sent.username, action=sent.action)
        return answers.data(shapes.managed(changed))

    @area.on("DELETE", "/api/user/<user_id>", admins, Answer(Done))
    async def delete_user(user_id: str) -> Response:
        """Delete an account of a lower role.

        The row stays, with another name, so that logs keep their meaning.
        """
        await people.delete_user(services, author(), number_in_path(user_id))
        return answers.done()

    @area.on("POST", "/api/topup", admins, Answer(Done), takes=Body(TopUp, NAMED))
    async def top_up_user(sent: TopUp) -> Response:
        """Add quota to an account, and log it."""
        await people.top_up(services, author(), user_id=sent.user_id, quota=sent.quota, remark=sent.remark)
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
        "unlimited_quota": found.is_unlimited,
        "used_quota": found.used_quota,
        "status": found.status,
    }


def _date(day: int) -> str:
    return date.fromordinal(_EPOCH + day).isoformat()
