"""Registering, signing in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quart import Blueprint, Response, g, session

from gateway.accounts.self_service import register
from gateway.accounts.sessions import sign_out
from gateway.management import answers, shapes
from gateway.management.guard import anybody, remember, visitor
from gateway.management.payloads import Payload, read

if TYPE_CHECKING:
    from gateway.accounts.sessions import SignIn
    from gateway.services import Services


class Login(Payload):
    """Name or e-mail address, password, and the code of the second factor."""

    username: str = ""
    password: str = ""
    totp_code: str = ""


class Registration(Payload):
    """A new account; all other members are ignored."""

    username: str = ""
    password: str = ""
    display_name: str = ""
    email: str = ""
    verification_code: str = ""
    aff_code: str = ""


def blueprint(services: Services, sign_in: SignIn) -> Blueprint:
    """Return the routes."""
    area = Blueprint("sessions", __name__)

    @area.post("/api/user/login")
    @anybody(critical=True)
    async def login() -> Response:
        sent = await read(Login)
        signed = await sign_in.by_password(
            username=sent.username, password=sent.password, code=sent.totp_code, address=g.client.address
        )
        remember(signed.user, signed.version)
        return answers.data(shapes.signed_in(signed.user))

    @area.get("/api/user/logout")
    @anybody(changes=True)
    async def logout() -> Response:
        user = await visitor(services)
        if user is not None:
            await sign_out(services, user.id)
        session.clear()
        return answers.done()

    @area.post("/api/user/register")
    @anybody(critical=True)
    async def new_account() -> Response:
        sent = await read(Registration)
        await register(
            services,
            username=sent.username,
            password=sent.password,
            display_name=sent.display_name,
            email=sent.email,
            code=sent.verification_code,
            aff_code=sent.aff_code,
        )
        return answers.done()

    return area
