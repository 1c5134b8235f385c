"""Google's tokens: fetched with whatever a channel has, once, over our own transport; and texts embedded one by one."""

from __future__ import annotations

import base64
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import parse_qs

import pytest
import trio

from adapters.transport.http1 import Http1Transport
from adapters.transport.types import UpstreamRequest
from adapters.wires.exchange import read_all
from adapters.wires.framing import Given
from adapters.wires.tokens import TokenKeeper
from adapters.wires.types import Account, Call, CredentialError, CredentialRefused, CredentialUnavailable
from adapters.wires.vertex.authorizer import VertexAuthorizer
from adapters.wires.vertex.carrier import VertexCarrier
from adapters.wires.vertex.credentials import fetch_token
from tests.support.google import EMAIL, TOKEN, service_account, token_answer
from tests.support.provider import Answer, Provider, provider
from tests.support.tls import no_tls

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

TOKEN_PATH = "/token"


def call(adc: str = "", *, endpoint: str = "messages", model: str = "claude", **config: object) -> Call:
    account = Account(key="k", base_url="", config={"vertex_ai_adc": adc, **config})
    return Call(account=account, endpoint=endpoint, model=model, streams=False)


def request(mock: Provider, body: bytes = b"{}") -> UpstreamRequest:
    return UpstreamRequest(
        method="POST",
        url=f"{mock.url}/predict",
        headers=((b"content-type", b"application/json"),),
        body=body,
        connect_timeout_s=5,
        head_timeout_s=5,
        idle_timeout_s=5,
    )


@asynccontextmanager
async def transport() -> AsyncIterator[Http1Transport]:
    made = Http1Transport(tls=no_tls())
    try:
        yield made
    finally:
        await made.aclose()


async def authorized(mock: Provider, *calls: Call) -> list[str]:
    """Authorize requests one after another; return their headers."""
    keeper = TokenKeeper()
    authorizer = VertexAuthorizer(keeper)
    found = []
    failure: CredentialError | None = None
    async with transport() as over, trio.open_nursery() as nursery:
        await nursery.start(keeper.run)
        try:
            for one in calls:
                done = await authorizer.authorize(request(mock), one, over)
                found.append(dict(done.headers)[b"authorization"].decode())
        except CredentialError as error:
            failure = error
        nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure
    return found


class Google:
    """Google's own address for people's tokens, which cannot be changed."""

    def __init__(self) -> None:
        self.requests: list[UpstreamRequest] = []

    async def send(self, request: UpstreamRequest) -> Given:
        await trio.lowlevel.checkpoint()
        self.requests.append(request)
        return Given(200, (), json.dumps(token_answer()).encode())

    async def open_socket(self, request: UpstreamRequest, subprotocols: object) -> NoReturn:
        raise AssertionError("no sockets")


def account_at(mock: Provider, **changes: object) -> str:
    return service_account(token_url=mock.url + TOKEN_PATH, **changes)


async def test_a_service_account_signs_for_a_token_which_is_kept() -> None:
    async with provider() as mock:
        mock.standing(Answer(body=token_answer()), path=TOKEN_PATH)
        adc = account_at(mock)
        assert await authorized(mock, call(adc), call(adc)) == [f"Bearer {TOKEN}"] * 2
    (asked,) = mock.requests
    form = parse_qs(asked.body.decode())
    claims = form["assertion"][0].split(".")[1]
    told = json.loads(base64.urlsafe_b64decode(claims + "=="))
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    assert told["iss"] == EMAIL
    assert told["scope"] == "https://www.googleapis.com/auth/cloud-platform"


async def test_channels_with_other_credentials_have_other_tokens() -> None:
    async with provider() as mock:
        for token in ("one", "two"):
            mock.script(Answer(body=token_answer(token)), path=TOKEN_PATH)
        first, second = account_at(mock), account_at(mock, client_email="other@proj-1.iam.gserviceaccount.com")
        assert await authorized(mock, call(first), call(second), call(first)) == [
            "Bearer one",
            "Bearer two",
            "Bearer one",
        ]


