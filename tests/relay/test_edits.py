"""What a provider's row changes in a chat request that passes."""

from __future__ import annotations

import json

import pytest

from adapters.providers.catalogue import load_catalogue
from tests.relay.harness import answer, plane
from tests.relay.views import channel

CATALOGUE = load_catalogue()
ASK = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


async def sent(
    provider_key: str, body: dict[str, object], *, path: str = "", **changes: object
) -> tuple[dict[str, object], str]:
    provider = CATALOGUE.by_key(provider_key)
    assert provider is not None
    values: dict[str, object] = {"type": provider.id, "provider": provider, "models": (body["model"],)} | changes
    async with plane(channels=[channel(1, **values)]) as p:  # type: ignore[arg-type]
        p.transport.script.append(answer())
        got = await p.ask(body, path=f"/v1/chat/completions{path}")
        assert got.status == 200, got.body
    found: dict[str, object] = json.loads(p.transport.bodies[0])
    return found, p.transport.requests[0].url


@pytest.mark.parametrize("key", ["siliconflow", "stepfun", "baichuan", "zhipu", "mistral"])
async def test_the_output_limit_goes_by_the_name_that_the_provider_knows(key: str) -> None:
    body, _ = await sent(key, ASK | {"max_completion_tokens": 7}, key="id.a-secret-of-some-length")
    assert (body.get("max_tokens"), "max_completion_tokens" in body) == (7, False)
    body, _ = await sent(key, ASK | {"max_completion_tokens": 7, "max_tokens": 5}, key="id.a-secret-of-some-length")
    assert (body.get("max_tokens"), "max_completion_tokens" in body) == (5, False)


async def test_others_get_both_names_as_they_come() -> None:
    body, _ = await sent("groq", ASK | {"max_completion_tokens": 7, "max_tokens": 5})
    assert (body["max_completion_tokens"], body["max_tokens"]) == (7, 5)


async def test_models_that_search_are_not_told_how_to_sample() -> None:
    model = "own-search"
    given = {"temperature": 0.5, "top_p": 1, "n": 1, "presence_penalty": 1, "frequency_penalty": 1, "stop": ["x"]}
    body, _ = await sent("openai", {**ASK, "model": model, **given}, base_url="http://u.example")
    assert body == {**ASK, "model": model, "stop": ["x"]}
    body, _ = await sent("openai", {**ASK, "model": "search-x", **given}, base_url="http://u.example")
    assert body == {**ASK, "model": "search-x", **given}


async def test_the_query_goes_on_without_credentials() -> None:
    _, url = await sent(
        "groq", ASK, path="?debug=a+b&key=sk-1&Api_Key=2&access_token=3&empty=&alt=sse", base_url="http://u.example"
    )
    assert url == "http://u.example/v1/chat/completions?debug=a+b"
    query = "?" + "&".join(f"p{place}=1" for place in range(200))
    _, url = await sent("groq", ASK, path=query, base_url="http://u.example")
    assert url == "http://u.example/v1/chat/completions"


async def test_unknown_members_pass_as_they_are() -> None:
    own = {"repetition_penalty": 1.05, "enable_thinking": False, "extra": {"a": [1, None]}}
    message = {"role": "assistant", "content": "{", "partial": True}
    body, _ = await sent("moonshot", {**ASK, **own, "messages": [*ASK["messages"], message]})
    assert body == {**ASK, **own, "messages": [*ASK["messages"], message]}
