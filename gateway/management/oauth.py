"""Signing in with GitHub, an OpenID Connect provider, Lark or WeChat, and binding them to an account.

GET /api/oauth/state                  a state for pages that send the browser to the third party themselves
GET /api/oauth/{provider}/authorize   sends the browser there, with state, nonce and PKCE
GET /api/oauth/{provider}             what the third party gave, handed on by a page: signs in or binds
GET /oauth/{provider}                 where the third party sends the browser back: the same, for browsers
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

from pydantic import Field
from quart import redirect as redirect_to
from quart import session

from gateway.accounts import second_step
from gateway.accounts.refusals import NotAllowed, Refused, SecondFactorWanted
from gateway.identity import handshake, sign_in, trial
from gateway.identity.github import GitHub
from gateway.identity.lark import Lark
from gateway.identity.oidc import Oidc
from gateway.identity.wechat import WeChat
from gateway.management import answers, shapes
from gateway.management.contract import Answer, Area
from gateway.management.guard import author, for_all, for_role, remember, visitor, whereabouts
from gateway.management.queries import Query, Text
from gateway.management.shown.accounts import SecondFactorRefusal, UserObject
from gateway.management.shown.envelope import Data, Done
from storage.records import Role, User

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from quart import Blueprint, Response

    from gateway.identity.foreign import ForeignAccount
    from gateway.identity.handshake import Handshake
    from gateway.identity.outside import Outside
    from gateway.registry.options import Options
    from gateway.services import Services

_NO_CODE = "Invalid parameter"
WENT_WRONG = "sign_in_failed"
"""Session member: what the sign-in page tells whoever comes back from a third party in vain, once."""
_HOME, _SIGN_IN_PAGE, _CODE_PAGE = "/", "/login", "/login/code"
_TRIED_PAGE = "/settings/providers"
SENT_ON, SENT_BACK = Answer(None), Answer(None, can_refuse=False)


class Return(Query):
    """What a browser brings back from a third party."""

    code: Text = Field("", description="What the third party gave.")
    state: Text = Field("", description="What it was sent there with.")
    error: Text = Field("", description="What went wrong there.")


class Provider(Protocol):
    """A third party that browsers are sent to."""

    @property
    def provider(self) -> str:
        """Its name in addresses."""

    def check_on(self, options: Options) -> None:
        """Raise `Refused` while it is switched off."""

    async def authorize_url(self, options: Options, handshake: Handshake) -> str:
        """Return where to send the browser."""

    async def account(self, options: Options, code: str, handshake: Handshake) -> ForeignAccount:
        """Return whose code it is."""


def blueprint(services: Services, outside: Outside) -> Blueprint:
    """Return the routes."""
    area = Area("oauth", "Third parties")
    wechat = WeChat(outside.web)

    @area.on("GET", "/api/oauth/state", for_all(critical=True), Answer(Data[str], can_refuse=False))
    async def oauth_state() -> Response:
        """Return a state for pages that send the browser to a third party themselves."""
        return answers.data(handshake.begin(_kept()).state)

    providers: tuple[Provider, ...] = (
        GitHub(outside.web, outside.endpoints),
        Oidc(outside.web, services.journal),
        Lark(outside.web, outside.endpoints),
    )
    for provider in providers:
        _add_routes(area, services, provider)

    @area.on(
        "GET",
        "/api/oauth/wechat",
        for_all(critical=True, changes=True),
        Answer(Data[UserObject] | SecondFactorRefusal, also=(403,)),
        asks=Return,
    )
    async def wechat_sign_in(back: Return) -> Response:
        """Sign in, or register, with a code from WeChat. A `state` that is sent along must be this browser's."""
        if back.state:
            handshake.find(_kept(), provider="wechat", state=back.state)
        who = await _wechat_account(services, wechat, back.code)
        return _signed_in(await _sign_in(services, who))

    @area.on(
        "GET",
        "/api/oauth/wechat/bind",
        for_role(Role.USER, critical=True, changes=True),
        Answer(Done),
        asks=Return,
    )
    async def wechat_bind(back: Return) -> Response:
        """Bind WeChat to one's own account, with a code from there."""
        await sign_in.bind(services, author(), await _wechat_account(services, wechat, back.code))
        return answers.done()

    return area.blueprint


