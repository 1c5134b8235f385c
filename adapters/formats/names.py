"""What the members of the neutral form are called in each format, for telling a client what was left out.

A client that reads `X-Oneapi-Dropped: stop_sequences` must find that word in its own request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adapters.formats.neutral.parts import Part
    from adapters.formats.neutral.terms import Format

_MEMBERS: dict[str, dict[str, str]] = {
    "openai_chat": {
        "max_output_tokens": "max_tokens",
        "reasoning": "reasoning_effort",
        "cache": "cache_control",
        "hosted_tools": "tools",
    },
    "openai_responses": {
        "response_format": "text.format",
        "verbosity": "text.verbosity",
        "hosted_tools": "tools",
    },
    "anthropic": {
        "max_output_tokens": "max_tokens",
        "stop": "stop_sequences",
        "user": "metadata.user_id",
        "reasoning": "thinking",
        "reasoning.effort": "output_config.effort",
        "response_format": "output_config.format",
        "parallel_tool_calls": "tool_choice.disable_parallel_tool_use",
        "cache": "cache_control",
        "hosted_tools": "tools",
    },
    "gemini": {
        "max_output_tokens": "generationConfig.maxOutputTokens",
        "temperature": "generationConfig.temperature",
        "top_p": "generationConfig.topP",
        "top_k": "generationConfig.topK",
        "stop": "generationConfig.stopSequences",
        "seed": "generationConfig.seed",
        "n": "generationConfig.candidateCount",
        "presence_penalty": "generationConfig.presencePenalty",
        "frequency_penalty": "generationConfig.frequencyPenalty",
        "logprobs": "generationConfig.responseLogprobs",
        "top_logprobs": "generationConfig.logprobs",
        "response_format": "generationConfig.responseSchema",
        "modalities": "generationConfig.responseModalities",
        "audio": "generationConfig.speechConfig",
        "reasoning": "generationConfig.thinkingConfig",
        "tool_choice": "toolConfig.functionCallingConfig",
        "hosted_tools": "tools",
        "metadata": "labels",
    },
}
_CONTENT = {
    "openai_chat": "messages.content",
    "openai_responses": "input",
    "anthropic": "messages.content",
    "gemini": "contents.parts",
}


def name_of(member: str, source: Format) -> str:
    """Return the path of a `Request` member in a request of `source`."""
    return _MEMBERS[source].get(member, member)


def name_of_part(part: Part, source: Format) -> str:
    """Return a path that names the kind of `part` in a request or an answer of `source`."""
    kind = getattr(part, "type", "") or type(part).__name__.lower()
    return f"{_CONTENT[source]}.{kind}"
