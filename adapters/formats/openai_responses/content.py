"""The contents of messages and tool results, in both directions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from adapters.formats.data_url import data_url, split_data_url
from adapters.formats.errors import FormatError
from adapters.formats.neutral.parts import Audio, Citation, File, Foreign, Image, Refusal, Text
from adapters.formats.reading import array, as_object, integer, is_object, member, required_text, text

if TYPE_CHECKING:
    from adapters.formats.neutral.parts import Part
    from adapters.formats.neutral.terms import JsonObject

FORMAT: Final = "openai_responses"
_KNOWN_ANNOTATION = frozenset(["type", "url", "title", "start_index", "end_index"])


def read_content(source: JsonObject, name: str, path: str) -> list[Part]:
    """Return a content that is one string or an array of parts. Raises `FormatError`."""
    value = source.get(name)
    if isinstance(value, str):
        return [Text(value)] if value else []
    inner = f"{path}.{name}"
    return [
        read_part(as_object(item, f"{inner}[{place}]"), f"{inner}[{place}]")
        for place, item in enumerate(array(source, name, path))
    ]


def read_part(part: JsonObject, path: str) -> Part:
    """Return one part. Raises `FormatError`."""
    kind = text(part, "type", path)
    match kind:
        case "input_text" | "text" | "summary_text" | "reasoning_text":
            return Text(text(part, "text", path))
        case "output_text":
            return Text(text(part, "text", path), citations=read_annotations(part, path))
        case "refusal":
            return Refusal(text(part, "refusal", path))
        case "input_image" | "computer_screenshot":
            return _image(part, path)
        case "input_file":
            return _file(part, path)
        case "input_audio":
            audio = member(part, "input_audio", path) or {}
            inner = f"{path}.input_audio"
            wave = text(audio, "format", inner) or "wav"
            return Audio(data=required_text(audio, "data", inner), media_type=f"audio/{wave}")
        case "":
            raise FormatError("is required", path=f"{path}.type")
    return Foreign(format="openai_responses", type=kind, value=part)


def _image(part: JsonObject, path: str) -> Image:
    url, file_id, detail = text(part, "image_url", path), text(part, "file_id", path), text(part, "detail", path)
    if not url and not file_id:
        raise FormatError("needs image_url or file_id", path=path)
    if detail == "auto":
        detail = ""  # the default, which other formats need not hear of
    inline = split_data_url(url)
    if inline is None:
        return Image(url=url, file_id=file_id, detail=detail)
    return Image(media_type=inline[0], data=inline[1], file_id=file_id, detail=detail)


def _file(part: JsonObject, path: str) -> File:
    name, data = text(part, "filename", path), text(part, "file_data", path)
    url, file_id = text(part, "file_url", path), text(part, "file_id", path)
    if not data and not url and not file_id:
        raise FormatError("needs file_data, file_url or file_id", path=path)
    inline = split_data_url(data)
    if inline is not None:
        return File(media_type=inline[0], data=inline[1], name=name)
    return File(media_type="application/pdf" if data else "", data=data, url=url, file_id=file_id, name=name)


def read_annotations(part: JsonObject, path: str) -> list[Citation]:
    """Return the sources of a text. Raises `FormatError`."""
    inner = f"{path}.annotations"
    return [
        read_annotation(as_object(item, f"{inner}[{place}]"), f"{inner}[{place}]")
        for place, item in enumerate(array(part, "annotations", path))
    ]


def read_annotation(item: JsonObject, path: str) -> Citation:
    """Return one source. Raises `FormatError`."""
    if text(item, "type", path) != "url_citation":
        return Citation(title=text(item, "filename", path), format="openai_responses", value=item)
    foreign = item if item.keys() - _KNOWN_ANNOTATION else {}
    return Citation(
        url=text(item, "url", path),
        title=text(item, "title", path),
        start=integer(item, "start_index", path),
        end=integer(item, "end_index", path),
        format="openai_responses" if foreign else None,
        value=foreign,
    )


def write_annotation(citation: Citation) -> JsonObject | None:
    """Return the annotation for a source, or `None` for one without an address."""
    if citation.format == FORMAT and citation.value:
        return citation.value
    if not citation.url:
        return None
    return {
        "type": "url_citation",
        "url": citation.url,
        "title": citation.title,
        "start_index": citation.start or 0,
        "end_index": citation.end or 0,
    }


def write_input_part(part: Part) -> JsonObject | None:
    """Return a part of a user's or developer's message, or of a tool result; `None` if there is no room for it."""
    match part:
        case Text() | Refusal():
            return {"type": "input_text", "text": part.text}
        case Image():
            return _written_image(part)
        case File():
            return _written_file(part)
        case Audio() if part.data:
            wave = part.media_type.removeprefix("audio/")
            return {"type": "input_audio", "input_audio": {"data": part.data, "format": wave}}
        case Foreign(format="openai_responses"):
            return part.value
    return None


def _written_image(image: Image) -> JsonObject | None:
    written: JsonObject = {"type": "input_image"}
    if image.data:
        written["image_url"] = data_url(image.media_type or "image/png", image.data)
    elif image.url:
        written["image_url"] = image.url
    elif image.file_id:
        written["file_id"] = image.file_id
    else:
        return None
    if image.detail:
        written["detail"] = image.detail
    return written


def _written_file(file: File) -> JsonObject | None:
    if file.text:
        return {"type": "input_text", "text": f"{file.name}\n\n{file.text}" if file.name else file.text}
    written: JsonObject = {"type": "input_file"}
    if file.data:
        written["filename"] = file.name or "document.pdf"
        written["file_data"] = data_url(file.media_type or "application/pdf", file.data)
    elif file.url:
        written["file_url"] = file.url
    elif file.file_id:
        written["file_id"] = file.file_id
    else:
        return None
    return written


def write_output_part(part: Text | Refusal) -> JsonObject:
    """Return a part of an assistant's message in a request."""
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": part.text}
    return {"type": "output_text", "text": part.text}


def summary_text(item: JsonObject) -> str:
    """Return the thoughts of a reasoning item: their summary, else themselves."""
    for name in ("summary", "content"):
        value = item.get(name)
        if isinstance(value, list):
            said = [part["text"] for part in value if is_object(part) and isinstance(part.get("text"), str)]
            if any(said):
                return "\n\n".join(str(one) for one in said)
    return ""