def _add_routes(area: Area, services: Services, provider: Provider) -> None:
    name = provider.provider

    @area.on("GET", f"/api/oauth/{name}/authorize", for_all(critical=True), SENT_ON, name=f"{name}_authorize")
    async def authorize() -> Response:
        """Send the browser to the third party, with state, nonce and PKCE."""
        options = services.registry.current.options
        provider.check_on(options)
        begun = handshake.begin(_kept(), provider=name)
        return _redirect(await provider.authorize_url(options, begun))

    # Not marked as a change: a state of this very browser is what protects them, and a third party's redirect is
    # a request from another site.
    @area.on(
        "GET",
        f"/api/oauth/{name}",
        for_all(critical=True),
        Answer(Data[UserObject] | Done | SecondFactorRefusal, also=(403,)),
        asks=Return,
        name=f"{name}_sign_in",
    )
    async def call_back(back: Return) -> Response:
        """Sign in, or register, with what the third party gave; bind it to the account of whoever is signed in.

        An account with a second factor is refused with `totp_required`; `POST /api/user/login/totp` goes on.
        """
        user = await complete(services, provider, back)
        return answers.done("bind") if user is None else _signed_in(user)

    @area.on("GET", f"/oauth/{name}", for_all(critical=True), SENT_BACK, asks=Return, name=f"{name}_return")
    async def come_back(back: Return) -> Response:
        """Do the same for a browser that the third party sends here, and show it a page."""
        if trial.is_on(_kept(), name):
            await _try_out(services, provider, back)
            return _redirect(_TRIED_PAGE)
        try:
            await complete(services, provider, back)
        except SecondFactorWanted:
            return _redirect(_CODE_PAGE)
        except Refused as refused:
            # Not in the address, where anybody could put any sentence on the sign-in page.
            session[WENT_WRONG] = refused.message
            return _redirect(_SIGN_IN_PAGE)
        return _redirect(_HOME)


async def _try_out(services: Services, provider: Provider, back: Return) -> None:
    """Note whom the third party vouches for, or why it does not; only for root, and nobody is signed in by it."""
    name, options = provider.provider, services.registry.current.options
    user = await visitor(services)
    try:
        if user is None or user.role < Role.ROOT:
            raise NotAllowed("only root tries third parties", status=403)
        begun = handshake.find(_kept(), provider=name, state=back.state)
        handshake.end(_kept())
        if back.error or not back.code:
            raise NotAllowed(f"the sign-in was not completed: {back.error[:100]}")
        trial.succeeded(_kept(), name, await provider.account(options, back.code, begun))
    except Refused as refused:
        trial.failed(_kept(), name, refused.message)


async def complete(services: Services, provider: Provider, back: Return) -> User | None:
    """Finish what a browser comes back with.

    Returns who is signed in now, or `None` when the identity was bound to whoever was. Raises `Refused`, also to have
    a code of the second factor sent.
    """
    options = services.registry.current.options
    begun = handshake.find(_kept(), provider=provider.provider, state=back.state)
    provider.check_on(options)
    if back.error:
        handshake.end(_kept())
        raise NotAllowed(f"the sign-in was not completed: {back.error[:100]}")
    if not back.code:
        raise Refused(_NO_CODE)
    user = await visitor(services)
    who = await provider.account(options, back.code, begun)
    if user is None:
        return await _sign_in(services, who)
    await sign_in.bind(services, author(user), who)
    handshake.end(_kept())
    return None


async def _wechat_account(services: Services, wechat: WeChat, code: str) -> ForeignAccount:
    options = services.registry.current.options
    wechat.check_on(options)
    if not code:
        raise Refused(_NO_CODE)
    return await wechat.account(options, code)


async def _sign_in(services: Services, who: ForeignAccount) -> User:
    signed = await sign_in.sign_in(services, who, at=whereabouts())
    if signed.user.totp_secret:
        # What the third party gave is good once: the proof waits, or everything would have to be done again.
        handshake.end(_kept())
        second_step.begin(_kept(), user_id=signed.user.id, version=signed.version)
        raise SecondFactorWanted(signed.user.id)
    await remember(services, signed.user, signed.version)
    return signed.user


def _signed_in(user: User) -> Response:
    return answers.data(shapes.signed_in(user))


def _redirect(url: str) -> Response:
    return cast("Response", redirect_to(url, 303))


def _kept() -> MutableMapping[str, object]:
    return cast("MutableMapping[str, object]", session)
