"""`cache_control`, Claude's mark for caching, which clients of Chat use as well."""

from __future__ import annotations

from adapters.formats.neutral.terms import CacheMark, JsonObject
from adapters.formats.reading import at, member, text


def cache_mark(source: JsonObject, path: str = "") -> CacheMark | None:
    """Return the mark on a part, a tool or a request. Raises `FormatError` if it is no object."""
    value = member(source, "cache_control", path)
    return None if value is None else CacheMark(ttl=text(value, "ttl", at(path, "cache_control")))


def cache_control(mark: CacheMark) -> JsonObject:
    """Return the wire form of a mark."""
    return {"type": "ephemeral", "ttl": mark.ttl} if mark.ttl else {"type": "ephemeral"}
