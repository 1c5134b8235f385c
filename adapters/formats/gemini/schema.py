"""JSON schemas for Gemini, and Gemini's schemas as JSON schemas.

Gemini knows a part of OpenAPI 3.0: no references, no `oneOf` or `allOf`, one type each, enums of texts only, few
formats. What can be said in its words is said so; the other keywords are left out and their names collected.
Source: https://ai.google.dev/api/caching#Schema
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.formats.errors import FormatError
from adapters.formats.reading import is_array, is_object

if TYPE_CHECKING:
    from adapters.formats.neutral.terms import JsonObject

_KEPT_IN_ANSWERS = frozenset(
    [
        "anyOf",
        "enum",
        "format",
        "items",
        "maximum",
        "maxItems",
        "minimum",
        "minItems",
        "nullable",
        "properties",
        "propertyOrdering",
        "required",
        "type",
    ]
)
_KEPT_IN_TOOLS = _KEPT_IN_ANSWERS | {
    "default",
    "description",
    "example",
    "maxLength",
    "maxProperties",
    "minLength",
    "minProperties",
    "pattern",
    "title",
}
_NO_LOSS = frozenset(
    [
        "$anchor",
        "$comment",
        "$defs",
        "$id",
        "$schema",
        "additionalProperties",
        "default",
        "definitions",
        "deprecated",
        "description",
        "example",
        "examples",
        "readOnly",
        "strict",
        "title",
        "writeOnly",
    ]
)
"""Left out without a word: they do not change which answers are right, or are resolved here."""
_FORMATS = {
    "date": "date-time",
    "time": "date-time",
    "duration": "date-time",
    "date-time": "date-time",
    "enum": "enum",
    "int32": "int32",
    "int64": "int64",
    "float": "float",
    "double": "double",
}
_TYPES = frozenset(["string", "number", "integer", "boolean", "array", "object"])
_DEEPEST = 64
_MOST_NODES = 20_000
"""References multiply what they name; a schema larger than this is no schema but an attack."""


def response_schema(schema: JsonObject) -> tuple[JsonObject, tuple[str, ...]]:
    """Return the schema of an answer, types in capitals, and the keywords it lost. Raises `FormatError`."""
    writer = _Writer(schema, _KEPT_IN_ANSWERS, capitals=True)
    return writer.write(schema, 0), tuple(writer.lost)


def tool_schema(schema: JsonObject) -> tuple[JsonObject, tuple[str, ...]]:
    """Return the schema of a tool's arguments, and the keywords it lost. Raises `FormatError`."""
    writer = _Writer(schema, _KEPT_IN_TOOLS, capitals=False)
    written = writer.write(schema, 0)
    written.pop("description", None)  # the declaration has one of its own
    return written, tuple(writer.lost)


