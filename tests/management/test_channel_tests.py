"""A channel test asks each type in its own format, for what its model is for, and reads the provider's own answer."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
import trio

from tests.management.site import Site
from tests.support.provider import Answer, Received, failure, provider

CHAT = {
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "4"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 7, "completion_tokens": 1},
}
VECTORS = {"data": [{"index": 0, "embedding": [0.25, 0.5]}], "usage": {"prompt_tokens": 3, "total_tokens": 3}}
DASHSCOPE = "/api/v1/services"
ERNIE = "/rpc/2.0/ai_custom/v1/wenxinworkshop"


class Case(NamedTuple):
    """A channel, the model that is tested, what its provider answers by path, and what the test says."""

    type: int
    model: str
    answers: dict[str, object]
    text: str = "4"
    key: str = "sk-upstream"
    config: Mapping[str, str] = MappingProxyType({})


CASES = {
    "openai": Case(1, "gpt-4o", {"/v1/chat/completions": CHAT}),
    "openai, over Responses": Case(
        1,
        "gpt-5-pro",
        {
            "/v1/responses": {
                "id": "r",
                "status": "completed",
                "output": [
                    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "4"}]}
                ],
                "usage": {"input_tokens": 7, "output_tokens": 1},
            }
        },
    ),
    "openai, embeddings": Case(1, "text-embedding-3-small", {"/v1/embeddings": VECTORS}, "an embedding"),
    "openai, completions": Case(
        1, "gpt-3.5-turbo-instruct", {"/v1/completions": {"choices": [{"text": "4"}], "usage": {}}}
    ),
    "openai, moderations": Case(
        1, "omni-moderation-latest", {"/v1/moderations": {"results": [{"flagged": False}]}}, "a moderation"
    ),
    "openai, speech": Case(1, "tts-1", {"/v1/audio/speech": b"ID3 sound"}, "speech"),
    "openai, images": Case(
        1, "dall-e-3", {"/v1/images/generations": {"data": [{"url": "http://x/y.png"}]}}, "an image"
    ),
    "azure": Case(3, "gpt-4o", {"/openai/deployments/gpt-4o/chat/completions": CHAT}),
    "groq, transcription": Case(
        29, "whisper-large-v3", {"/v1/audio/transcriptions": {"text": "silence"}}, "a transcription"
    ),
    "anthropic": Case(
        14,
        "claude-3-haiku-20240307",
        {
            "/v1/messages": {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "text", "text": "4"}],
                "stop_reason": "end_turn",
                "usage": {"input_tokens": 7, "output_tokens": 1},
            }
        },
    ),
    "bedrock, Claude": Case(
        33,
        "claude-3-haiku-20240307",
        {
            "/model/anthropic.claude-3-haiku-20240307-v1%3A0/invoke": {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "text", "text": "4"}],
                "stop_reason": "end_turn",
                "usage": {"input_tokens": 7, "output_tokens": 1},
            }
        },
        config={"region": "il-central-1", "ak": "AKIDEXAMPLE", "sk": "wJalrXUtnFEMI"},
    ),
    "bedrock, others": Case(
        33,
        "llama3-3-70b-128k",
        {
            "/model/meta.llama3-3-70b-instruct-v1%3A0/converse": {
                "output": {"message": {"role": "assistant", "content": [{"text": "4"}]}},
                "stopReason": "end_turn",
                "usage": {"inputTokens": 7, "outputTokens": 1},
            }
        },
        config={"region": "il-central-1"},
    ),
    "gemini": Case(
        24,
        "gemini-2.5-flash",
        {
            "/v1beta/models/gemini-2.5-flash:generateContent": {
                "candidates": [{"content": {"role": "model", "parts": [{"text": "4"}]}, "finishReason": "STOP"}],
                "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 1},
            }
        },
    ),
    "ali": Case(
        17,
        "qwen-turbo",
        {
            f"{DASHSCOPE}/aigc/text-generation/generation": {
                "output": CHAT,
                "usage": {"input_tokens": 7, "output_tokens": 1},
                "request_id": "r",
            }
        },
    ),
    "ali, embeddings": Case(
        17,
        "text-embedding-v3",
        {
            f"{DASHSCOPE}/embeddings/text-embedding/text-embedding": {
                "output": {"embeddings": [{"text_index": 0, "embedding": [0.5]}]},
                "usage": {"total_tokens": 3},
            }
        },
        "an embedding",
    ),
    "ali, images": Case(
        17,
        "wanx-v1",
        {
            f"{DASHSCOPE}/aigc/text2image/image-synthesis": {"output": {"task_id": "t", "task_status": "PENDING"}},
            "/api/v1/tasks/t": {
                "output": {"task_id": "t", "task_status": "SUCCEEDED", "results": [{"url": "http://x/y.png"}]}
            },
        },
        "an image",
    ),
    "xai, images": Case(
        45, "grok-2-image", {"/v1/images/generations": {"data": [{"url": "http://x/y.png"}]}}, "an image"
    ),
    "baidu": Case(
        15,
        "ERNIE-4.0-8K",
        {
            "/oauth/2.0/token": {"access_token": "t", "expires_in": 2592000},
            f"{ERNIE}/chat/completions_pro": {"result": "4", "usage": {"prompt_tokens": 7, "total_tokens": 8}},
        },
        key="a|b",
    ),
    "tencent": Case(
        23,
        "hunyuan-lite",
        {
            "/": {
                "Response": {
                    "Choices": [{"Message": {"Role": "assistant", "Content": "4"}, "FinishReason": "stop"}],
                    "Usage": {"PromptTokens": 7, "CompletionTokens": 1, "TotalTokens": 8},
                }
            }
        },
        key="1|id|secret",
    ),
    "zhipu": Case(16, "glm-4-flash", {"/api/paas/v4/chat/completions": CHAT}, key="id.secret"),
    "cohere": Case(
        35,
        "command-r",
        {
            "/v1/chat": {
                "response_id": "r",
                "text": "4",
                "finish_reason": "COMPLETE",
                "meta": {"tokens": {"input_tokens": 7, "output_tokens": 1}},
            }
        },
    ),
    "cohere, rerank": Case(
        35, "rerank-v3.5", {"/v2/rerank": {"results": [{"index": 0, "relevance_score": 0.9}]}}, "a ranking"
    ),
    "coze": Case(
        34,
        "bot-1",
        {
            "/open_api/v2/chat": {
                "code": 0,
                "conversation_id": "c",
                "messages": [{"role": "assistant", "type": "answer", "content": "4"}],
            }
        },
    ),
    "ollama": Case(
        30,
        "qwen2.5:0.5b",
        {
            "/api/chat": {
                "message": {"role": "assistant", "content": "4"},
                "done": True,
                "prompt_eval_count": 7,
                "eval_count": 1,
            }
        },
    ),
    "deepl": Case(38, "deepl-zh", {"/v2/translate": {"translations": [{"text": "4"}]}}),
    "palm": Case(
        11,
        "PaLM-2",
        {"/v1beta2/models/chat-bison-001:generateMessage": {"candidates": [{"author": "1", "content": "4"}]}},
    ),
    "aiproxy's library": Case(
        21,
        "gpt-4o",
        {"/api/library/ask": {"success": True, "answer": "4", "documents": []}},
        config={"library_id": "7"},
    ),
    "minimax": Case(27, "abab6.5s-chat", {"/v1/text/chatcompletion_v2": CHAT}),
    "cloudflare": Case(
        37,
        "@cf/meta/llama-3.2-1b-instruct",
        {"/client/v4/accounts/me/ai/v1/chat/completions": CHAT},
        config={"user_id": "me"},
    ),
    "compatible": Case(50, "my-own", {"/chat/completions": CHAT}),
}


def answering(case: Case) -> Any:
    def answer(request: Received) -> Answer:
        body = case.answers.get(request.path.partition("?")[0])
        if body is None:
            return failure(404, message=f"nothing at {request.path}")
        if isinstance(body, bytes):
            return Answer(body=body, headers=(("Content-Type", "audio/mpeg"),))
        return Answer(body=body)  # type: ignore[arg-type]  # any JSON

    return answer


async def added(site: Site, url: str, case: Case) -> int:
    body = {
        "name": "one",
        "type": case.type,
        "key": case.key,
        "base_url": url,
        "models": case.model,
        "group": "default",
        "config": json.dumps(dict(case.config)),
    }
    await site.root.call("POST", "/api/channel/", json=body)
    return int((await site.root.call("GET", "/api/channel/"))[0]["id"])


@pytest.mark.parametrize("name", CASES)
async def test_each_type_is_asked_in_its_own_format(site: Site, name: str) -> None:
    case = CASES[name]
    async with provider() as upstream:
        upstream.responder = answering(case)
        number = await added(site, upstream.url, case)
        result = (await site.root.send("GET", f"/api/channel/test/{number}")).json()
    assert (result["success"], result["message"], result["modelName"]) == (True, case.text, case.model)


async def test_a_test_costs_what_the_provider_asks_whatever_clients_pay(site: Site) -> None:
    async with provider() as upstream:
        upstream.responder = answering(CASES["anthropic"])
        number = await added(site, upstream.url, CASES["anthropic"])
        own = {"model_configs": {"claude-3-haiku-20240307": {"ratio": 1000}}}
        await site.root.call("PUT", f"/api/channel/pricing/{number}", json=own)
        await site.root.send("GET", f"/api/channel/test/{number}")
    (entry,) = await site.root.call("GET", "/api/log/", params={"type": 5})
    assert (entry["prompt_tokens"], entry["completion_tokens"], entry["quota"]) == (7, 1, 2)


async def test_an_error_inside_an_answer_fails_the_test(site: Site) -> None:
    error = {"base_resp": {"status_code": 1004, "status_msg": "login fail"}}
    case = Case(27, "abab6.5s-chat", {"/v1/text/chatcompletion_v2": error})
    async with provider() as upstream:
        upstream.responder = answering(case)
        number = await added(site, upstream.url, case)
        result = (await site.root.send("GET", f"/api/channel/test/{number}")).json()
    assert (result["success"], result["message"]) == (False, "login fail")


async def test_a_key_that_no_token_is_given_for_fails_the_test(site: Site) -> None:
    case = CASES["baidu"]
    refusing = case._replace(
        answers={"/oauth/2.0/token": {"error": "invalid_client", "error_description": "no such"}}
    )
    async with provider() as upstream:
        upstream.responder = answering(refusing)
        number = await added(site, upstream.url, refusing)
        result = (await site.root.send("GET", f"/api/channel/test/{number}")).json()
    assert result["success"] is False
    assert "a|b" not in result["message"]


@pytest.mark.parametrize(("kind", "model"), [(1, "gpt-realtime"), (43, "anything")])
async def test_what_cannot_be_tested_is_said_without_asking(site: Site, kind: int, model: str) -> None:
    async with provider() as upstream:
        number = await added(site, upstream.url, Case(kind, model, {}))
        result = (await site.root.send("GET", f"/api/channel/test/{number}")).json()
        assert upstream.requests == []
    assert result["success"] is False
    assert "cannot be tested" in result["message"]


async def test_the_model_to_test_is_one_that_costs_little(site: Site) -> None:
    models = "dall-e-3,gpt-realtime,text-embedding-3-small,gpt-4o,gpt-4o-mini"
    async with provider() as upstream:
        upstream.responder = answering(CASES["openai"])
        number = await added(site, upstream.url, CASES["openai"]._replace(model=models))
        result = (await site.root.send("GET", f"/api/channel/test/{number}")).json()
    assert result["modelName"] == "gpt-4o-mini"


async def test_a_round_tests_some_channels_at_once_and_never_all(site: Site) -> None:
    async with provider() as upstream:
        upstream.standing(Answer(head_after_s=math.inf))
        for _ in range(8):
            await added(site, upstream.url, CASES["openai"])
        await site.root.call("GET", "/api/channel/test")
        await upstream.wait_requests(5)
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert upstream.running == 5


async def test_a_round_can_be_stopped(site: Site) -> None:
    async with provider() as upstream:
        upstream.standing(Answer(head_after_s=math.inf))
        await added(site, upstream.url, CASES["openai"])
        await site.root.call("GET", "/api/channel/test")
        await upstream.wait_requests(1)
        await site.root.call("DELETE", "/api/channel/test")
        await upstream.requests[0].wait_gone()
        # Nothing runs any more, so that another round may begin.
        await site.root.call("GET", "/api/channel/test")
        await upstream.wait_requests(2)
        assert (await site.root.call("GET", "/api/channel/"))[0]["test_time"] == 0
    assert site.notes.named("channel.test")[0] == "stopped as asked to: test all"
