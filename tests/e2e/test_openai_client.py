"""The official `openai` package works through the gateway as it does against OpenAI."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import openai
import pytest
import trio

from tests.support.provider import Answer, Tokens, failure
from tests.support.world import MODEL, World, world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

pytestmark = pytest.mark.slow

T = TypeVar("T")
TOOL: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        "strict": True,
    },
}
MESSAGES: Any = [{"role": "user", "content": "Say hello."}]


@asynccontextmanager
async def official(here: World, key: str = "") -> AsyncIterator[openai.OpenAI]:
    """Give a client. It is used in threads: the package's async client does not run on Trio."""
    client = openai.OpenAI(base_url=f"{here.gateway.url}/v1", api_key=key or here.key, max_retries=0, timeout=20)
    try:
        yield client
    finally:
        client.close()


async def in_thread(call: Callable[[], T]) -> T:
    with trio.fail_after(30):
        return await trio.to_thread.run_sync(call)


async def test_chat_is_answered_and_charged(tmp_path: Path) -> None:
    async with world(tmp_path) as here, official(here) as client:
        here.provider.script(Answer(tokens=Tokens(prompt=1000, completion=200, cached=400)))
        reply = await in_thread(lambda: client.chat.completions.create(model=MODEL, messages=MESSAGES))
        assert reply.usage
        assert reply.usage.prompt_tokens_details
        assert reply.choices[0].message.content == "Hello from the provider."
        assert reply.usage.prompt_tokens_details.cached_tokens == 400
        (log,) = await here.logs(1)
        assert (log["prompt_tokens"], log["completion_tokens"], log["model_name"]) == (1000, 200, MODEL)
        # gpt-4o-mini: 0.15 USD a million in, 0.075 cached, 0.60 out; 500,000 units a USD
        assert log["quota"] == 120
        await here.assert_charged(120)
        assert (await here.root.cost(log["request_id"]))["quota"] == 120
        trace = await here.root.trace(log["id"])
        assert trace["timestamps"]["request_received"] <= trace["timestamps"]["request_completed"]
        (line,) = await here.gateway.wait_line("relay")
        assert (line["user"], line["model"], line["channel"], line["status"]) == (
            "alice",
            MODEL,
            f"mock#{here.channel_id}",
            200,
        )
        assert (line["units"], line["cost_usd"], line["cached_tokens"]) == (120, 0.00024, 400)


async def test_stream_arrives_piece_by_piece_with_usage(tmp_path: Path) -> None:
    async with world(tmp_path) as here, official(here) as client:
        here.provider.script(Answer(pieces=("one ", "two ", "three"), pause_s=0.05))

        def read() -> list[tuple[str, int | None]]:
            with client.chat.completions.create(
                model=MODEL, messages=MESSAGES, stream=True, stream_options={"include_usage": True}
            ) as chunks:
                return [
                    (
                        chunk.choices[0].delta.content or "" if chunk.choices else "",
                        chunk.usage.total_tokens if chunk.usage else None,
                    )
                    for chunk in chunks
                ]

        seen = await in_thread(read)
        assert [text for text, _ in seen if text] == ["one ", "two ", "three"]
        assert [total for _, total in seen if total] == [14]
        (log,) = await here.logs(1)
        assert log["is_stream"]
        assert (log["prompt_tokens"], log["completion_tokens"]) == (11, 3)
        await here.assert_charged(log["quota"])


async def test_tools_pass_through_both_ways(tmp_path: Path) -> None:
    async with world(tmp_path) as here, official(here) as client:
        here.provider.standing(Answer(tool_call=("weather", '{"city":"Kyoto"}')))
        ask: dict[str, Any] = {
            "model": MODEL,
            "messages": MESSAGES,
            "tools": [TOOL],
            "tool_choice": "auto",
            "parallel_tool_calls": False,
        }
        reply = await in_thread(lambda: client.chat.completions.create(**ask))
        (call,) = reply.choices[0].message.tool_calls
        assert (call.id, call.function.name, call.function.arguments) == ("call_mock", "weather", '{"city":"Kyoto"}')
        assert reply.choices[0].finish_reason == "tool_calls"
        sent = here.provider.requests[0].json
        assert sent["tools"] == [TOOL]
        assert sent["parallel_tool_calls"] is False

        def read() -> str:
            with client.chat.completions.create(**ask, stream=True) as chunks:
                return "".join(
                    call.function.arguments or ""
                    for chunk in chunks
                    if chunk.choices
                    for call in chunk.choices[0].delta.tool_calls or ()
                )

        assert await in_thread(read) == '{"city":"Kyoto"}'
        logs = await here.logs(2)
        await here.assert_charged(sum(log["quota"] for log in logs))


