"""Signatures and short tokens, checked the way the providers check them: from the request alone, by other code."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from base64 import b64decode, urlsafe_b64decode
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from adapters.wires import coze, tencent, xunfei, zhipu
from adapters.wires.types import CredentialRefused
from tests.adapters.wires.asking import call, request

if TYPE_CHECKING:
    from adapters.transport.types import Transport, UpstreamRequest

NOBODY: Transport = None  # type: ignore[assignment]
"""Signing asks nobody for anything."""


def headers(signed: UpstreamRequest) -> dict[str, str]:
    return {name.decode().lower(): value.decode() for name, value in signed.headers}


def unpadded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def mac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


# --- Tencent: TC3-HMAC-SHA256 ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://hunyuan.tencentcloudapi.com/", "hunyuan.tencentcloudapi.com"),
        ("https://hunyuan.ap-guangzhou.tencentcloudapi.com/", "hunyuan.ap-guangzhou.tencentcloudapi.com"),
        ("http://127.0.0.1:9/", "hunyuan.tencentcloudapi.com"),
    ],
)
@pytest.mark.parametrize(
    ("endpoint", "action"), [("chat_completions", "ChatCompletions"), ("embeddings", "GetEmbedding")]
)
async def test_tencent_finds_its_signature_over_the_exact_body(
    url: str, host: str, endpoint: str, action: str
) -> None:
    body = '{"Model":"m","Messages":[{"Role":"user","Content":"你好"}]}'.encode()
    signed = await tencent.TencentAuthorizer().authorize(
        request(url, body=body), call(key="1250000000|AKID|SECRET", endpoint=endpoint), NOBODY
    )
    sent = headers(signed)
    assert signed.body == body
    assert (sent["x-tc-action"], sent["x-tc-version"]) == (action, "2023-09-01")
    assert abs(int(sent["x-tc-timestamp"]) - time.time()) < 60
    found = re.fullmatch(
        r"TC3-HMAC-SHA256 Credential=([^/]+)/(\d{4}-\d\d-\d\d)/hunyuan/tc3_request, SignedHeaders=([a-z;-]+), Signature=([0-9a-f]{64})",
        sent["authorization"],
    )
    assert found
    name, date, listed, signature = found.groups()
    assert (name, date) == ("AKID", datetime.fromtimestamp(int(sent["x-tc-timestamp"]), UTC).strftime("%Y-%m-%d"))
    lower = {"x-tc-action"}
    known = sent | {"host": host}
    canonical_headers = "".join(
        f"{one}:{known[one].lower() if one in lower else known[one]}\n" for one in listed.split(";")
    )
    hashed = hashlib.sha256(body).hexdigest()
    canonical = f"POST\n/\n\n{canonical_headers}\n{listed}\n{hashed}"
    scope = f"{date}/hunyuan/tc3_request"
    text = f"TC3-HMAC-SHA256\n{sent['x-tc-timestamp']}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = mac(mac(mac(b"TC3SECRET", date), "hunyuan"), "tc3_request")
    assert signature == mac(key, text).hex()


# --- Zhipu: a JWT for each request -------------------------------------------------------------------------


async def test_zhipu_finds_a_token_that_its_secret_signed() -> None:
    secret = "a-secret-of-some-length"
    signed = await zhipu.ZhipuAuthorizer().authorize(request(), call(key=f"name.{secret}"), NOBODY)
    token = headers(signed)["authorization"]
    head, claims, signature = token.split(".")
    assert json.loads(unpadded(head)) == {"alg": "HS256", "typ": "JWT", "sign_type": "SIGN"}
    told = json.loads(unpadded(claims))
    assert told["api_key"] == "name"
    assert abs(told["timestamp"] / 1000 - time.time()) < 60
    assert told["exp"] - told["timestamp"] == zhipu.LIVES_MS
    assert unpadded(signature) == mac(secret.encode(), f"{head}.{claims}")


async def test_zhipu_is_told_a_key_whose_secret_is_too_short_to_sign_with() -> None:
    signed = await zhipu.ZhipuAuthorizer().authorize(request(), call(key="name.short"), NOBODY)
    assert headers(signed)["authorization"] == "Bearer name.short"


# --- iFlytek: a signed address -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "version", "path"),
    [
        ("Spark-Lite", "", "/v1.1/chat"),
        ("Spark-Pro-128K", "", "/chat/pro-128k"),
        ("Spark-Max-32K", "", "/chat/max-32k"),
        ("Spark-4.0-Ultra", "v9", "/v4.0/chat"),
        ("SparkDesk-v3.1", "v9", "/v3.1/chat"),
        ("SparkDesk", "v3.5", "/v3.5/chat"),
        ("SparkDesk", "", "/v1.1/chat"),
    ],
)
async def test_iflytek_finds_its_signature_in_the_address(model: str, version: str, path: str) -> None:
    asked = call(key="app|secret|name", model=model, base_url="https://spark.example", api_version=version)
    body = b'{"header":{"uid":"u"},"parameter":{}}'
    signed = await xunfei.XunfeiAuthorizer().authorize(request(body=body), asked, NOBODY)
    assert json.loads(bytes(signed.body)) == {"header": {"uid": "u", "app_id": "app"}, "parameter": {}}  # type: ignore[arg-type]
    parts = urlsplit(signed.url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert (signed.method, parts.scheme, parts.netloc, parts.path) == ("GET", "https", "spark.example", path)
    assert query["host"] == "spark.example"
    told = datetime.strptime(query["date"], "%a, %d %b %Y %H:%M:%S UTC").replace(tzinfo=UTC)
    assert abs(told.timestamp() - time.time()) < 60
    words = b64decode(query["authorization"]).decode()
    found = dict(re.findall(r'(?:hmac )?(\w+)="([^"]*)"', words))
    assert (found["username"], found["algorithm"], found["headers"]) == (
        "name",
        "hmac-sha256",
        "host date request-line",
    )
    line = f"host: spark.example\ndate: {query['date']}\nGET {path} HTTP/1.1"
    assert b64decode(found["signature"]) == mac(b"secret", line)


# --- Coze: the claim of an OAuth app -----------------------------------------------------------------------


def test_coze_finds_a_claim_that_the_apps_key_signed() -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    app = coze._App(client_id="c1", private_key=pem, public_key_id="kid1", coze_api_base="https://api.coze.example")
    proof = coze.proof(app, now_s=1_000_000)
    head, claims, signature = proof.split(".")
    private.public_key().verify(unpadded(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
    assert json.loads(unpadded(head)) == {"alg": "RS256", "typ": "JWT", "kid": "kid1"}
    told: dict[str, Any] = json.loads(unpadded(claims))
    assert len(told.pop("jti")) == 32
    assert told == {"iss": "c1", "aud": "api.coze.example", "iat": 1_000_000, "exp": 1_000_600}
    assert coze.proof(app, now_s=1_000_000) != proof, "no claim is made twice"


@pytest.mark.parametrize("pem", ["", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"])
def test_a_private_key_that_is_none_is_refused(pem: str) -> None:
    app = coze._App(client_id="c1", private_key=pem, public_key_id="k")
    with pytest.raises(CredentialRefused):
        coze.proof(app, now_s=1)


# --- Keys that are malformed -------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["", "a", "a|b", "|b|c", "a||c", "a|b|"])
async def test_keys_that_lack_a_part_are_refused(key: str) -> None:
    with pytest.raises(CredentialRefused) as caught:
        await xunfei.XunfeiAuthorizer().authorize(request(body=b"{}"), call(key=key), NOBODY)
    assert caught.value.status == 401
    if key.count("|") < 2 or not all(key.split("|")[1:]):
        with pytest.raises(CredentialRefused):
            await tencent.TencentAuthorizer().authorize(request(body=b"{}"), call(key=key), NOBODY)


@pytest.mark.parametrize("key", ["", "a", ".b", "a."])
async def test_zhipus_keys_have_two_parts(key: str) -> None:
    with pytest.raises(CredentialRefused):
        await zhipu.ZhipuAuthorizer().authorize(request(), call(key=key), NOBODY)
