"""The second factor: set up, confirm, switch off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field
from quart import session

from gateway.accounts import totp
from gateway.accounts.refusals import Refused
from gateway.management import answers
from gateway.management.contract import Answer, Area, Body
from gateway.management.guard import actor, author, for_role
from gateway.management.payloads import Payload
from gateway.management.shown.accounts import SecondFactorSetup, SecondFactorState
from gateway.management.shown.envelope import Data, Done
from storage.records import Role
from storage.repositories.rows import as_id

if TYPE_CHECKING:
    from quart import Blueprint, Response

    from gateway.services import Services

_PENDING = "temp_totp_secret"


class TotpCode(Payload):
    """A code from an authenticator."""

    totp_code: str = Field("", description="Six digits. Each works once.", examples=["123456"])


def blueprint(services: Services, check: totp.TotpCheck) -> Blueprint:
    """Return the routes."""
    area = Area("two_factor", "Second factor")
    users = for_role(Role.USER)

    async def pace() -> None:
        await check.pace(actor().id)

    code = Body(TotpCode, first=pace)

    @area.on("GET", "/api/user/totp/status", users, Answer(Data[SecondFactorState], can_refuse=False))
    async def totp_status() -> Response:
        """Tell whether one's second factor is on."""
        return answers.data({"totp_enabled": bool(actor().totp_secret)})

    @area.on(
        "GET",
        "/api/user/totp/setup",
        for_role(Role.USER, changes=True),
        Answer(Data[SecondFactorSetup], can_refuse=False),
    )
    async def begin_totp() -> Response:
        """Begin to set the second factor up.

        The secret waits in the session cookie until `POST /api/user/totp/confirm` proves that an authenticator
        has it.
        """
        secret = totp.new_secret()
        session[_PENDING] = secret
        issuer = services.registry.current.options.text("SystemName")
        return answers.data({"secret": secret, "qr_code": totp.uri(secret, issuer=issuer, account=actor().username)})

    @area.on("POST", "/api/user/totp/confirm", users, Answer(Done, also=(429,)), takes=code)
    async def confirm_totp(sent: TotpCode) -> Response:
        """Switch the second factor on. One attempt a second."""
        await totp.confirm(services, check, author(), secret=str(session.get(_PENDING, "")), code=sent.totp_code)
        session.pop(_PENDING, None)
        return answers.done("TOTP has been successfully enabled")

    @area.on("POST", "/api/user/totp/disable", users, Answer(Done, also=(429,)), takes=code)
    async def disable_totp(sent: TotpCode) -> Response:
        """Switch one's second factor off. One attempt a second."""
        await totp.disable(services, check, author(), actor(), code=sent.totp_code)
        return answers.done("TOTP has been successfully disabled")

    @area.on("POST", "/api/user/totp/disable/<user_id>", for_role(Role.ADMIN), Answer(Done))
    async def disable_totp_for(user_id: str) -> Response:
        """Switch the second factor of somebody of a lower role off."""
        number = as_id(user_id)
        if not number:
            raise Refused("Invalid user ID")
        await totp.disable_for(services, author(), number)
        return answers.done("TOTP has been successfully disabled for the user")

    return area.blueprint
