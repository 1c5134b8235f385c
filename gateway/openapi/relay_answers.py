"""What the relay answers, as far as the gateway decides it. Answers of providers are passed on as they are."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from gateway.management.shown.envelope import ErrorFacts  # noqa: TC001  pydantic reads it


class ProviderAnswer(BaseModel):
    """An answer in the client's format: the provider's own, or converted from another format."""

    model_config = ConfigDict(extra="allow")


class OpenAIError(BaseModel):
    """An error as clients of OpenAI's formats read it."""

    error: ErrorFacts


class ClaudeFacts(BaseModel):
    """What went wrong."""

    type: str = Field(examples=["invalid_request_error"])
    message: str
    code: JsonValue = None
    param: JsonValue = None


class ClaudeError(BaseModel):
    """An error as Claude's clients read it."""

    type: Literal["error"]
    error: ClaudeFacts
    request_id: str | None


class GoogleFacts(BaseModel):
    """What went wrong."""

    model_config = ConfigDict(extra="allow")

    code: int = Field(examples=[400])
    message: str
    status: str = Field(examples=["INVALID_ARGUMENT"])


class GoogleError(BaseModel):
    """An error as Google's clients read it."""

    error: GoogleFacts


class GoogleModel(BaseModel):
    """A model, as Google lists it."""

    name: str = Field(examples=["models/gemini-2.0-flash"])
    displayName: str  # noqa: N815  Google's spelling
    supportedGenerationMethods: list[str]  # noqa: N815


class GoogleModels(BaseModel):
    """Models, as Google lists them."""

    models: list[GoogleModel]


ERRORS: dict[str, type[BaseModel]] = {"anthropic": ClaudeError, "gemini": GoogleError}
"""How clients of a format read errors; all others read OpenAI's."""
