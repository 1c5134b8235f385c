"""What the relay is asked for, as far as the gateway looks at it.

For the document only: nothing is read by these models while a request is relayed, and members that do not stand here
go to the provider all the same. What the relay itself refuses is in `gateway.relay.validate`; a test compares.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from gateway.relay.endpoints import MAX_SPEECH_CHARACTERS, Kind

_MODEL = Field(description="A model's name, as channels have it.", examples=["gpt-4o-mini"])


class _Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class ChatMessage(_Open):
    """One message of a conversation."""

    role: str = Field(examples=["user"])
    content: JsonValue = Field(None, description="A text, or parts: texts, images, sound.", examples=["Hello!"])


class ChatRequest(_Open):
    """OpenAI's Chat Completions."""

    model: str = _MODEL
    messages: list[ChatMessage] = Field(min_length=1)
    stream: bool = Field(False, description="Whether to answer with events as they come.")
    max_tokens: int | None = Field(None, ge=0)
    temperature: float | None = Field(None, ge=0, le=2)


class ResponsesRequest(_Open):
    """OpenAI's Responses."""

    model: str = _MODEL
    input: JsonValue = Field(description="A text, or a list of items.", examples=["Hello!"])
    stream: bool = False
    max_output_tokens: int | None = Field(None, ge=0)


class ClaudeMessage(_Open):
    """One message of a conversation."""

    role: Literal["user", "assistant"]
    content: str = Field(min_length=1, examples=["Hello!"])


class MessagesRequest(_Open):
    """Anthropic's Messages."""

    model: str = _MODEL
    max_tokens: int = Field(ge=1, examples=[256])
    messages: list[ClaudeMessage] = Field(min_length=1)
    stream: bool = False


class GeminiContent(_Open):
    """One turn of a conversation."""

    role: Literal["user", "model"] = "user"
    parts: list[dict[str, JsonValue]] = Field(examples=[[{"text": "Hello!"}]])


class GenerateRequest(_Open):
    """Google's generateContent."""

    contents: list[GeminiContent] = Field(min_length=1)


class EmbedRequest(_Open):
    """Google's embedContent."""

    content: GeminiContent


class BatchEmbedRequest(_Open):
    """Google's batchEmbedContents."""

    requests: list[EmbedRequest] = Field(min_length=1)


class CompletionRequest(_Open):
    """OpenAI's old completions."""

    model: str = _MODEL
    prompt: JsonValue = Field(examples=["Once upon a time"])
    stream: bool = False
    max_tokens: int | None = Field(None, ge=0)


class EmbeddingRequest(_Open):
    """Vectors of texts."""

    model: str = _MODEL
    input: JsonValue = Field(description="A text, or several.", examples=["Hello!"])


class EngineEmbeddingRequest(_Open):
    """Vectors of texts; the path names the model."""

    input: JsonValue = Field(description="A text, or several.", examples=["Hello!"])


class ModerationRequest(_Open):
    """Whether a text is acceptable."""

    model: str = Field("text-moderation-stable", examples=["text-moderation-stable"])
    input: JsonValue = Field(examples=["Hello!"])


class RerankRequest(_Open):
    """How well documents fit a query."""

    model: str = _MODEL
    query: str = Field(examples=["capital of France"])
    documents: list[JsonValue] = Field(min_length=1, examples=[["Paris", "Berlin"]])


class ImageRequest(_Open):
    """A picture of what a prompt says."""

    model: str = Field("dall-e-2", examples=["dall-e-2"])
    prompt: str = Field(min_length=1, examples=["a lighthouse"])
    n: int | None = Field(None, ge=1)
    size: str | None = Field(None, examples=["1024x1024"])


class SpeechRequest(_Open):
    """A text spoken."""

    model: str = Field(examples=["tts-1"])
    input: str = Field(min_length=1, max_length=MAX_SPEECH_CHARACTERS, examples=["Hello!"])
    voice: str = Field("alloy", examples=["alloy"])


class ImageForm(_Open):
    """A picture to change, as a form."""

    model: str = Field("dall-e-2", examples=["dall-e-2"])
    prompt: str = Field(min_length=1, examples=["a lighthouse"])
    image: bytes = Field(json_schema_extra={"format": "binary"})


class SoundForm(_Open):
    """Sound to write down, as a form."""

    model: str = Field("whisper-1", examples=["whisper-1"])
    file: bytes = Field(json_schema_extra={"format": "binary"})
    response_format: str | None = Field(None, examples=["json"])


BODIES: dict[Kind, type[BaseModel]] = {
    Kind.CHAT: ChatRequest,
    Kind.RESPONSES: ResponsesRequest,
    Kind.MESSAGES: MessagesRequest,
    Kind.GENERATE: GenerateRequest,
    Kind.COMPLETIONS: CompletionRequest,
    Kind.EMBEDDINGS: EmbeddingRequest,
    Kind.MODERATIONS: ModerationRequest,
    Kind.RERANK: RerankRequest,
    Kind.IMAGES: ImageRequest,
    Kind.SPEECH: SpeechRequest,
}
FORMS: dict[Kind, type[BaseModel]] = {
    Kind.IMAGE_EDITS: ImageForm,
    Kind.TRANSCRIPTIONS: SoundForm,
    Kind.TRANSLATIONS: SoundForm,
}
