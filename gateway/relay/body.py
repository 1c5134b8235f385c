"""The client's JSON body, read once and edited without touching what we do not know.

Only the top level is parsed; every member stays the raw text that the client sent until somebody needs its
value. Editing a member leaves all others byte for byte, so unknown members, long numbers and odd floats
survive the way to the provider.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from gateway.relay.errors import Invalid

T = TypeVar("T")

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_MAX_OUTPUT_LIMIT = 1 << 30


class RequestBody:
    """A JSON object by its top-level members. `raw` are the client's bytes."""

    __slots__ = ("_members", "raw")

    def __init__(self, raw: bytes) -> None:
        """Raises `Invalid` when `raw` is not a JSON object."""
        try:
            self._members = _members.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Invalid(f"the request body is not a JSON object: {error}", code="invalid_json") from None
        self.raw = raw

    def __contains__(self, name: str) -> bool:
        value = self._members.get(name)
        return value is not None and bytes(value) != b"null"

    def value(self, name: str, kind: type[T]) -> T | None:
        """Return member `name` as `kind`, or `None` when it is absent or null. Raises `Invalid` on another type."""
        raw = self._members.get(name)
        if raw is None:
            return None
        try:
            return msgspec.json.decode(raw, type=kind | None)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Invalid(f"text request validation failed: {name} is invalid: {error}") from None

    def any(self, name: str) -> object:
        """Return member `name` as plain Python values, or `None`. Raises `Invalid` when its text is damaged."""
        raw = self._members.get(name)
        if raw is None:
            return None
        try:
            value: object = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Invalid(f"text request validation failed: {name} is not valid JSON") from None
        return value

    def brief(self, names: frozenset[str], *, longest: int) -> dict[str, object]:
        """Return those members of `names` whose text has at most `longest` bytes, as plain values."""
        found: dict[str, object] = {}
        for name, raw in self._members.items():
            if name in names and len(memoryview(raw)) <= longest:
                try:
                    found[name] = msgspec.json.decode(raw)
                except (msgspec.DecodeError, UnicodeDecodeError):
                    continue
        return found

    def size_of(self, name: str) -> int:
        """Return the number of bytes of the member's text, 0 when absent."""
        raw = self._members.get(name)
        return 0 if raw is None else len(memoryview(raw))

    def output_limit(self, names: tuple[str, ...] = ("max_tokens", "max_completion_tokens")) -> int | None:
        """The client's own limit on output tokens, the last of `names` that is set, else `None`.

        Raises `Invalid` for a limit that is no whole number, negative or above 2^30.
        """
        limit: int | None = None
        for name in names:
            given = self._whole_number(name)
            if given is None:
                continue
            if not 0 <= given <= _MAX_OUTPUT_LIMIT:
                raise Invalid(f"text request validation failed: {name} is invalid")
            limit = given or limit
        return limit

    def _whole_number(self, name: str) -> int | None:
        value = self.value(name, float)
        if value is None:
            return None
        if not value.is_integer():
            raise Invalid(f"text request validation failed: {name} is invalid")
        return int(value)

    def edited(self, changes: dict[str, object | None]) -> bytes:
        """Return the body with `changes` applied; `None` removes a member. Without changes: the client's bytes."""
        if not changes:
            return self.raw
        members: dict[str, object] = dict(self._members)
        for name, value in changes.items():
            if value is None:
                members.pop(name, None)
            else:
                members[name] = value
        return msgspec.json.encode(members)
