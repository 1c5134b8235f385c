"""Keys that are exchanged for tokens: what is asked, what is believed, and what becomes of refusals."""

from __future__ import annotations

import json
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import trio
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from adapters.providers.catalogue import load_catalogue
from adapters.transport.types import ConnectFailed
from adapters.wires.table import make_wires
from adapters.wires.tokens import TokenKeeper
from adapters.wires.types import CredentialRefused, CredentialUnavailable
from adapters.wires.wired import Wires
from tests.adapters.wires.asking import Answer, Scripted, call, request, told

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from adapters.transport.types import Transport
    from adapters.wires.types import Call

CATALOGUE = load_catalogue()
PEM = (
    rsa.generate_private_key(public_exponent=65537, key_size=2048)
    .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    .decode()
)
APP = json.dumps(
    {"client_type": "jwt", "client_id": "c1", "private_key": PEM, "public_key_id": "kid", "coze_www_base": "x",
     "coze_api_base": "http://coze.example/"}
)  # fmt: skip
BAIDU = call(key="id|secret")
COZE = call(key=APP, auth_type="oauth_jwt")


@asynccontextmanager
async def wired(name: str, asked: Call, transport: Scripted) -> AsyncIterator[tuple[Transport, Wires]]:
    keeper = TokenKeeper()
    provider = CATALOGUE.by_key(name)
    assert provider is not None
    wires = Wires(transport, keeper, make_wires(keeper))
    async with trio.open_nursery() as nursery:
        await nursery.start(keeper.run)
        account = asked.account
        yield (
            wires.over(provider, account, endpoint=asked.endpoint, model=asked.model, streams=asked.streams),
            wires,
        )
        nursery.cancel_scope.cancel()


def token(text: str = "t/1", **members: object) -> Answer:
    return told({"access_token": text, **members})


async def test_baidus_token_goes_into_the_query_and_serves_many_requests() -> None:
    transport = Scripted([token(expires_in=2592000), told({}), told({})])
    async with wired("baidu", BAIDU, transport) as (carrier, _):
        await carrier.send(request("http://up.example/chat/completions?a=b"))
        await carrier.send(request("http://up.example/chat/completions"))
    asked, *sent = transport.requests
    assert asked.url == (
        "http://up.example/oauth/2.0/token?grant_type=client_credentials&client_id=id&client_secret=secret"
    )
    assert b"authorization" not in dict(asked.headers)
    assert [one.url for one in sent] == [
        "http://up.example/chat/completions?a=b&access_token=t%2F1",
        "http://up.example/chat/completions?access_token=t%2F1",
    ]


async def test_cozes_app_proves_itself_and_its_token_is_a_bearers() -> None:
    transport = Scripted([token(expires_in=int(time.time()) + 900), told({})])
    async with wired("coze", COZE, transport) as (carrier, _):
        await carrier.send(request())
    asked, sent = transport.requests
    assert (asked.method, asked.url) == ("POST", "http://coze.example/api/permission/oauth2/token")
    assert json.loads(bytes(asked.body)) == {  # type: ignore[arg-type]
        "client_id": "c1",
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "duration_seconds": 900,
    }
    assert dict(asked.headers)[b"authorization"].startswith(b"Bearer ey")
    assert dict(sent.headers)[b"authorization"] == b"Bearer t/1"


async def test_cozes_personal_token_is_sent_as_it_is() -> None:
    transport = Scripted([told({})])
    async with wired("coze", call(key="pat_1"), transport) as (carrier, _):
        await carrier.send(request())
    assert dict(transport.requests[0].headers)[b"authorization"] == b"Bearer pat_1"


@pytest.mark.parametrize(
    ("life", "asks_again"),
    [({"expires_in": 900}, False), ({}, False), ({"expires_in": "soon"}, False), ({"expires_in": 5}, True),
     ({"expires_in": -1}, False)],
)  # fmt: skip
async def test_odd_lives_of_tokens_do_no_harm(life: dict[str, object], asks_again: bool) -> None:
    transport = Scripted([token(**life), told({}), token("t2", **life), told({})])
    if not asks_again:
        del transport.script[2]
    async with wired("coze", COZE, transport) as (carrier, _):
        await carrier.send(request())
        await carrier.send(request())
    assert not transport.script


@pytest.mark.parametrize(("name", "asked"), [("baidu", BAIDU), ("coze", COZE)])
@pytest.mark.parametrize(
    ("answer", "raised", "status"),
    [
        (told({"error": "invalid_client", "error_description": "unknown client id"}, 401), CredentialRefused, 401),
        (told({"error": "invalid_client"}), CredentialRefused, 401),
        (told({"error": "internal"}, 500), CredentialUnavailable, 502),
        (told({}), CredentialUnavailable, 502),
        (told({"access_token": 5}), CredentialUnavailable, 502),
        (told({"access_token": ""}), CredentialUnavailable, 502),
        (Answer(pieces=[b"<html>"]), CredentialUnavailable, 502),
        (Answer(pieces=[b"[]"]), CredentialUnavailable, 502),
        (Answer(pieces=[b"x" * (2 << 20)]), CredentialUnavailable, 502),
        (ConnectFailed("no"), CredentialUnavailable, 502),
    ],
)
async def test_no_token_is_a_failure_of_the_credential(
    name: str, asked: Call, answer: Answer | Exception, raised: type[Exception], status: int
) -> None:
    if isinstance(answer, Answer):
        answer = Answer(status=answer.status, pieces=list(answer.pieces))
    async with wired(name, asked, Scripted([answer])) as (carrier, _):
        with pytest.raises(raised) as caught:
            await carrier.send(request())
    assert caught.value.status == status  # type: ignore[attr-defined]
    assert "secret" not in str(caught.value)
    assert "PRIVATE" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "key"),
    [("baidu", ""), ("baidu", "id"), ("baidu", "|secret"), ("baidu", "id|"), ("coze", "no json"), ("coze", "{}"),
     ("coze", '{"client_id":1}')],
)  # fmt: skip
async def test_a_malformed_key_is_refused_before_anybody_is_asked(name: str, key: str) -> None:
    transport = Scripted([])
    async with wired(name, call(key=key, auth_type="oauth_jwt"), transport) as (carrier, _):
        with pytest.raises(CredentialRefused):
            await carrier.send(request())
    assert not transport.requests


async def test_a_refused_token_is_fetched_anew() -> None:
    transport = Scripted([token("t1"), told({}, 401), token("t2"), told({})])
    provider = CATALOGUE.by_key("baidu")
    assert provider is not None
    async with wired("baidu", BAIDU, transport) as (carrier, wires):
        await carrier.send(request())
        wires.refused(provider, BAIDU.account)
        await carrier.send(request())
    assert transport.requests[-1].url.endswith("access_token=t2")


def test_accounts_show_neither_key_nor_settings() -> None:
    shown = repr(call(key="sk-1", password="p").account)
    assert "sk-1" not in shown
    assert "password" not in shown
    assert "sk-1" not in call(key="sk-1").account.token_name
