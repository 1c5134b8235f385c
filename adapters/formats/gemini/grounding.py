"""Sources of an answer: Gemini's `groundingMetadata`, with positions in bytes, and neutral citations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.neutral.parts import Citation
from adapters.formats.reading import count, is_array, is_object

if TYPE_CHECKING:
    from adapters.formats.neutral.terms import JsonObject


def read_citations(grounding: JsonObject, said: str) -> list[Citation]:
    """Return a citation for each place that is supported, and for each source that supports none by name."""
    chunks = grounding.get("groundingChunks")
    sources = [_source(chunk) for chunk in chunks] if is_array(chunks) else []
    found: list[Citation] = []
    used: set[int] = set()
    raw = said.encode("utf-8", "surrogatepass")
    supports = grounding.get("groundingSupports")
    for support in supports if is_array(supports) else ():
        segment = support.get("segment") if is_object(support) else None
        places = support.get("groundingChunkIndices") if is_object(support) else None
        if not is_object(segment) or not is_array(places):
            continue
        start, end = _position(raw, count(segment, "startIndex")), _position(raw, count(segment, "endIndex"))
        quote = segment.get("text")
        for place in places:
            if isinstance(place, int) and 0 <= place < len(sources) and (source := sources[place]) is not None:
                used.add(place)
                quoted = quote if isinstance(quote, str) else ""
                found.append(Citation(url=source[0], title=source[1], quote=quoted, start=start, end=end))
    found.extend(
        Citation(url=source[0], title=source[1])
        for place, source in enumerate(sources)
        if source is not None and place not in used
    )
    return found


def _source(chunk: object) -> tuple[str, str] | None:
    if not is_object(chunk):
        return None
    for kind in ("web", "maps", "retrievedContext", "image"):
        source = chunk.get(kind)
        if is_object(source) and isinstance(address := source.get("uri"), str) and address:
            title = source.get("title")
            return address, title if isinstance(title, str) else ""
    return None


def _position(raw: bytes, offset: int) -> int:
    return len(raw[:offset].decode("utf-8", "ignore"))


def write_grounding(citations: list[tuple[Citation, str]]) -> JsonObject:
    """Return `groundingMetadata` for citations, each with the text that it stands in; only addresses are told."""
    chunks: list[JsonObject] = []
    places: dict[tuple[str, str], int] = {}
    supports: list[JsonObject] = []
    for citation, said in citations:
        if not citation.url:
            continue
        key = (citation.url, citation.title)
        if key not in places:
            places[key] = len(chunks)
            chunks.append({"web": {"uri": citation.url, "title": citation.title}})
        if citation.start is not None and citation.end is not None:
            start = len(said[: citation.start].encode("utf-8", "surrogatepass"))
            end = len(said[: citation.end].encode("utf-8", "surrogatepass"))
            text = citation.quote or said[citation.start : citation.end]
            supports.append(
                {
                    "segment": {"startIndex": start, "endIndex": end, "text": text},
                    "groundingChunkIndices": [places[key]],
                }
            )
    written: JsonObject = {"groundingChunks": chunks}
    if supports:
        written["groundingSupports"] = supports
    return written
