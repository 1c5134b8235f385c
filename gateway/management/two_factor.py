"""The second factor: set up, confirm, switch off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import Blueprint, Response, session

from gateway.accounts import totp
from gateway.accounts.refusals import Refused
from gateway.management import answers
from gateway.management.guard import actor, needs
from gateway.management.payloads import Payload, read
from storage.records import Role
from storage.repositories.rows import as_id

if TYPE_CHECKING:
    from gateway.services import Services

_PENDING = "temp_totp_secret"


class Code(Payload):
    """A code from an authenticator."""

    totp_code: str = ""


def blueprint(services: Services, check: totp.TotpCheck) -> Blueprint:
    """Return the routes."""
    area = Blueprint("two_factor", __name__)

    @area.get("/api/user/totp/status")
    @needs(Role.USER)
    async def status() -> Response:
        return answers.data({"totp_enabled": bool(actor().totp_secret)})

    @area.get("/api/user/totp/setup")
    @needs(Role.USER, changes=True)
    async def setup() -> Response:
        secret = totp.new_secret()
        session[_PENDING] = secret
        issuer = services.registry.current.options.text("SystemName")
        return answers.data({"secret": secret, "qr_code": totp.uri(secret, issuer=issuer, account=actor().username)})

    @area.post("/api/user/totp/confirm")
    @needs(Role.USER)
    async def confirm() -> Response:
        await check.pace(actor().id)
        sent = await read(Code)
        await totp.confirm(services, check, actor(), secret=str(session.get(_PENDING, "")), code=sent.totp_code)
        session.pop(_PENDING, None)
        return answers.done("TOTP has been successfully enabled")

    @area.post("/api/user/totp/disable")
    @needs(Role.USER)
    async def disable() -> Response:
        await check.pace(actor().id)
        sent = await read(Code)
        await totp.disable(services, check, actor(), code=sent.totp_code)
        return answers.done("TOTP has been successfully disabled")

    @area.post("/api/user/totp/disable/<number>")
    @needs(Role.ADMIN)
    async def disable_for(number: str) -> Response:
        user_id = as_id(number)
        if not user_id:
            raise Refused("Invalid user ID")
        await totp.disable_for(services, actor(), user_id)
        return answers.done("TOTP has been successfully disabled for the user")

    return area
