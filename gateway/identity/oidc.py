"""OpenID Connect: endpoints from the options or the discovery document, and what an id token must prove.

An account is known by its `sub`. Where the provider gives an id token it is verified with the provider's keys
(OpenID Connect Core, 3.1.3.7); where its keys are not known, since only endpoints are configured, the claims are
checked and the connection to the token endpoint vouches for them, as that section allows.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.accounts.refusals import NotAllowed
from gateway.identity.foreign import ForeignAccount, ThirdPartyFailed, text_of
from gateway.identity.id_token import check_claims, unverified_claims, verified_claims
from gateway.identity.query import with_query

if TYPE_CHECKING:
    from gateway.identity.handshake import Handshake
    from gateway.identity.web import Web
    from gateway.observe.types import Journal
    from gateway.registry.options import Options

_WHO = "the OpenID Connect provider"
_SCOPE = "openid profile email"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Provider:
    """What is known of the provider; empty: nothing."""

    client_id: str
    secret: str
    redirect_uri: str
    authorization: str
    token: str
    userinfo: str
    issuer: str
    keys: str
    has_pkce: bool
    auth_method: str


class Oidc:
    """Sign-in with the provider that the options name."""

    provider = "oidc"

    def __init__(self, web: Web, journal: Journal) -> None:
        self._web = web
        self._journal = journal

    def check_on(self, options: Options) -> None:
        """Raise `NotAllowed` while root has it switched off."""
        if not options.flag("OidcEnabled"):
            raise NotAllowed("Administrator has not enabled OIDC Log in and Sign up")

    async def authorize_url(self, options: Options, handshake: Handshake) -> str:
        """Return where to send the browser. Raises `ThirdPartyFailed`."""
        provider = await self._provider(options)
        if not provider.authorization:
            raise ThirdPartyFailed(f"{_WHO} has no authorization endpoint")
        return with_query(
            provider.authorization,
            response_type="code",
            client_id=provider.client_id,
            redirect_uri=provider.redirect_uri,
            scope=_SCOPE,
            state=handshake.state,
            nonce=handshake.nonce,
            code_challenge=handshake.challenge if provider.has_pkce else "",
            code_challenge_method="S256" if provider.has_pkce else "",
        )

    async def account(self, options: Options, code: str, handshake: Handshake) -> ForeignAccount:
        """Return whose code it is. Raises `ThirdPartyFailed`."""
        provider = await self._provider(options)
        more = {"code_verifier": handshake.verifier} if handshake.verifier and provider.has_pkce else {}
        token = await self._web.exchange(
            _WHO,
            provider.token,
            client_id=provider.client_id,
            secret=provider.secret,
            auth_method=provider.auth_method,
            code=code,
            redirect_uri=provider.redirect_uri,
            **more,
        )
        claims = await self._claims(provider, token, handshake)
        if provider.userinfo:
            bearer = {"Authorization": f"Bearer {token['access_token']}"}
            user = await self._web.json(_WHO, "GET", provider.userinfo, headers=bearer)
            if claims and user.get("sub") != claims["sub"]:
                # Section 5.3.2: else somebody's token would be used with another's data.
                raise ThirdPartyFailed(f"{_WHO} names two people")
        else:
            user = claims
        subject = text_of(user, "sub")
        if not subject:
            raise ThirdPartyFailed(f"{_WHO} does not say who this is")
        is_unverified = user.get("email_verified", True) in (False, "false")
        return ForeignAccount(
            column="oidc_id",
            id=subject,
            username=text_of(user, "preferred_username"),
            display_name=text_of(user, "name") or "OIDC User",
            email="" if is_unverified else text_of(user, "email"),
        )

    async def _claims(self, provider: _Provider, token: dict[str, object], handshake: Handshake) -> dict[str, object]:
        """Return what the id token says, checked; nothing when there is none."""
        id_token = token.get("id_token")
        if not isinstance(id_token, str) or not id_token:
            if handshake.nonce and provider.issuer:
                # We asked for `openid` with a nonce: without an id token nobody answers for it.
                raise ThirdPartyFailed(f"{_WHO} gave no id token")
            return {}
        if provider.keys:
            keys = await self._web.json(_WHO, "GET", provider.keys)
            claims = verified_claims(id_token, keys, secret=provider.secret)
        else:
            claims = unverified_claims(id_token)
        check_claims(
            claims,
            issuer=provider.issuer,
            client_id=provider.client_id,
            nonce=handshake.nonce,
            now=time.time(),
        )
        return claims

    async def _provider(self, options: Options) -> _Provider:
        """Return what options and discovery say of the provider; the options win."""
        authorization = options.text("OidcAuthorizationEndpoint").strip()
        token = options.text("OidcTokenEndpoint").strip()
        userinfo = options.text("OidcUserinfoEndpoint").strip()
        found: dict[str, object] = {}
        if well_known := options.text("OidcWellKnown").strip():
            try:
                found = await self._web.json(_WHO, "GET", well_known)
            except ThirdPartyFailed as error:
                if not token or not userinfo:
                    raise
                # one-api's server never read the document, so it may be one that only browsers reach.
                self._journal.event("warning", "oidc.undiscovered", f"OidcWellKnown: {error}")
        token = token or text_of(found, "token_endpoint")
        if not token:
            raise ThirdPartyFailed(f"{_WHO} has no token endpoint")
        methods = found.get("token_endpoint_auth_methods_supported")
        only_basic = isinstance(methods, list) and "client_secret_post" not in methods and methods
        challenges = found.get("code_challenge_methods_supported")
        return _Provider(
            client_id=options.text("OidcClientId"),
            secret=options.text("OidcClientSecret"),
            redirect_uri=f"{options.server_address}/oauth/oidc",
            authorization=authorization or text_of(found, "authorization_endpoint"),
            token=token,
            userinfo=userinfo or text_of(found, "userinfo_endpoint"),
            issuer=text_of(found, "issuer"),
            keys=text_of(found, "jwks_uri"),
            has_pkce=isinstance(challenges, list) and "S256" in challenges,
            auth_method="client_secret_basic" if only_basic else "client_secret_post",
        )
