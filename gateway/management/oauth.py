"""Signing in with GitHub, an OpenID Connect provider, Lark or WeChat, and binding them to an account.

GET /api/oauth/state                  a state for pages that send the browser to the third party themselves
GET /api/oauth/{provider}/authorize   sends the browser there, with state, nonce and PKCE
GET /api/oauth/{provider}             what the third party gave, handed on by a page: signs in or binds
GET /oauth/{provider}                 where the third party sends the browser back: the same, for browsers
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

from quart import Blueprint, Response, session
from quart import redirect as redirect_to

from gateway.accounts.refusals import NotAllowed, Refused
from gateway.identity import handshake, sign_in
from gateway.identity.github import GitHub
from gateway.identity.lark import Lark
from gateway.identity.oidc import Oidc
from gateway.identity.query import with_query
from gateway.identity.wechat import WeChat
from gateway.management import answers, shapes
from gateway.management.guard import actor, anybody, needs, remember, visitor
from gateway.management.payloads import query
from storage.records import Role, User

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from gateway.identity.foreign import ForeignAccount
    from gateway.identity.handshake import Handshake
    from gateway.identity.outside import Outside
    from gateway.registry.options import Options
    from gateway.services import Services

_NO_CODE = "Invalid parameter"
_HOME, _SIGN_IN_PAGE = "/", "/login"


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
    area = Blueprint("oauth", __name__)
    wechat = WeChat(outside.web)

    @area.get("/api/oauth/state")
    @anybody(critical=True)
    async def state() -> Response:
        return answers.data(handshake.begin(_kept()).state)

    providers: tuple[Provider, ...] = (
        GitHub(outside.web, outside.endpoints),
        Oidc(outside.web, services.journal),
        Lark(outside.web, outside.endpoints),
    )
    for provider in providers:
        _add_routes(area, services, provider)

    @area.get("/api/oauth/wechat")
    @anybody(critical=True, changes=True)
    async def wechat_sign_in() -> Response:
        # There is no way to WeChat and back that a state would be needed for; a page of ours sends one all the same.
        if query("state"):
            handshake.find(_kept(), provider="wechat", state=query("state"))
        who = await _wechat_account(services, wechat)
        return _signed_in(await _sign_in(services, who))

    @area.get("/api/oauth/wechat/bind")
    @needs(Role.USER, critical=True, changes=True)
    async def wechat_bind() -> Response:
        await sign_in.bind(services, actor(), await _wechat_account(services, wechat))
        return answers.done()

    return area


def _add_routes(area: Blueprint, services: Services, provider: Provider) -> None:
    name = provider.provider

    @area.get(f"/api/oauth/{name}/authorize", endpoint=f"{name}_authorize")
    @anybody(critical=True)
    async def authorize() -> Response:
        options = services.registry.current.options
        provider.check_on(options)
        begun = handshake.begin(_kept(), provider=name)
        return _redirect(await provider.authorize_url(options, begun))

    # Not marked as a change: a state of this very browser is what protects them, and a third party's redirect is
    # a request from another site.
    @area.get(f"/api/oauth/{name}", endpoint=f"{name}_sign_in")
    @anybody(critical=True)
    async def call_back() -> Response:
        user = await complete(services, provider)
        return answers.done("bind") if user is None else _signed_in(user)

    @area.get(f"/oauth/{name}", endpoint=f"{name}_return")
    @anybody(critical=True)
    async def come_back() -> Response:
        try:
            await complete(services, provider)
        except Refused as refused:
            return _redirect(with_query(_SIGN_IN_PAGE, error=refused.message))
        return _redirect(_HOME)


async def complete(services: Services, provider: Provider) -> User | None:
    """Finish what a browser comes back with (`code` and `state` of the query).

    Returns who is signed in now, or `None` when the identity was bound to whoever was. Raises `Refused`.
    """
    options = services.registry.current.options
    begun = handshake.find(_kept(), provider=provider.provider, state=query("state"))
    provider.check_on(options)
    if query("error"):
        handshake.end(_kept())
        raise NotAllowed(f"the sign-in was not completed: {query('error')[:100]}")
    code = query("code")
    if not code:
        raise Refused(_NO_CODE)
    user = await visitor(services)
    who = await provider.account(options, code, begun)
    if user is None:
        return await _sign_in(services, who)
    await sign_in.bind(services, user, who)
    handshake.end(_kept())
    return None


async def _wechat_account(services: Services, wechat: WeChat) -> ForeignAccount:
    options = services.registry.current.options
    wechat.check_on(options)
    if not query("code"):
        raise Refused(_NO_CODE)
    return await wechat.account(options, query("code"))


async def _sign_in(services: Services, who: ForeignAccount) -> User:
    signed = await sign_in.sign_in(services, who)
    remember(signed.user, signed.version)
    return signed.user


def _signed_in(user: User) -> Response:
    return answers.data(shapes.signed_in(user))


def _redirect(url: str) -> Response:
    return cast("Response", redirect_to(url, 303))


def _kept() -> MutableMapping[str, object]:
    return cast("MutableMapping[str, object]", session)