class _Writer:
    def __init__(self, root: JsonObject, kept: frozenset[str], *, capitals: bool) -> None:
        self.lost: dict[str, None] = {}
        self._root = root
        self._kept = kept
        self._capitals = capitals
        self._nodes = 0

    def write(self, schema: JsonObject, depth: int, seen: frozenset[str] = frozenset()) -> JsonObject:
        if depth > _DEEPEST:
            self.lost["$ref"] = None
            return {"type": self._type("object")}
        schema, seen = self._resolved(schema, seen)
        written: JsonObject = {}
        for name, value in schema.items():
            self._member(written, name, value, depth, seen)
        self._check(written)
        return written

    def _member(self, written: JsonObject, name: str, value: object, depth: int, seen: frozenset[str]) -> None:
        match name:
            case "type":
                self._write_type(written, value)
            case "anyOf" | "oneOf" if is_array(value):
                self._write_any(written, value, depth, seen)
            case "const":
                if isinstance(value, str):
                    written["enum"] = [value]
                else:
                    self.lost["const"] = None
            case "enum" if is_array(value):
                if all(isinstance(one, str) for one in value):
                    written["enum"] = value
                else:
                    self._write_mixed_enum(written, value)
            case "format":
                if isinstance(value, str) and value in _FORMATS:
                    written["format"] = _FORMATS[value]
                else:
                    self.lost["format"] = None
            case "properties" if is_object(value):
                written["properties"] = {
                    key: self.write(one, depth + 1, seen) if is_object(one) else {} for key, one in value.items()
                }
            case "items" if is_object(value):
                written["items"] = self.write(value, depth + 1, seen)
            case "exclusiveMinimum" | "exclusiveMaximum" if isinstance(value, int) and not isinstance(value, bool):
                bound = "minimum" if name == "exclusiveMinimum" else "maximum"
                written.setdefault(bound, value + (1 if bound == "minimum" else -1))
            case _ if name in self._kept and name not in ("anyOf", "enum", "properties", "items"):
                written[name] = value
            case _:
                if name not in _NO_LOSS:
                    self.lost[name] = None

    def _resolved(self, schema: JsonObject, seen: frozenset[str]) -> tuple[JsonObject, frozenset[str]]:
        """Put what is referred to, and what `allOf` adds, in place."""
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            raise FormatError("the schema is too large once its references are resolved")
        for _ in range(_DEEPEST):
            reference = schema.get("$ref")
            if not isinstance(reference, str):
                break
            if reference in seen:
                # A schema within itself has no end; its innermost level is left open.
                self.lost["$ref"] = None
                return {"type": "object"}, seen
            seen |= {reference}
            rest = {name: value for name, value in schema.items() if name != "$ref"}
            schema = self._find(reference) | rest
        added = schema.get("allOf")
        if is_array(added):
            merged = {name: value for name, value in schema.items() if name != "allOf"}
            met = seen
            for one in added:
                if is_object(one):
                    inner, inner_met = self._resolved(one, seen)
                    merged, met = _merged(merged, inner), met | inner_met
            schema, seen = merged, met
        return schema, seen

    def _find(self, reference: str) -> JsonObject:
        found: object = self._root
        path = reference.removeprefix("#")
        for step in path.strip("/").split("/") if path.strip("/") else ():
            key = step.replace("~1", "/").replace("~0", "~")
            found = found.get(key) if is_object(found) else None
        if not is_object(found) or not reference.startswith("#"):
            self.lost["$ref"] = None
            return {"type": "object"}
        return found

    def _write_type(self, written: JsonObject, value: object) -> None:
        names = value if is_array(value) else [value]
        known = [name.lower() for name in names if isinstance(name, str) and name.lower() in _TYPES]
        if any(isinstance(name, str) and name.lower() == "null" for name in names):
            written["nullable"] = True
        if len(known) == 1:
            written["type"] = self._type(known[0])
        elif known:
            written["anyOf"] = [{"type": self._type(name)} for name in known]

    def _write_any(self, written: JsonObject, value: list[object], depth: int, seen: frozenset[str]) -> None:
        choices = [one for one in value if is_object(one)]
        others = [one for one in choices if one.get("type") != "null"]
        if len(others) < len(choices):
            written["nullable"] = True
        if len(others) == 1:
            for name, found in self.write(others[0], depth + 1, seen).items():
                written.setdefault(name, found)
        elif others:
            written["anyOf"] = [self.write(one, depth + 1, seen) for one in others]

    def _write_mixed_enum(self, written: JsonObject, value: list[object]) -> None:
        texts = [one for one in value if isinstance(one, str)]
        if None in value:
            written["nullable"] = True
        if texts and all(isinstance(one, str) or one is None for one in value):
            written["enum"] = texts
        else:
            self.lost["enum"] = None

    def _check(self, written: JsonObject) -> None:
        """Mend what Gemini refuses: required properties that are not there, enums and arrays without type."""
        properties, required = written.get("properties"), written.get("required")
        if is_array(required):
            left = [
                name for name in required if isinstance(name, str) and is_object(properties) and name in properties
            ]
            if left:
                written["required"] = left
            else:
                del written["required"]
        if "enum" in written:
            written["type"] = self._type("string")
        elif "type" not in written and "anyOf" not in written:
            if is_object(properties):
                written["type"] = self._type("object")
            elif "items" in written:
                written["type"] = self._type("array")
        if str(written.get("type")).lower() == "array":
            written.setdefault("items", {"type": self._type("string")})

    def _type(self, name: str) -> str:
        return name.upper() if self._capitals else name


def _merged(one: JsonObject, other: JsonObject) -> JsonObject:
    merged = one | other
    mine, theirs = one.get("properties"), other.get("properties")
    if is_object(mine) and is_object(theirs):
        merged["properties"] = mine | theirs
    first, second = one.get("required"), other.get("required")
    if is_array(first) and is_array(second):
        merged["required"] = [*first, *(name for name in second if name not in first)]
    return merged


def json_schema(schema: JsonObject, depth: int = 0) -> JsonObject:
    """Return one of Gemini's schemas as a JSON schema. Raises `FormatError` if it is nested beyond sense."""
    if depth > _DEEPEST:
        raise FormatError("the schema is nested too deeply")
    written: JsonObject = {}
    for name, value in schema.items():
        match name:
            case "type" if isinstance(value, str):
                if value.lower() in _TYPES or value.lower() == "null":
                    written["type"] = value.lower()
            case "properties" if is_object(value):
                written[name] = {
                    key: json_schema(one, depth + 1) if is_object(one) else {} for key, one in value.items()
                }
            case "items" if is_object(value):
                written[name] = json_schema(value, depth + 1)
            case "anyOf" | "any_of" if is_array(value):
                written["anyOf"] = [json_schema(one, depth + 1) for one in value if is_object(one)]
            case "maxItems" | "minItems" | "maxLength" | "minLength" | "maxProperties" | "minProperties":
                # Google writes 64-bit numbers as texts.
                written[name] = (
                    int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value
                )
            case "example":
                written["examples"] = [value]
            case "nullable" | "propertyOrdering" | "property_ordering":
                pass
            case "format" if value == "enum":
                pass
            case _:
                written[name] = value
    if schema.get("nullable") is True and isinstance(written.get("type"), str):
        written["type"] = [written["type"], "null"]
    return written
