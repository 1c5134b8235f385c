"""Lark (Feishu): an account is known by its `open_id`. A client id alone switches it on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.identity.foreign import ForeignAccount, ThirdPartyFailed, text_of
from gateway.identity.query import with_query

if TYPE_CHECKING:
    from gateway.identity.foreign import Endpoints
    from gateway.identity.handshake import Handshake
    from gateway.identity.web import Web
    from gateway.registry.options import Options


class Lark:
    """Sign-in with Lark."""

    provider = "lark"

    def __init__(self, web: Web, endpoints: Endpoints) -> None:
        self._web = web
        self._endpoints = endpoints

    def check_on(self, options: Options) -> None:
        """Lark has no switch; without a client id nobody gets further than here and back."""

    async def authorize_url(self, options: Options, handshake: Handshake) -> str:
        """Return where to send the browser. Raises `ThirdPartyFailed`."""
        _check_client(options)
        return with_query(
            self._endpoints.lark_authorize,
            client_id=options.text("LarkClientId"),
            response_type="code",
            redirect_uri=f"{options.server_address}/oauth/lark",
            state=handshake.state,
            code_challenge=handshake.challenge,
            code_challenge_method="S256",
        )

    async def account(self, options: Options, code: str, handshake: Handshake) -> ForeignAccount:
        """Return whose code it is. Raises `ThirdPartyFailed`."""
        _check_client(options)
        sent = {
            "grant_type": "authorization_code",
            "client_id": options.text("LarkClientId"),
            "client_secret": options.text("LarkClientSecret"),
            "code": code,
            "redirect_uri": f"{options.server_address}/oauth/lark",
        }
        if handshake.verifier:
            sent["code_verifier"] = handshake.verifier
        token = await self._web.json("Lark", "POST", self._endpoints.lark_token, json=sent)
        access = text_of(token, "access_token")
        if not access:
            raise ThirdPartyFailed("Lark does not accept the code")
        user = await self._web.json(
            "Lark", "GET", self._endpoints.lark_user, headers={"Authorization": f"Bearer {access}"}
        )
        open_id = text_of(user, "open_id")
        if not open_id:
            raise ThirdPartyFailed("Lark does not say who this is")
        return ForeignAccount(
            column="lark_id",
            id=open_id,
            username=text_of(user, "email", "enterprise_email").partition("@")[0],
            display_name=text_of(user, "name") or "Lark User",
        )


def _check_client(options: Options) -> None:
    if not options.text("LarkClientId"):
        raise ThirdPartyFailed("The administrator did not turn on login and registration via Lark")
