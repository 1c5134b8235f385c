"""Registering, signing in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from pydantic import Field
from quart import g, session

from gateway.accounts import second_step
from gateway.accounts.self_service import register
from gateway.accounts.sessions import sign_out
from gateway.management import answers, passwords, shapes
from gateway.management.contract import Answer, Area, Body
from gateway.management.guard import for_all, remember, visitor, whereabouts
from gateway.management.payloads import Payload
from gateway.management.queries import TurnstileProof
from gateway.management.shown.accounts import SecondFactorRefusal, UserObject
from gateway.management.shown.envelope import Data, Done
from gateway.management.two_factor import TotpCode

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from quart import Blueprint, Response

    from gateway.accounts.sessions import SignIn
    from gateway.accounts.totp import TotpCheck
    from gateway.services import Services


class Login(Payload):
    """Name or e-mail address, password, and the code of the second factor."""

    username: str = Field("", description="The name, or the e-mail address.", examples=["alice"])
    password: str = Field("", examples=["correct horse"])
    totp_code: str = Field("", description="Six digits, where the account has a second factor.")


class Registration(Payload):
    """A new account; all other members are ignored."""

    username: str = Field("", description="At most 30 characters.", examples=["bob"])
    password: str = Field("", description=f"{passwords.TOLD}.", examples=["correct horse"])
    display_name: str = Field("", description="Checked, and not taken over: at most 20 characters.")
    email: str = Field("", description="Needed while `EmailVerificationEnabled` is on.")
    verification_code: str = Field("", description="What `GET /api/verification` mailed to that address.")
    aff_code: str = Field("", description="The code of whoever invited.")


def blueprint(services: Services, sign_in: SignIn, totp: TotpCheck) -> Blueprint:
    """Return the routes."""
    area = Area("sessions", "Signing in")

    @area.on(
        "POST",
        "/api/user/login",
        for_all(critical=True),
        Answer(Data[UserObject] | SecondFactorRefusal, also=(429,)),
        takes=Body(Login),
    )
    async def sign_in_by_password(sent: Login) -> Response:
        """Sign in, and get the session cookie.

        Of the account only `id`, `username`, `display_name`, `role` and `status` are filled. An account with a second
        factor is refused with the message `totp_required`; the same is then sent again with `totp_code`.
        """
        signed = await sign_in.by_password(
            username=sent.username, password=sent.password, code=sent.totp_code, address=g.client.address
        )
        await remember(services, signed.user, signed.version)
        return answers.data(shapes.signed_in(signed.user))

    @area.on(
        "POST",
        "/api/user/login/totp",
        for_all(critical=True),
        Answer(Data[UserObject], also=(429,)),
        takes=Body(TotpCode),
    )
    async def sign_in_by_code(sent: TotpCode) -> Response:
        """Finish signing in with a third party where the account has a second factor.

        Within five minutes, in the session that the third party led back to.
        """
        kept = cast("MutableMapping[str, object]", session)
        signed = await second_step.finish(services, totp, kept, code=sent.totp_code)
        await remember(services, signed.user, signed.version)
        return answers.data(shapes.signed_in(signed.user))

    @area.on("GET", "/api/user/logout", for_all(changes=True), Answer(Done, can_refuse=False))
    async def sign_out_everywhere() -> Response:
        """End all sessions of whoever is signed in.

        Succeeds for everybody.
        """
        user = await visitor(services)
        if user is not None:
            await sign_out(services, user)
        session.clear()
        return answers.done()

    @area.on(
        "POST",
        "/api/user/register",
        for_all(critical=True),
        Answer(Done),
        takes=Body(Registration),
        asks=TurnstileProof,
    )
    async def register_account(sent: Registration, _proof: TurnstileProof) -> Response:
        """Make an account of one's own.

        It gets `QuotaForNewUser` and an API token called `default`; a known `aff_code` brings `QuotaForInvitee`, and
        `QuotaForInviter` to whoever invited.
        """
        passwords.check_length(sent.password)
        await register(
            services,
            username=sent.username,
            password=sent.password,
            display_name=sent.display_name,
            email=sent.email,
            code=sent.verification_code,
            aff_code=sent.aff_code,
            at=whereabouts(),
        )
        return answers.done()

    return area.blueprint
