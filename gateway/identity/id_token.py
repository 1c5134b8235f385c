"""Id tokens: signature and claims, without any I/O. All functions raise `ThirdPartyFailed` with what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey

from gateway.identity.foreign import ThirdPartyFailed

if TYPE_CHECKING:
    from joserfc.jwk import KeySetSerialization

# Clocks differ by so much.
LEEWAY_S = 60
_SIGNED = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
_SHARED = ["HS256", "HS384", "HS512"]


def verified_claims(token: str, keys: dict[str, object], *, secret: str) -> dict[str, object]:
    """Return the claims of a token that is signed with one of the provider's keys, or with the client secret."""
    try:
        algorithm = jws.extract_compact(token.encode()).headers().get("alg")
        # By kind: a public key must never pass as a shared secret.
        if algorithm in _SHARED:
            return dict(jwt.decode(token, OctKey.import_key(secret), algorithms=_SHARED).claims)
        known = KeySet.import_key_set(cast("KeySetSerialization", keys))
        return dict(jwt.decode(token, known, algorithms=_SIGNED).claims)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise ThirdPartyFailed("the id token's signature is not the provider's") from error


def unverified_claims(token: str) -> dict[str, object]:
    """Return the claims of a token that came straight from the token endpoint; its signature is not looked at."""
    try:
        return msgspec.json.decode(jws.extract_compact(token.encode()).payload, type=dict[str, object])
    except (JoseError, ValueError, TypeError) as error:
        raise ThirdPartyFailed("the id token cannot be read") from error


def check_claims(claims: dict[str, object], *, issuer: str, client_id: str, nonce: str, now: float) -> None:
    """Return if the token is for us, now, and for the browser that `nonce` was given to; empty texts ask nothing."""
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    expires = claims.get("exp")
    tenant = claims.get("tid")
    if isinstance(tenant, str):
        # Microsoft's document for all tenants names no issuer but this pattern.
        issuer = issuer.replace("{tenantid}", tenant)
    if issuer and claims.get("iss") != issuer:
        raise ThirdPartyFailed("the id token is another issuer's")
    if client_id not in audiences or ("azp" in claims and claims["azp"] != client_id):
        raise ThirdPartyFailed("the id token is for another client")
    if not isinstance(expires, int | float) or expires + LEEWAY_S <= now:
        raise ThirdPartyFailed("the id token has expired")
    if nonce and claims.get("nonce") != nonce:
        raise ThirdPartyFailed("the id token is another browser's")
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        raise ThirdPartyFailed("the id token names nobody")
