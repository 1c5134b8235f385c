"""Which id a model is asked for by, and what happens when Bedrock does not know it."""

from __future__ import annotations

import json
from urllib.parse import unquote

import pytest

from adapters.transport.http1 import Http1Transport
from adapters.transport.types import UpstreamRequest
from adapters.wires.bedrock.carrier import BedrockCarrier
from adapters.wires.bedrock.profiles import candidates
from adapters.wires.exchange import read_all
from adapters.wires.types import Account, Call
from tests.support.frames import EVENT_STREAM, chunk
from tests.support.provider import Answer, Provider, provider
from tests.support.tls import no_tls

SONNET = "anthropic.claude-sonnet-4-20250514-v1:0"
NO_SUCH_ID = (400, "The provided model identifier is invalid.")
NOT_ON_DEMAND = (400, f"Invocation of model ID {SONNET} with on-demand throughput isn\u2019t supported. Retry ...")


@pytest.mark.parametrize(
    ("model", "region", "wanted", "ids"),
    [
        (SONNET, "eu-west-1", "", (f"eu.{SONNET}", SONNET)),
        (SONNET, "us-west-2", "", (f"us.{SONNET}", SONNET)),
        (SONNET, "us-gov-west-1", "", (f"us-gov.{SONNET}", SONNET)),
        (SONNET, "ap-northeast-1", "", (f"apac.{SONNET}", f"jp.{SONNET}", SONNET)),
        (SONNET, "ap-southeast-2", "", (f"apac.{SONNET}", f"au.{SONNET}", SONNET)),
        (SONNET, "il-central-1", "", (SONNET,)),
        (SONNET, "eu-west-1", "global", (f"global.{SONNET}",)),
        (SONNET, "eu-west-1", "off", (SONNET,)),
        ("anthropic.claude-v2:1", "us-east-1", "", ("anthropic.claude-v2:1", "us.anthropic.claude-v2:1")),
        ("cohere.command-r-v1:0", "us-east-1", "", ("cohere.command-r-v1:0", "us.cohere.command-r-v1:0")),
        (f"eu.{SONNET}", "us-east-1", "", (f"eu.{SONNET}",)),
        ("arn:aws:bedrock:us-east-1:1:application-inference-profile/abc", "us-east-1", "",
         ("arn:aws:bedrock:us-east-1:1:application-inference-profile/abc",)),
    ],
)  # fmt: skip
def test_the_likeliest_id_comes_first(model: str, region: str, wanted: str, ids: tuple[str, ...]) -> None:
    assert candidates(model, region=region, wanted=wanted) == ids


def call(model: str, **config: object) -> Call:
    account = Account(key="k", base_url="", config={"ak": "a", "sk": "s", "region": "eu-west-1"} | config)
    return Call(account=account, endpoint="messages", model=model, streams=False)


async def send(carrier: BedrockCarrier, mock: Provider, one: Call) -> tuple[int, bytes]:
    request = UpstreamRequest(
        method="POST",
        url=f"{mock.url}/model/{SONNET.replace(':', '%3A')}/invoke",
        headers=(),
        body=b"{}",
        connect_timeout_s=5,
        head_timeout_s=5,
        idle_timeout_s=5,
    )
    transport = Http1Transport(tls=no_tls())
    response = await carrier.send(request, one, transport)
    body = await read_all(response, most=1 << 20)
    await response.aclose()
    await transport.aclose()
    return response.status, body


def refusal(status: int, message: str) -> Answer:
    return Answer(status=status, body=json.dumps({"message": message}).encode())


def asked(mock: Provider) -> list[str]:
    return [unquote(request.target.split("/")[2]) for request in mock.requests]


async def test_an_unknown_id_gives_way_to_the_next_and_what_served_is_remembered() -> None:
    carrier = BedrockCarrier()
    async with provider() as mock:
        mock.script(refusal(*NO_SUCH_ID), Answer(body=b'{"a":1}'), Answer(body=b'{"a":2}'))
        assert await send(carrier, mock, call(SONNET)) == (200, b'{"a":1}')
        assert await send(carrier, mock, call(SONNET)) == (200, b'{"a":2}')
    assert asked(mock) == [f"eu.{SONNET}", SONNET, SONNET]
    assert len({request.headers["authorization"] for request in mock.requests[:2]}) == 2


async def test_a_model_that_is_not_on_demand_is_asked_by_its_profile_again() -> None:
    carrier = BedrockCarrier()
    async with provider() as mock:
        mock.script(refusal(*NO_SUCH_ID), Answer(body=b"{}"), refusal(*NOT_ON_DEMAND), Answer(body=b"{}"))
        await send(carrier, mock, call(SONNET))
        status, _ = await send(carrier, mock, call(SONNET))
    assert status == 200
    assert asked(mock)[2:] == [SONNET, f"eu.{SONNET}"]


async def test_other_accounts_are_not_spoken_for() -> None:
    carrier = BedrockCarrier()
    async with provider() as mock:
        mock.script(refusal(*NO_SUCH_ID))
        mock.standing(Answer(body=b"{}"))
        await send(carrier, mock, call(SONNET))
        other = call(SONNET)
        await send(carrier, mock, Call(account=Account(key="other", base_url="", config=other.account.config),
                                       endpoint="messages", model=SONNET, streams=False))  # fmt: skip
    assert asked(mock)[2] == f"eu.{SONNET}"


@pytest.mark.parametrize("answer", [(429, "Too many requests"), (400, "max_tokens: too large"), (403, "no access")])
async def test_any_other_refusal_is_the_answer(answer: tuple[int, str]) -> None:
    async with provider() as mock:
        mock.script(refusal(*answer))
        status, body = await send(BedrockCarrier(), mock, call(SONNET))
    assert (status, json.loads(body)["message"]) == answer
    assert len(mock.requests) == 1


async def test_when_no_id_is_known_the_last_refusal_is_the_answer() -> None:
    async with provider() as mock:
        mock.script(refusal(*NO_SUCH_ID), refusal(*NOT_ON_DEMAND))
        status, body = await send(BedrockCarrier(), mock, call(SONNET))
    assert status == 400
    assert b"on-demand" in body


async def test_frames_are_presented_as_events() -> None:
    async with provider() as mock:
        mock.script(Answer(body=chunk({"type": "ping"}), headers=(("Content-Type", EVENT_STREAM),)))
        _, body = await send(BedrockCarrier(), mock, call(SONNET))
    assert body == b'event: ping\ndata: {"type": "ping"}\n\n'


@pytest.mark.parametrize(
    ("status", "kind", "restated"),
    [
        (400, "ThrottlingException", 429),
        (400, "ServiceQuotaExceededException:http://internal.amazon.com/", 429),
        (424, "ModelErrorException", 502),
        (408, "ModelTimeoutException", 504),
        (403, "AccessDeniedException", 403),
        (400, "ValidationException", 400),
    ],
)
async def test_errors_come_with_the_status_that_says_what_to_do(status: int, kind: str, restated: int) -> None:
    async with provider() as mock:
        mock.script(Answer(status=status, body=b'{"message":"no"}', headers=(("x-amzn-ErrorType", kind),)))
        assert await send(BedrockCarrier(), mock, call(SONNET)) == (restated, b'{"message":"no"}')
