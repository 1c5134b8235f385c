"""Recorded messages."""

from __future__ import annotations

from pydantic import Field, JsonValue

from gateway.management.shown.envelope import Shown


class RecordedMessages(Shown):
    """What one request said and was answered."""

    request_id: str
    created_at: int = Field(description="When it ended, in Unix milliseconds.")
    format: str = Field(
        description="The client's: openai_chat, openai_responses, anthropic, gemini; empty: none of them."
    )
    endpoint: str = Field(examples=["chat_completions"])
    status: int = Field(description="Of the answer.", examples=[200])
    request: JsonValue = Field(
        description="The body as the client sent it; a text where it was cut and is no JSON any more."
    )
    answer: JsonValue = Field(
        description="As the client got it; streams are put together to the answer that they were."
    )
    error: str = Field(description="Why a stream broke off, if the client was told.")
    request_bytes: int = Field(description="How long the body was.")
    answer_bytes: int = Field(description="How many bytes the client was sent.")
    request_cut: bool = Field(description="Not all of the request was kept.")
    answer_cut: bool = Field(description="Not all of the answer was kept.")
    whole: bool = Field(description="The answer came to its end.")
