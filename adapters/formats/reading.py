"""JSON that strangers wrote, read with care.

`load` and `dump` are the only ways in and out. In between, values are plain Python objects, and each reader below
either returns the type it promises or raises `FormatError` with the place; `None` (JSON's null) always counts as
"not there". Readers take the object and the name of the member, so that codecs read like the tables they implement.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeGuard

import msgspec

from adapters.formats.errors import FormatError

if TYPE_CHECKING:
    from adapters.formats.neutral.terms import JsonObject

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_MAX_INTEGER = 2**53
"""Beyond it JSON numbers are not exact, and no count or limit is that large."""


def load(raw: bytes) -> JsonObject:
    """Return the JSON object in `raw`. Raises `FormatError` for anything else."""
    try:
        value = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FormatError(f"not valid JSON ({error})") from None
    except RecursionError:
        raise FormatError("JSON is nested too deeply") from None
    if not is_object(value):
        raise FormatError("expected a JSON object")
    return value


def load_any(text: str | bytes) -> object:
    """Return the JSON value in `text`. Raises `FormatError`."""
    try:
        value: object = _decode(text)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise FormatError(f"not valid JSON ({error})") from None
    except RecursionError:
        raise FormatError("JSON is nested too deeply") from None
    return value


def dump(value: object) -> bytes:
    """Return `value` as JSON. Raises `FormatError` where JSON has no room for it (numbers of 100 digits)."""
    try:
        return _encode(value)
    except RecursionError:
        raise FormatError("JSON is nested too deeply") from None
    except (msgspec.MsgspecError, ValueError, OverflowError) as error:
        raise FormatError(f"cannot be written as JSON ({error})") from None


def dump_text(value: object) -> str:
    """Return `value` as JSON text. Raises `FormatError`."""
    return dump(value).decode()


def is_object(value: object) -> TypeGuard[JsonObject]:
    """JSON objects have text keys only, so a `dict` out of `load` is one."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[object]]:
    """Whether `value` is a JSON array."""
    return isinstance(value, list)


def as_object(value: object, path: str) -> JsonObject:
    """Return `value` if it is an object."""
    if not is_object(value):
        raise FormatError("expected an object", path=path)
    return value


def at(path: str, name: str) -> str:
    """Return the path of a member."""
    return f"{path}.{name}" if path else name


def text(source: JsonObject, name: str, path: str = "") -> str:
    """Return a text member; empty if missing."""
    value = source.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise FormatError("expected a string", path=at(path, name))
    return value


def required_text(source: JsonObject, name: str, path: str = "") -> str:
    """Return a text member that must be there and not empty."""
    value = text(source, name, path)
    if not value:
        raise FormatError("is required", path=at(path, name))
    return value


def flag(source: JsonObject, name: str, path: str = "") -> bool | None:
    """Return a true-or-false member."""
    value = source.get(name)
    if value is None or isinstance(value, bool):
        return value
    raise FormatError("expected true or false", path=at(path, name))


def number(source: JsonObject, name: str, path: str = "") -> float | None:
    """Return a finite number, an integer where it was written as one."""
    value = source.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not _is_sane(value):
        raise FormatError("expected a number", path=at(path, name))
    return value


def integer(source: JsonObject, name: str, path: str = "") -> int | None:
    """Return a whole number; `3.0` is one."""
    value = number(source, name, path)
    if value is None:
        return None
    if value != int(value):
        raise FormatError("expected a whole number", path=at(path, name))
    return int(value)


def count(source: JsonObject, name: str) -> int:
    """Return a figure of a provider's usage: what is no sensible number counts as 0, since an answer must not
    fail over it."""
    value = source.get(name)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and _is_sane(value):
        return max(int(value), 0)
    return 0


def member(source: JsonObject, name: str, path: str = "") -> JsonObject | None:
    """Return an object member."""
    value = source.get(name)
    if value is None or is_object(value):
        return value
    raise FormatError("expected an object", path=at(path, name))


def array(source: JsonObject, name: str, path: str = "") -> list[object]:
    """Return an array member; empty if missing."""
    value = source.get(name)
    if value is None:
        return []
    if not is_array(value):
        raise FormatError("expected an array", path=at(path, name))
    return value


def texts(source: JsonObject, name: str, path: str = "") -> list[str]:
    """Return an array of texts; one text alone is an array of one."""
    value = source.get(name)
    if isinstance(value, str):
        return [value]
    found: list[str] = []
    for place, item in enumerate(array(source, name, path)):
        if not isinstance(item, str):
            raise FormatError("expected a string", path=f"{at(path, name)}[{place}]")
        found.append(item)
    return found


def unknown(source: JsonObject, known: frozenset[str], path: str = "") -> JsonObject:
    """Return the members that are not `known` and not null, by their full path."""
    if source.keys() <= known:
        return {}
    return {at(path, name): value for name, value in source.items() if name not in known and value is not None}


def _is_sane(value: float) -> bool:
    return math.isfinite(value) and abs(value) < _MAX_INTEGER
