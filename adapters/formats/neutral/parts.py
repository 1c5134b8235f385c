"""What turns are made of: texts, thoughts, pictures, calls of tools and what came of them."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from adapters.formats.neutral.terms import CacheMark, Format, JsonObject


class Citation(msgspec.Struct, kw_only=True):
    """A source of a text. `start` and `end` are character positions in that text, or `None` if unknown."""

    url: str = ""
    title: str = ""
    quote: str = ""
    start: int | None = None
    end: int | None = None
    format: Format | None = None
    value: JsonObject = {}
    """The citation as `format` had it, for what has no member here (encrypted indexes, pages of documents)."""


class Text(msgspec.Struct):
    """What is said."""

    text: str = ""
    cache: CacheMark | None = None
    citations: list[Citation] = []
    signature: str = ""
    """Gemini signs texts, too."""
    signature_format: Format | None = None


class Refusal(msgspec.Struct):
    """The model's words for why it does not answer. Formats without it carry it as text."""

    text: str = ""


class Reasoning(msgspec.Struct, kw_only=True):
    """What the model thought, or a summary of it.

    `signature` proves the thoughts to the provider that made them (Claude's `signature`, Gemini's
    `thoughtSignature`, the `encrypted_content` of Responses). `redacted` is Claude's sealed form of thoughts that
    are not shown; then `text` is empty.
    """

    text: str = ""
    signature: str = ""
    redacted: str = ""
    signature_format: Format | None = None
    id: str = ""
    """The item's id in Responses, which its later turns must repeat."""


class Image(msgspec.Struct, kw_only=True):
    """A picture: by `url`, or base64 `data` with its `media_type`, or `file_id` of a file kept by the provider."""

    url: str = ""
    data: str = ""
    media_type: str = ""
    file_id: str = ""
    detail: str = ""
    """OpenAI's `low`, `high` or `auto`; empty if not given."""
    cache: CacheMark | None = None


class Audio(msgspec.Struct, kw_only=True):
    """Sound as base64 `data`. `transcript` and `id` come with spoken answers; a history may hold only the `id`."""

    data: str = ""
    media_type: str = ""
    """`audio/wav`, `audio/mp3` …: OpenAI's short `format` is the part after the slash."""
    id: str = ""
    transcript: str = ""
    expires_at: int = 0


class File(msgspec.Struct, kw_only=True):
    """A document or a film: base64 `data`, plain `text`, `url` or `file_id`; PDF unless `media_type` says else."""

    data: str = ""
    text: str = ""
    url: str = ""
    file_id: str = ""
    media_type: str = ""
    name: str = ""
    context: str = ""
    """What Claude is told about the document, apart from its content."""
    citations: bool = False
    cache: CacheMark | None = None


class ToolCall(msgspec.Struct, kw_only=True):
    """The model wants a tool used. `arguments` is JSON text, or free text when `custom` is set."""

    id: str
    name: str
    arguments: str = ""
    custom: bool = False
    cache: CacheMark | None = None
    signature: str = ""
    """Gemini's `thoughtSignature`."""
    signature_format: Format | None = None
    item_id: str = ""
    """The item's own id in Responses, where it differs from the call's."""


class ToolResult(msgspec.Struct, kw_only=True):
    """What the tool said: `parts` are texts, images and files. `name` is the tool's, if known (Gemini wants it)."""

    call_id: str
    parts: list[Part] = []
    name: str = ""
    is_error: bool = False
    custom: bool = False
    cache: CacheMark | None = None


class Foreign(msgspec.Struct, kw_only=True):
    """A block that only `format` knows, as it came: hosted tools and their results, compactions …"""

    format: Format
    type: str
    value: JsonObject


Part: TypeAlias = Text | Refusal | Reasoning | Image | Audio | File | ToolCall | ToolResult | Foreign
