"""What an id token must prove."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from gateway.identity.foreign import ThirdPartyFailed
from gateway.identity.id_token import check_claims, unverified_claims, verified_claims

KEY = RSAKey.generate_key(2048, {"kid": "one"})
PUBLISHED: dict[str, object] = {"keys": [KEY.as_dict(private=False)]}
CLAIMS: dict[str, Any] = {"iss": "https://id.example.com", "aud": "gateway", "sub": "kim", "exp": 1_000, "nonce": "n"}


def _check(**changes: Any) -> None:
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not None}
    check_claims(claims, issuer="https://id.example.com", client_id="gateway", nonce="n", now=900)


def test_a_token_with_a_published_key_gives_its_claims() -> None:
    token = jwt.encode({"alg": "RS256", "kid": "one"}, CLAIMS, KEY)
    assert verified_claims(token, PUBLISHED, secret="x")["sub"] == "kim"
    assert unverified_claims(token)["sub"] == "kim"


def test_elliptic_keys_are_taken_as_well() -> None:
    key = ECKey.generate_key("P-256", {"kid": "two"})
    token = jwt.encode({"alg": "ES256", "kid": "two"}, CLAIMS, key)
    assert verified_claims(token, {"keys": [KEY.as_dict(private=False), key.as_dict(private=False)]}, secret="x")


def test_a_token_signed_with_the_client_secret_needs_that_secret() -> None:
    token = jwt.encode({"alg": "HS256"}, CLAIMS, OctKey.import_key("a secret that is long enough for this"))
    assert verified_claims(token, PUBLISHED, secret="a secret that is long enough for this")
    with pytest.raises(ThirdPartyFailed):
        verified_claims(token, PUBLISHED, secret="another secret that is long enough too")


def test_a_key_that_is_not_published_signs_nothing() -> None:
    token = jwt.encode({"alg": "RS256", "kid": "one"}, CLAIMS, RSAKey.generate_key(2048, {"kid": "one"}))
    with pytest.raises(ThirdPartyFailed, match="signature"):
        verified_claims(token, PUBLISHED, secret="x")


def test_a_public_key_is_no_shared_secret() -> None:
    public = KEY.as_pem(private=False)
    header, payload = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": "HS256", "kid": "one"}, CLAIMS)
    )
    import hashlib
    import hmac

    digest = hmac.new(public, f"{header}.{payload}".encode(), hashlib.sha256).digest()
    forged = f"{header}.{payload}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
    with pytest.raises(ThirdPartyFailed):
        verified_claims(forged, PUBLISHED, secret="the client's own secret, of good length")


def test_a_token_without_a_signature_is_refused() -> None:
    header, payload = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({"alg": "none"}, CLAIMS)
    )
    with pytest.raises(ThirdPartyFailed):
        verified_claims(f"{header}.{payload}.", PUBLISHED, secret="x")


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "é.é.é", "e30.e30.e30"])
def test_what_is_no_token_is_refused_and_not_a_crash(text: str) -> None:
    with pytest.raises(ThirdPartyFailed):
        verified_claims(text, PUBLISHED, secret="x")


def test_the_right_claims_pass() -> None:
    _check()
    _check(aud=["other", "gateway"], azp="gateway")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"iss": "https://evil.example.com"}, "issuer"),
        ({"aud": "other"}, "client"),
        ({"aud": None}, "client"),
        ({"aud": ["gateway", "other"], "azp": "other"}, "client"),
        ({"exp": 800}, "expired"),
        ({"exp": None}, "expired"),
        ({"exp": "later"}, "expired"),
        ({"nonce": "other"}, "browser"),
        ({"nonce": None}, "browser"),
        ({"sub": ""}, "nobody"),
    ],
)
def test_wrong_claims_are_refused(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ThirdPartyFailed, match=why):
        _check(**changes)


def test_microsofts_pattern_stands_for_the_tenant_of_the_token() -> None:
    pattern = "https://login.microsoftonline.com/{tenantid}/v2.0"
    claims = {**CLAIMS, "iss": "https://login.microsoftonline.com/t1/v2.0", "tid": "t1"}
    check_claims(claims, issuer=pattern, client_id="gateway", nonce="n", now=900)
    with pytest.raises(ThirdPartyFailed):
        check_claims({**claims, "tid": "t2"}, issuer=pattern, client_id="gateway", nonce="n", now=900)
