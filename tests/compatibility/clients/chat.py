"""The `openai` client's Chat Completions."""

from __future__ import annotations

import base64
import json
from types import MappingProxyType
from typing import Any

import openai

from tests.compatibility.clients.talk import Failed, Reply, Talk
from tests.support.wires.said import Call, Used


class ChatTalk(Talk):
    """See `Talk`."""

    name = "openai chat"
    stops = MappingProxyType(
        {
            "stop": "stop",
            "length": "length",
            "stop_sequence": "stop",
            "refusal": "content_filter",
            "calls": "tool_calls",
        }
    )
    errors = MappingProxyType(
        {
            400: "BadRequestError",
            401: "AuthenticationError",
            429: "RateLimitError",
            500: "InternalServerError",
            0: "APIError",
        }
    )

    def _user(self, text: str, image: bytes) -> list[Any]:
        if not image:
            return [{"role": "user", "content": text}]
        url = f"data:image/png;base64,{base64.b64encode(image).decode()}"
        parts = [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": url}}]
        return [{"role": "user", "content": parts}]

    def _results(self, calls: list[Call], results: list[str]) -> list[Any]:
        return [
            {"role": "tool", "tool_call_id": call.id, "content": result}
            for call, result in zip(calls, results, strict=True)
        ]

    def _send(self) -> Reply:
        with self.http() as http:
            client = openai.OpenAI(base_url=f"{self.url}/v1", api_key=self.key, max_retries=0, http_client=http)
            try:
                completion = self._complete(client)
            except openai.APIStatusError as error:
                raise Failed(error, error.status_code) from error
            except openai.APIError as error:
                raise Failed(error, 0) from error
        choice = completion.choices[0]
        message = choice.message
        self.turns.append(message)
        extra = message.model_extra or {}
        return Reply(
            text=message.content or "",
            thoughts=extra.get("reasoning") or extra.get("reasoning_content") or "",
            calls=[
                Call(id=call.id, name=call.function.name, arguments=json.loads(call.function.arguments))
                for call in message.tool_calls or ()
            ],
            stop=choice.finish_reason,
            used=_used(completion.usage),
            parsed=getattr(message, "parsed", None),
            model=completion.model,
        )

    def _complete(self, client: openai.OpenAI) -> Any:
        wishes = self.wishes
        asked: dict[str, Any] = {
            "model": wishes.model,
            "messages": [*([{"role": "system", "content": wishes.system}] if wishes.system else []), *self.turns],
            "max_completion_tokens": wishes.limit,
        }
        if wishes.tools:
            asked["tools"] = [
                {
                    "type": "function",
                    "function": {
                        "name": tool.name,
                        "description": tool.description,
                        "parameters": tool.parameters,
                        "strict": True,
                    },
                }
                for tool in wishes.tools
            ]
        if wishes.thinks:
            asked["reasoning_effort"] = "medium"
        if wishes.summarises:
            asked["extra_body"] = {"reasoning": {"summary": "auto"}}
        if wishes.stops:
            asked["stop"] = list(wishes.stops)
        if wishes.streams:
            with client.chat.completions.stream(
                **asked,
                stream_options={"include_usage": True},
                **({"response_format": wishes.shape} if wishes.shape else {}),
            ) as stream:
                # The client refuses to give a final answer of one that was cut short; the snapshot is the same.
                for _ in stream:
                    pass
                return stream.current_completion_snapshot
        if wishes.shape:
            return client.chat.completions.parse(**asked, response_format=wishes.shape)
        return client.chat.completions.create(**asked)


def _used(usage: Any) -> Used:
    before, after = usage.prompt_tokens_details, usage.completion_tokens_details
    written = (before.model_extra or {}).get("cache_write_tokens", getattr(before, "cache_write_tokens", 0)) or 0
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    return Used(
        fresh=usage.prompt_tokens - before.cached_tokens - written,
        cached=before.cached_tokens,
        written=written,
        answer=usage.completion_tokens - after.reasoning_tokens,
        thoughts=after.reasoning_tokens,
    )
