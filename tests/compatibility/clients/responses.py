"""The `openai` client's Responses API."""

from __future__ import annotations

import base64
import json
from types import MappingProxyType
from typing import Any

import openai

from tests.compatibility.clients.talk import Failed, Reply, Talk
from tests.support.wires.said import Call, Used


class ResponsesTalk(Talk):
    """See `Talk`. Nothing is kept at the provider: thoughts travel sealed."""

    name = "openai responses"
    stops = MappingProxyType(
        {
            "stop": "completed",
            "length": "incomplete: max_output_tokens",
            "stop_sequence": "completed",
            "refusal": "incomplete: content_filter",
            "calls": "completed",
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
        parts = [
            {"type": "input_text", "text": text},
            {"type": "input_image", "image_url": url, "detail": "auto"},
        ]
        return [{"role": "user", "content": parts}]

    def _results(self, calls: list[Call], results: list[str]) -> list[Any]:
        return [
            {"type": "function_call_output", "call_id": call.id, "output": result}
            for call, result in zip(calls, results, strict=True)
        ]

    def _send(self) -> Reply:
        with self.http() as http:
            client = openai.OpenAI(base_url=f"{self.url}/v1", api_key=self.key, max_retries=0, http_client=http)
            try:
                response = self._respond(client)
            except openai.APIStatusError as error:
                raise Failed(error, error.status_code) from error
            except openai.APIError as error:
                raise Failed(error, 0) from error
        self.turns += response.output
        details = response.incomplete_details
        return Reply(
            text=response.output_text,
            thoughts="".join(
                part.text for item in response.output if item.type == "reasoning" for part in item.summary
            ),
            calls=[
                Call(id=item.call_id, name=item.name, arguments=json.loads(item.arguments))
                for item in response.output
                if item.type == "function_call"
            ],
            stop=f"{response.status}: {details.reason}" if details else str(response.status),
            used=_used(response.usage),
            parsed=getattr(response, "output_parsed", None),
            model=response.model,
        )

    def _respond(self, client: openai.OpenAI) -> Any:
        wishes = self.wishes
        asked: dict[str, Any] = {
            "model": wishes.model,
            "input": self.turns,
            "max_output_tokens": wishes.limit,
            "store": False,
        }
        if wishes.system:
            asked["instructions"] = wishes.system
        if wishes.tools:
            asked["tools"] = [
                {
                    "type": "function",
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": tool.parameters,
                    "strict": True,
                }
                for tool in wishes.tools
            ]
        if wishes.thinks:
            asked["reasoning"] = {"effort": "medium", "summary": "auto"}
            asked["include"] = ["reasoning.encrypted_content"]
        if wishes.streams:
            with client.responses.stream(
                **asked, **({"text_format": wishes.shape} if wishes.shape else {})
            ) as stream:
                final = None
                for event in stream:
                    if event.type in ("response.completed", "response.incomplete", "response.failed"):
                        final = event.response
                assert final is not None
                return final
        if wishes.shape:
            return client.responses.parse(**asked, text_format=wishes.shape)
        return client.responses.create(**asked)


def _used(usage: Any) -> Used:
    before, after = usage.input_tokens_details, usage.output_tokens_details
    written = getattr(before, "cache_write_tokens", 0) or 0
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens
    return Used(
        fresh=usage.input_tokens - before.cached_tokens - written,
        cached=before.cached_tokens,
        written=written,
        answer=usage.output_tokens - after.reasoning_tokens,
        thoughts=after.reasoning_tokens,
    )
