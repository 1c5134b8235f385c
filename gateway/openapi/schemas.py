"""JSON schemas of many types at once, so that what they share is described once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Json = dict[str, Any]

_REF = "#/components/schemas/{model}"
_DEEPEST = 6


class _Plain(GenerateJsonSchema):
    """Without the titles that repeat the names of members."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401  pydantic's own kinds of schema
        return False


class Schemas:
    """The schemas of `types`; each is looked up by the type itself."""

    def __init__(self, types: Iterable[object]) -> None:
        known = {repr(type_): type_ for type_ in types}
        adapters: list[tuple[str, Any, TypeAdapter[Any]]] = [
            (key, "validation", TypeAdapter(cast("Any", type_))) for key, type_ in known.items()
        ]
        found, rest = TypeAdapter.json_schemas(adapters, ref_template=_REF, schema_generator=_Plain)
        defined: Json = rest.get("$defs", {})
        names = {name: str(schema.get("title", name)) for name, schema in defined.items()}
        if len(set(names.values())) < len(names):
            raise ValueError(f"two models share a name: {sorted(names.values())}")
        self._found = {key: cast("Json", _renamed(schema, names)) for (key, _mode), schema in found.items()}
        self.components: dict[str, Json] = {
            names[name]: cast("Json", _renamed(schema, names)) for name, schema in defined.items()
        }

    def of(self, type_: object) -> Json:
        """Return the schema of a type, which may be no more than a reference."""
        return self._found[repr(type_)]

    def whole(self, type_: object) -> Json:
        """Return the schema of a type itself, where it is a reference."""
        return self.resolved(self.of(type_))

    def resolved(self, schema: Mapping[str, Any]) -> Json:
        """Follow a reference."""
        name = str(schema.get("$ref", "")).removeprefix(_REF.format(model=""))
        return self.components[name] if name else dict(schema)

    def sample(self, schema: Mapping[str, Any], *, depth: int = 0) -> object:
        """Return an example of what fits a schema: of its own examples, else the plainest."""
        if "examples" in schema:
            return schema["examples"][0]
        schema = self.resolved(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0]
        for word in ("anyOf", "oneOf"):
            if word in schema:
                return self.sample(schema[word][0], depth=depth)
        if depth > _DEEPEST:
            return None
        match schema.get("type"):
            case "object":
                return self._object(schema, depth)
            case "array":
                return [self.sample(schema.get("items", {}), depth=depth + 1)]
            case "string":
                return schema.get("default", "")
            case "integer" | "number":
                return schema.get("default", 0)
            case "boolean":
                return schema.get("default", False)
        return None

    def _object(self, schema: Mapping[str, Any], depth: int) -> Json:
        members: Mapping[str, Any] = schema.get("properties", {})
        required = schema.get("required", ())
        shown = {
            name: self.sample(member, depth=depth + 1)
            for name, member in members.items()
            if name in required or "examples" in member
        }
        entry = schema.get("additionalProperties")
        if not members and isinstance(entry, dict):
            return {"gpt-4o-mini": self.sample(entry, depth=depth + 1)}
        return shown


def _renamed(schema: object, names: Mapping[str, str]) -> object:
    """Return a schema that calls models by their own names; pydantic puts those of type arguments together."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            return {**schema, "$ref": _REF.format(model=names[schema["$ref"].removeprefix(_REF.format(model=""))])}
        return {key: _renamed(value, names) for key, value in schema.items()}
    if isinstance(schema, list):
        return [_renamed(value, names) for value in schema]
    return schema
