"""GitHub: an account is known by its login name, as one-api stored it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.accounts.refusals import NotAllowed
from gateway.identity.foreign import ForeignAccount, ThirdPartyFailed, text_of
from gateway.identity.query import with_query

if TYPE_CHECKING:
    from gateway.identity.foreign import Endpoints
    from gateway.identity.handshake import Handshake
    from gateway.identity.web import Web
    from gateway.registry.options import Options


class GitHub:
    """Sign-in with GitHub."""

    provider = "github"

    def __init__(self, web: Web, endpoints: Endpoints) -> None:
        self._web = web
        self._endpoints = endpoints

    def check_on(self, options: Options) -> None:
        """Raise `NotAllowed` while root has it switched off."""
        if not options.flag("GitHubOAuthEnabled"):
            raise NotAllowed("The administrator did not turn on login and registration via GitHub")

    async def authorize_url(self, options: Options, handshake: Handshake) -> str:
        """Return where to send the browser. It comes back to the address that is registered at GitHub."""
        return with_query(
            self._endpoints.github_authorize,
            client_id=options.text("GitHubClientId"),
            scope="user:email",
            state=handshake.state,
            code_challenge=handshake.challenge,
            code_challenge_method="S256",
        )

    async def account(self, options: Options, code: str, handshake: Handshake) -> ForeignAccount:
        """Return whose code it is. Raises `ThirdPartyFailed`."""
        more = {"code_verifier": handshake.verifier} if handshake.verifier else {}
        token = await self._web.exchange(
            "GitHub",
            self._endpoints.github_token,
            client_id=options.text("GitHubClientId"),
            secret=options.text("GitHubClientSecret"),
            auth_method="client_secret_post",
            code=code,
            **more,
        )
        user = await self._web.json(
            "GitHub",
            "GET",
            self._endpoints.github_user,
            headers={"Authorization": f"Bearer {token['access_token']}", "User-Agent": "one-api"},
        )
        login = text_of(user, "login")
        if not login:
            raise ThirdPartyFailed("GitHub does not say who this is")
        # What GitHub shows as somebody's address is one that it has verified.
        return ForeignAccount(
            column="github_id",
            id=login,
            display_name=text_of(user, "name") or "GitHub User",
            email=text_of(user, "email"),
        )