async def test_a_persons_credentials_are_exchanged() -> None:
    person = {"type": "authorized_user", "client_id": "i", "client_secret": "s", "refresh_token": "r"}
    google = Google()
    async with provider() as mock:
        token = await fetch_token(json.dumps(person), request(mock), google, limiter=trio.CapacityLimiter(1))
    assert token.text == TOKEN
    assert 3500 < token.lives_s <= 3600
    (asked,) = google.requests
    assert asked.url == "https://oauth2.googleapis.com/token"
    assert isinstance(asked.body, bytes)
    assert parse_qs(asked.body.decode())["refresh_token"] == ["r"]


async def test_without_any_the_machines_own_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with provider() as mock:
        mock.standing(Answer(body=token_answer()), path=TOKEN_PATH)
        file = tmp_path / "adc.json"
        file.write_text(account_at(mock), "utf-8")
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
        assert await authorized(mock, call()) == [f"Bearer {TOKEN}"]


@pytest.mark.parametrize(
    "adc",
    [
        "no json",
        "[]",
        "{}",
        '{"type": "service_account"}',
        '{"type": "external_account", "credential_source": {"file": "/etc/passwd"}}',
    ],
)
async def test_what_is_no_service_account_is_refused(adc: str) -> None:
    async with provider() as mock:
        with pytest.raises(CredentialRefused, match="no service account"):
            await authorized(mock, call(adc))
    assert mock.requests == []


async def test_what_google_refuses_is_told_without_secrets() -> None:
    refusal = {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
    async with provider() as mock:
        mock.standing(Answer(status=400, body=refusal), path=TOKEN_PATH)
        with pytest.raises(CredentialRefused, match="Invalid JWT Signature") as caught:
            await authorized(mock, call(account_at(mock)))
    assert "PRIVATE" not in caught.value.message
    assert caught.value.status == 401


async def test_google_out_of_reach_is_no_fault_of_the_channel() -> None:
    async with provider() as mock:
        mock.standing(Answer(cut_after=-1), path=TOKEN_PATH)
        with pytest.raises(CredentialUnavailable):
            await authorized(mock, call(account_at(mock)))


def vector(number: float, tokens: int) -> Answer:
    return Answer(body={"predictions": [{"embeddings": {"values": [number], "statistics": {"token_count": tokens}}}]})


async def send(mock: Provider, model: str) -> tuple[int, bytes]:
    body = json.dumps({"instances": [{"content": "a"}, {"content": "b"}], "parameters": {"x": 1}}).encode()
    one = call(endpoint="embeddings", model=model)
    async with transport() as over:
        response = await VertexCarrier().send(request(mock, body), one, over)
        try:
            return response.status, await read_all(response, most=1 << 20)
        finally:
            await response.aclose()


async def test_texts_go_one_by_one_to_models_that_want_it_so() -> None:
    async with provider() as mock:
        mock.script(vector(0.5, 1), vector(1.0, 2))
        status, body = await send(mock, "gemini-embedding-001")
    bodies = [received.json for received in mock.requests]
    assert sorted(one["instances"][0]["content"] for one in bodies) == ["a", "b"]
    assert [one["parameters"] for one in bodies] == [{"x": 1}] * 2
    assert status == 200
    assert len(json.loads(body)["predictions"]) == 2


async def test_texts_go_together_to_the_others() -> None:
    async with provider() as mock:
        mock.script(vector(0.5, 1))
        await send(mock, "text-embedding-005")
    assert len(mock.requests) == 1


async def test_one_text_that_is_refused_is_the_answer() -> None:
    async with provider() as mock:
        mock.standing(Answer(status=429, body={"error": {"code": 429, "message": "slowly"}}))
        status, body = await send(mock, "gemini-embedding-001")
    assert (status, json.loads(body)["error"]["message"]) == (429, "slowly")
