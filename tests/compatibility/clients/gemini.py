"""The `google-genai` client."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, ClassVar

from google import genai
from google.genai import errors, types

from tests.compatibility.clients.talk import TIMEOUT_S, Failed, Reply, Talk
from tests.support.wires.said import Call, Used


class GeminiTalk(Talk):
    """See `Talk`. The client of today asks under `/v1` unless told otherwise."""

    name = "google-genai"
    version: ClassVar[str | None] = None
    stops = MappingProxyType(
        {
            "stop": "STOP",
            "length": "MAX_TOKENS",
            "stop_sequence": "STOP",
            "refusal": "SAFETY",
            "calls": "STOP",
        }
    )
    errors = MappingProxyType(
        {400: "ClientError", 401: "ClientError", 429: "ClientError", 500: "ServerError", 0: "ServerError"}
    )

    def _user(self, text: str, image: bytes) -> list[Any]:
        parts = [types.Part.from_text(text=text)]
        if image:
            parts.insert(0, types.Part.from_bytes(data=image, mime_type="image/png"))
        return [types.Content(role="user", parts=parts)]

    def _results(self, calls: list[Call], results: list[str]) -> list[Any]:
        parts = [
            types.Part(
                function_response=types.FunctionResponse(id=call.id, name=call.name, response={"result": result})
            )
            for call, result in zip(calls, results, strict=True)
        ]
        return [types.Content(role="user", parts=parts)]

    def _send(self) -> Reply:
        with self.http() as http:
            options = types.HttpOptions(
                base_url=self.url,
                api_version=self.version,
                timeout=int(TIMEOUT_S * 1000),
                httpx_client=http,
                retry_options=types.HttpRetryOptions(attempts=1),
            )
            client = genai.Client(api_key=self.key, http_options=options)
            try:
                chunks = self._chunks(client)
            except errors.APIError as error:
                raise Failed(error, error.code) from error
        parts: list[types.Part] = []
        for chunk in chunks:
            candidate = (chunk.candidates or [types.Candidate()])[0]
            parts += (candidate.content.parts or []) if candidate.content else []
        last = chunks[-1]
        self.turns.append(types.Content(role="model", parts=parts))
        candidate = (last.candidates or [types.Candidate()])[0]
        return Reply(
            text="".join(part.text or "" for part in parts if not part.thought),
            thoughts="".join(part.text or "" for part in parts if part.thought),
            calls=[
                Call(
                    id=part.function_call.id or part.function_call.name or "",
                    name=part.function_call.name or "",
                    arguments=part.function_call.args or {},
                )
                for part in parts
                if part.function_call
            ],
            stop=candidate.finish_reason.value if candidate.finish_reason else "",
            used=_used(last.usage_metadata),
            parsed=last.parsed,
            model=last.model_version or "",
        )

    def _chunks(self, client: genai.Client) -> list[types.GenerateContentResponse]:
        wishes = self.wishes
        config = types.GenerateContentConfig(
            max_output_tokens=wishes.limit,
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        )
        if wishes.system:
            config.system_instruction = wishes.system
        if wishes.tools:
            functions = [
                types.FunctionDeclaration(
                    name=tool.name, description=tool.description, parameters_json_schema=dict(tool.parameters)
                )
                for tool in wishes.tools
            ]
            config.tools = [types.Tool(function_declarations=functions)]
        if wishes.thinks:
            config.thinking_config = types.ThinkingConfig(include_thoughts=True, thinking_budget=2048)
        if wishes.stops:
            config.stop_sequences = list(wishes.stops)
        if wishes.shape:
            config.response_mime_type = "application/json"
            config.response_schema = wishes.shape
        asked: dict[str, Any] = {"model": wishes.model, "contents": self.turns, "config": config}
        if wishes.streams:
            return list(client.models.generate_content_stream(**asked))
        return [client.models.generate_content(**asked)]


class GeminiBetaTalk(GeminiTalk):
    """The same under `/v1beta`, where Gemini CLI and older clients ask."""

    name = "google-genai v1beta"
    version = "v1beta"


def _used(usage: Any) -> Used:
    cached, thoughts = usage.cached_content_token_count or 0, usage.thoughts_token_count or 0
    answer = usage.candidates_token_count or 0
    assert usage.total_token_count == usage.prompt_token_count + answer + thoughts
    return Used(fresh=usage.prompt_token_count - cached, cached=cached, answer=answer, thoughts=thoughts)