async def test_embeddings_completions_moderations_and_models(tmp_path: Path) -> None:
    models = ("text-embedding-3-small", "gpt-3.5-turbo-instruct", "omni-moderation-latest", "gpt-4o-mini")
    async with world(tmp_path, models=models) as here, official(here) as client:
        vectors = await in_thread(lambda: client.embeddings.create(model=models[0], input=["a", "b"]))
        assert [item.embedding for item in vectors.data] == [[0.25, -0.5, 1.0]] * 2
        text = await in_thread(lambda: client.completions.create(model=models[1], prompt="Say hello."))
        assert text.choices[0].text == "Hello from the provider."
        verdict = await in_thread(lambda: client.moderations.create(model=models[2], input="hello"))
        assert verdict.results[0].flagged is False
        listed = await in_thread(lambda: [model.id for model in client.models.list()])
        assert set(models[:2]) <= set(listed)
        assert (await in_thread(lambda: client.models.retrieve("gpt-4o-mini"))).id == "gpt-4o-mini"
        assert [request.path for request in here.provider.requests] == [
            "/v1/embeddings",
            "/v1/completions",
            "/v1/moderations",
        ]
        logs = await here.logs(3)
        await here.assert_charged(sum(log["quota"] for log in logs))


async def test_failures_become_the_exceptions_that_programs_catch(tmp_path: Path) -> None:
    # A model each, so that what one failure suspends is not in the way of the next.
    models = ("m-400", "m-404", "m-429", "m-500", "m-cut")
    async with world(tmp_path, models=models) as here:
        for status, kind in (
            (400, "invalid_request_error"),
            (404, "invalid_request_error"),
            (429, "requests"),
            (500, "x"),
        ):
            here.provider.standing(
                failure(status, "told to fail", kind=kind, headers=(("Retry-After", "7"),)), model=f"m-{status}"
            )
        here.provider.standing(Answer(cut_after=-1), model="m-cut")
        bound = await here.owner.add_token(name="bound", models="m-500")
        poor = await here.owner.add_token(name="poor", quota=1)
        cases: tuple[tuple[str, str, type[openai.APIStatusError], int | None], ...] = (
            (f"sk-{'x' * 48}", "m-500", openai.AuthenticationError, 401),
            (bound["key"], "m-400", openai.PermissionDeniedError, 403),
            (poor["key"], "m-500", openai.PermissionDeniedError, 403),
            (here.key, "m-400", openai.BadRequestError, 400),
            (here.key, "m-404", openai.NotFoundError, 404),
            (here.key, "m-429", openai.RateLimitError, 429),
            (here.key, "m-500", openai.InternalServerError, 500),
            (here.key, "m-cut", openai.InternalServerError, None),
            (here.key, "nobody-has-this", openai.InternalServerError, 503),
        )
        for key, model, expected, code in cases:
            for streamed in (False, True):
                if streamed and code in (None, 429, 500):
                    continue  # suspended by the attempt before
                async with official(here, key) as client:
                    call = partial(client.chat.completions.create, model=model, messages=MESSAGES, stream=streamed)
                    with pytest.raises(expected) as caught:
                        await in_thread(call)
                error = caught.value
                assert code is None or error.status_code == code, (model, error)
                assert error.status_code >= 400
                assert "(request id: " in error.message, error
                assert here.provider.url.removeprefix("http://") not in str(error)
                if code == 429:
                    assert error.response.headers["Retry-After"] == "7"
        async with official(here) as client:
            with pytest.raises(openai.NotFoundError):
                await in_thread(lambda: client.get("/no/such/path", cast_to=object))
        await here.assert_charged(0)
