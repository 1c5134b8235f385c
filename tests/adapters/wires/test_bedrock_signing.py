"""Signatures hold at the other end, which knows the secret and what arrived; keys that are none are told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from adapters.transport.http1 import Http1Transport
from adapters.transport.types import UpstreamRequest
from adapters.wires.bedrock.signing import LARGE_BODY_BYTES, BedrockSigner
from adapters.wires.types import Account, CredentialRefused
from tests.support.provider import Received, provider
from tests.support.tls import no_tls

PATH = "/model/anthropic.claude-sonnet-4-20250514-v1%3A0/invoke"
PAIR = {"ak": "AKIDEXAMPLE", "sk": "wJalrXUtnFEMI", "region": "eu-west-1"}
_SIGNED = re.compile(
    r"Credential=([^/]+)/(\d{8})/([^/]+)/bedrock/aws4_request, SignedHeaders=([^,]+), Signature=(\w+)"
)


def account(key: str = "k", **config: object) -> Account:
    return Account(key=key, base_url="https://x", config=config)


def request(url: str, body: bytes = b"{}", *headers: tuple[bytes, bytes]) -> UpstreamRequest:
    return UpstreamRequest(
        method="POST",
        url=url,
        headers=headers,
        body=body,
        connect_timeout_s=5,
        head_timeout_s=5,
        idle_timeout_s=5,
    )


def holds(received: Received, secret: str) -> bool:
    """Whether AWS would take a request: it signs what it got by itself, and compares."""
    found = _SIGNED.search(received.headers["authorization"])
    assert found is not None
    access, _, region, names, signature = found.groups()
    headers: Mapping[str, Any] = {name: received.headers[name] for name in names.split(";")}
    again = AWSRequest("POST", f"https://{headers['host']}{received.target}", headers=headers, data=received.body)
    again.context["timestamp"] = received.headers["x-amz-date"]
    auth = SigV4Auth(Credentials(access, secret), "bedrock", region)
    canonical = auth.canonical_request(again)
    return bool(auth.signature(auth.string_to_sign(again, canonical), again) == signature)


@pytest.mark.parametrize("body", [b'{"a":1}', b"x" * (LARGE_BODY_BYTES + 1)], ids=["small", "large"])
async def test_signatures_hold_at_the_other_end(body: bytes) -> None:
    async with provider() as mock:
        transport = Http1Transport(tls=no_tls())
        signed = await BedrockSigner().sign(request(mock.url + PATH, body, (b"accept", b"x")), account(**PAIR))
        response = await transport.send(signed)
        await response.aclose()
        await transport.aclose()
    received = mock.requests[0]
    assert urlsplit(received.target).path == PATH
    assert holds(received, PAIR["sk"])
    assert not holds(received, "another secret")
    assert (received.headers["accept"], received.headers["content-type"]) == ("application/json", "application/json")


async def test_a_session_token_is_sent_and_signed() -> None:
    signed = await BedrockSigner().sign(request("https://h/model/m/invoke"), account(session_token="st", **PAIR))
    headers = dict(signed.headers)
    assert headers[b"x-amz-security-token"] == b"st"
    assert b"x-amz-security-token" in headers[b"authorization"]


async def test_a_bedrock_api_key_travels_as_it_is() -> None:
    signed = await BedrockSigner().sign(
        request("https://h/model/m/invoke"), account("ABSKexample", region="us-east-1")
    )
    headers = dict(signed.headers)
    assert headers[b"authorization"] == b"Bearer ABSKexample"
    assert b"x-amz-date" not in headers


@pytest.mark.parametrize(
    ("key", "config", "words"),
    [
        ("AK|SK", {"region": "us-east-1"}, "ak and sk"),
        ("", {"region": "us-east-1"}, "ak and sk"),
        ("k", {"ak": "a", "sk": "s"}, "region"),
    ],
)
async def test_an_incomplete_credential_is_told(key: str, config: dict[str, object], words: str) -> None:
    with pytest.raises(CredentialRefused, match=words):
        await BedrockSigner().sign(request("https://h/model/m/invoke"), account(key, **config))
