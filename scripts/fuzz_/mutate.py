"""Mutations that keep most of a document: JSON is changed value by value, streams event by event.

Plain flips of bytes hardly get past a JSON parser; these reach what stands behind it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from random import Random

Json: TypeAlias = Any
SCALARS: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**53, -(2**53), 2**64, 10**30, 0.5, -0.0, 1e308, 1e-320, "", "a", "0",
    "null", "\u0000", "\ud83d", "é" * 40, "data:image/png;base64,aaaa", "data:", "https://e.example/a.png", "{", "[]",
    "{}", "text", "one-api.anthropic.x", "one-api.", "b25lLWFwaS5nZW1pbmkueA==", "=", [], {}, [[]], [None], {"": ""},
    {"type": "text"},
)  # fmt: skip
_DEEPEST = 40
LONGEST = 20_000
"""Bytes. Documents that are put into themselves would soon be too long to get through."""


def mutated(raw: bytes, random: Random, *, is_json: bool, others: tuple[bytes, ...] = ()) -> bytes:
    """Return a changed `raw`; `others` lend their values."""
    times = 1 + int(random.expovariate(0.7))
    for _ in range(times):
        if len(raw) > LONGEST:
            return raw[:LONGEST]
        if random.random() < 0.05:
            raw = _bytes(raw, random)
        elif is_json:
            raw = _document(raw, random, others)
        else:
            raw = _stream(raw, random, others)
    return raw


def _bytes(raw: bytes, random: Random) -> bytes:
    at = random.randrange(len(raw) + 1)
    match random.randrange(4):
        case 0:
            return raw[:at]
        case 1:
            return raw[:at] + bytes([random.randrange(256)]) + raw[at + 1 :]
        case 2:
            return raw[:at] + random.randbytes(random.randrange(1, 6)) + raw[at:]
    end = min(len(raw), at + random.randrange(1, 30))
    return raw[:at] + raw[at:end] * random.randrange(3) + raw[end:]


def _document(raw: bytes, random: Random, others: tuple[bytes, ...]) -> bytes:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return _bytes(raw, random)
    return _dump(_changed(value, random, others))


def _stream(raw: bytes, random: Random, others: tuple[bytes, ...]) -> bytes:
    events = raw.split(b"\n\n")
    at = random.randrange(len(events))
    match random.randrange(6):
        case 0:
            del events[at]
        case 1:
            events.insert(at, events[random.randrange(len(events))])
        case 2:
            other = random.randrange(len(events))
            events[at], events[other] = events[other], events[at]
        case _:
            head, mark, data = events[at].partition(b"data:")
            events[at] = head + mark + b" " + _document(data.strip(), random, others)
    return b"\n\n".join(events)


def _changed(value: Json, random: Random, others: tuple[bytes, ...]) -> Json:
    places = list(_places(value))
    path = random.choice(places)
    new = _replacement(value, random, others)
    if not path:
        return new if random.random() < 0.1 else value
    holder = value
    for step in path[:-1]:
        holder = holder[step]
    last = path[-1]
    match random.randrange(7):
        case 0:
            del holder[last]
        case 1 if isinstance(holder, dict):
            keys = [place[-1] for place in places if place and isinstance(place[-1], str)]
            holder[random.choice(keys or ["a"])] = new
        case 2 if isinstance(holder, list):
            holder.insert(random.randrange(len(holder) + 1), new)
        case 3:
            holder[last] = [holder[last]]
        case 4:
            holder[last] = {random.choice(("type", "text", "a", "")): holder[last]}
        case 5 if isinstance(holder, dict):
            holder[random.choice(("type", "id", "name", "index", "role", "text"))] = holder.pop(last)
        case _:
            holder[last] = new
    return value


def _replacement(value: Json, random: Random, others: tuple[bytes, ...]) -> Json:
    if random.random() < 0.6:
        return random.choice(SCALARS)
    source = value
    if others and random.random() < 0.3:
        try:
            source = json.loads(random.choice(others))
        except (ValueError, RecursionError):
            source = value
    path = random.choice(list(_places(source)))
    for step in path:
        source = source[step]
    # A copy: the same object in two places would make a circle.
    return json.loads(_dump(source))


def _places(value: Json, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if len(path) < _DEEPEST:
        inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for name, item in inner:
            found += _places(item, (*path, name))
    return found


def _dump(value: Json) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError):
        return b"{}"
