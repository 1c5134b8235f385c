"""The `anthropic` client."""

from __future__ import annotations

import base64
from types import MappingProxyType
from typing import Any

import anthropic

from tests.compatibility.clients.talk import Failed, Reply, Talk
from tests.support.wires.said import Call, Used


class ClaudeTalk(Talk):
    """See `Talk`."""

    name = "anthropic"
    stops = MappingProxyType(
        {
            "stop": "end_turn",
            "length": "max_tokens",
            "stop_sequence": "stop_sequence",
            "refusal": "refusal",
            "calls": "tool_use",
        }
    )
    errors = MappingProxyType(
        {
            400: "BadRequestError",
            401: "AuthenticationError",
            429: "RateLimitError",
            500: "InternalServerError",
            0: "APIStatusError",
        }
    )

    def _user(self, text: str, image: bytes) -> list[Any]:
        if not image:
            return [{"role": "user", "content": text}]
        source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(image).decode()}
        return [{"role": "user", "content": [{"type": "image", "source": source}, {"type": "text", "text": text}]}]

    def _results(self, calls: list[Call], results: list[str]) -> list[Any]:
        content = [
            {"type": "tool_result", "tool_use_id": call.id, "content": result}
            for call, result in zip(calls, results, strict=True)
        ]
        return [{"role": "user", "content": content}]

    def _send(self) -> Reply:
        with self.http() as http:
            client = anthropic.Anthropic(base_url=self.url, auth_token=self.key, max_retries=0, http_client=http)
            try:
                message = self._message(client)
            except anthropic.APIStatusError as error:
                raise Failed(error, error.status_code) from error
            except anthropic.APIError as error:
                raise Failed(error, 0) from error
        self.turns.append({"role": "assistant", "content": message.content})
        return Reply(
            text="".join(block.text for block in message.content if block.type == "text"),
            thoughts="".join(block.thinking for block in message.content if block.type == "thinking"),
            calls=[
                Call(id=block.id, name=block.name, arguments=block.input)
                for block in message.content
                if block.type == "tool_use"
            ],
            stop=str(message.stop_reason),
            used=_used(message.usage),
            parsed=getattr(message, "parsed_output", None),
            model=message.model,
        )

    def _message(self, client: anthropic.Anthropic) -> Any:
        wishes = self.wishes
        asked: dict[str, Any] = {"model": wishes.model, "messages": self.turns, "max_tokens": wishes.limit}
        if wishes.system:
            asked["system"] = wishes.system
        if wishes.tools:
            asked["tools"] = [
                {"name": tool.name, "description": tool.description, "input_schema": tool.parameters}
                for tool in wishes.tools
            ]
        if wishes.thinks:
            asked["thinking"] = {"type": "enabled", "budget_tokens": 2048}
        if wishes.stops:
            asked["stop_sequences"] = list(wishes.stops)
        if wishes.streams:
            with client.messages.stream(
                **asked, **({"output_format": wishes.shape} if wishes.shape else {})
            ) as stream:
                return stream.get_final_message()
        if wishes.shape:
            return client.messages.parse(**asked, output_format=wishes.shape)
        return client.messages.create(**asked)


def _used(usage: Any) -> Used:
    details = usage.output_tokens_details
    thoughts = details.thinking_tokens if details else 0
    return Used(
        fresh=usage.input_tokens,
        cached=usage.cache_read_input_tokens or 0,
        written=usage.cache_creation_input_tokens or 0,
        answer=usage.output_tokens - thoughts,
        thoughts=thoughts,
    )
