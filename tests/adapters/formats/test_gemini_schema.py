"""JSON schemas in the words that Gemini knows."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.formats.errors import FormatError
from adapters.formats.gemini.schema import json_schema, response_schema, tool_schema


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "format": "date"}, {"type": "STRING", "format": "date-time"}),
        ({"type": "integer", "format": "int64"}, {"type": "INTEGER", "format": "int64"}),
        ({"type": ["string", "null"]}, {"type": "STRING", "nullable": True}),
        ({"type": ["string", "integer"]}, {"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}]}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "STRING", "nullable": True}),
        (
            {"oneOf": [{"type": "string"}, {"type": "number"}]},
            {"anyOf": [{"type": "STRING"}, {"type": "NUMBER"}]},
        ),
        ({"const": "x"}, {"type": "STRING", "enum": ["x"]}),
        ({"enum": ["a", "b"]}, {"type": "STRING", "enum": ["a", "b"]}),
        ({"enum": ["a", None]}, {"type": "STRING", "enum": ["a"], "nullable": True}),
        ({"type": "integer", "exclusiveMinimum": 0}, {"type": "INTEGER", "minimum": 1}),
        ({"type": "array"}, {"type": "ARRAY", "items": {"type": "STRING"}}),
        ({"properties": {"a": {"type": "string"}}}, {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}),
        (
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a", "b"]},
            {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}, "required": ["a"]},
        ),
        (
            {
                "$ref": "#/$defs/A",
                "$defs": {
                    "A": {"type": "object", "properties": {"x": {"$ref": "#/$defs/B"}}},
                    "B": {"type": "number"},
                },
            },
            {"type": "OBJECT", "properties": {"x": {"type": "NUMBER"}}},
        ),
        (
            {
                "allOf": [{"$ref": "#/$defs/A"}, {"properties": {"y": {"type": "string"}}, "required": ["y"]}],
                "$defs": {"A": {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]}},
            },
            {
                "type": "OBJECT",
                "properties": {"x": {"type": "STRING"}, "y": {"type": "STRING"}},
                "required": ["x", "y"],
            },
        ),
        (
            {
                "type": "object",
                "title": "T",
                "description": "D",
                "$schema": "s",
                "additionalProperties": False,
                "properties": {"a": {"type": "string", "description": "d"}},
            },
            {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}},
        ),
    ],
)
def test_what_can_be_said_is_said(schema: dict[str, Any], expected: dict[str, Any]) -> None:
    assert response_schema(schema) == (expected, ())


@pytest.mark.parametrize(
    ("schema", "lost"),
    [
        ({"type": "string", "pattern": "^a"}, ("pattern",)),
        ({"type": "string", "format": "uri"}, ("format",)),
        ({"enum": [1, 2]}, ("enum",)),
        ({"const": 1}, ("const",)),
        ({"not": {}}, ("not",)),
        ({"$ref": "https://example.com/s"}, ("$ref",)),
        ({"$ref": "#/nowhere"}, ("$ref",)),
        ({"type": "object", "patternProperties": {}, "if": {}}, ("patternProperties", "if")),
    ],
)
def test_what_cannot_be_said_is_named(schema: dict[str, Any], lost: tuple[str, ...]) -> None:
    assert response_schema(schema)[1] == lost


def test_tools_keep_descriptions_and_the_spelling_of_types() -> None:
    schema = {
        "type": "object",
        "description": "at the top",
        "strict": True,
        "additionalProperties": False,
        "properties": {"a": {"type": "string", "description": "d", "minLength": 1, "additionalProperties": {}}},
    }
    expected = {"type": "object", "properties": {"a": {"type": "string", "description": "d", "minLength": 1}}}
    assert tool_schema(schema) == (expected, ())


def test_a_schema_within_itself_ends() -> None:
    tree = {"type": "object", "properties": {"left": {"$ref": "#/$defs/T"}, "right": {"$ref": "#/$defs/T"}}}
    written, lost = response_schema({"$ref": "#/$defs/T", "$defs": {"T": tree}})
    assert written["properties"] == {"left": {"type": "OBJECT"}, "right": {"type": "OBJECT"}}
    assert lost == ("$ref",)


def test_the_same_definition_may_be_used_twice() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/S"}, "b": {"allOf": [{"$ref": "#/$defs/S"}]}},
        "$defs": {"S": {"type": "string"}},
    }
    written, lost = response_schema(schema)
    assert written["properties"] == {"a": {"type": "STRING"}, "b": {"type": "STRING"}}
    assert lost == ()


@pytest.mark.parametrize("join", ["anyOf", "allOf"])
def test_a_schema_that_grows_without_measure_is_refused(join: str) -> None:
    definitions = {f"A{n}": {join: [{"$ref": f"#/$defs/A{n + 1}"}, {"$ref": f"#/$defs/A{n + 1}"}]} for n in range(30)}
    with pytest.raises(FormatError, match="too large"):
        response_schema({"$ref": "#/$defs/A0", "$defs": definitions | {"A30": {"type": "string"}}})


def test_geminis_schemas_become_json_schemas() -> None:
    schema = {
        "type": "OBJECT",
        "propertyOrdering": ["a"],
        "properties": {
            "a": {"type": "STRING", "format": "enum", "enum": ["x"], "example": "x"},
            "b": {"type": "ARRAY", "items": {"type": "NUMBER"}, "maxItems": "3"},
            "c": {"anyOf": [{"type": "STRING"}, {"type": "INTEGER", "nullable": True}]},
        },
    }
    assert json_schema(schema) == {
        "type": "object",
        "properties": {
            "a": {"type": "string", "enum": ["x"], "examples": ["x"]},
            "b": {"type": "array", "items": {"type": "number"}, "maxItems": 3},
            "c": {"anyOf": [{"type": "string"}, {"type": ["integer", "null"]}]},
        },
    }
