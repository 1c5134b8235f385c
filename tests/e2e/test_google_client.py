"""The official `google-genai` and `anthropic` packages count, embed and list through the gateway, also over Vertex AI."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anthropic
import pytest
from google import genai
from google.genai import types

from tests.e2e.test_openai_client import in_thread
from tests.support.google import PROJECT, TOKEN, service_account, token_answer
from tests.support.provider import Answer
from tests.support.world import MODEL, World, world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.slow

VERTEX = 42
CANDIDATE = {"content": {"parts": [{"text": "Hi"}], "role": "model"}, "finishReason": "STOP", "index": 0}
USED = {"promptTokenCount": 1000, "candidatesTokenCount": 100, "totalTokenCount": 1100}


@asynccontextmanager
async def google(here: World) -> AsyncIterator[genai.Client]:
    """Give a client. It is used in threads."""
    options = types.HttpOptions(base_url=here.gateway.url, timeout=20_000)
    with genai.Client(api_key=here.key, http_options=options) as client:
        yield client


async def test_google_counts_embeds_and_lists_over_an_openai_channel(tmp_path: Path) -> None:
    async with world(tmp_path, models=(MODEL, "text-embedding-3-small")) as here, google(here) as client:
        counted = await in_thread(lambda: client.models.count_tokens(model=MODEL, contents="one two three"))
        assert counted.total_tokens == 10
        assert here.provider.requests == []
        vectors = [{"index": n, "embedding": [n / 2]} for n in range(2)]
        usage = {"prompt_tokens": 1000, "total_tokens": 1000}
        here.provider.script(Answer(body={"object": "list", "data": vectors, "usage": usage}))
        embedded = await in_thread(
            lambda: client.models.embed_content(model="text-embedding-3-small", contents=["a", "b"])
        )
        assert embedded.embeddings is not None
        assert [one.values for one in embedded.embeddings] == [[0.0], [0.5]]
        listed = await in_thread(lambda: [model.name for model in client.models.list()])
        assert listed == [f"models/{MODEL}", "models/text-embedding-3-small"]
        await here.logs(1)
        # 0.02 USD a million.
        await here.assert_charged(10)


async def test_claude_counts_over_an_openai_channel(tmp_path: Path) -> None:
    async with world(tmp_path) as here:
        with anthropic.Anthropic(base_url=here.gateway.url, auth_token=here.key, max_retries=0) as client:
            counted = await in_thread(
                lambda: client.messages.count_tokens(model=MODEL, messages=[{"role": "user", "content": "Hi"}])
            )
            with pytest.raises(anthropic.InternalServerError, match="No available channels"):
                await in_thread(
                    lambda: client.messages.count_tokens(model="x", messages=[{"role": "user", "content": "Hi"}])
                )
        assert counted.input_tokens == 8
        assert here.provider.requests == []


async def test_vertex_answers_google_with_one_token_for_all(tmp_path: Path) -> None:
    async with world(tmp_path) as here, google(here) as client:
        adc = service_account(token_url=f"{here.provider.url}/token")
        config = {"region": "europe-west1", "vertex_ai_project_id": PROJECT, "vertex_ai_adc": adc}
        await here.root.add_channel(
            base_url=here.provider.url, models=["gemini-2.0-flash"], type=VERTEX, config=json.dumps(config), key="-"
        )
        at = f"/v1/projects/{PROJECT}/locations/europe-west1/publishers/google/models/gemini-2.0-flash"
        here.provider.standing(Answer(body=token_answer()), path="/token")
        answer: dict[str, Any] = {
            "candidates": [CANDIDATE],
            "usageMetadata": USED,
            "modelVersion": "gemini-2.0-flash",
        }
        here.provider.standing(Answer(body=answer), path=f"{at}:generateContent")
        here.provider.standing(Answer(body={"totalTokens": 31}), path=f"{at}:countTokens")
        for _ in range(2):
            said = await in_thread(lambda: client.models.generate_content(model="gemini-2.0-flash", contents="Hi"))
            assert said.text == "Hi"
        counted = await in_thread(lambda: client.models.count_tokens(model="gemini-2.0-flash", contents="Hi"))
        assert counted.total_tokens == 31
    paths = [request.path for request in here.provider.requests]
    assert paths == ["/token", f"{at}:generateContent", f"{at}:generateContent", f"{at}:countTokens"]
    assert {request.headers.get("authorization") for request in here.provider.requests[1:]} == {f"Bearer {TOKEN}"}
