"""The document as a page for people: plain HTML without scripts, with its style inside."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gateway.openapi.schemas import Json

_METHODS = ("get", "post", "put", "patch", "delete")


def render_page(document: Json, *, document_path: str) -> tuple[str, str]:
    """Return the page and the Content-Security-Policy that it is good with. For a thread, like the document."""
    templates = Environment(
        loader=PackageLoader("gateway.openapi"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    text = MarkdownIt("commonmark", {"html": False})
    templates.filters["md"] = lambda source: Markup(text.render(source or ""))  # noqa: S704  markdown-it escapes HTML
    source, _, _ = templates.loader.get_source(templates, "docs.css")  # type: ignore[union-attr]  # it has one
    style = "\n" + source
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    page = templates.get_template("docs.html").render(
        info=document["info"],
        openapi=document["openapi"],
        style=Markup(style),  # noqa: S704  a file of ours
        document_path=document_path,
        parts=list(_parts(document)),
        schemes=list(_schemes(document)),
        members=templates.get_template("members.html").module.members,  # type: ignore[attr-defined]  # a macro
    )
    closed = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    return page, f"default-src 'none'; style-src 'sha256-{digest}'; {closed}"


def _parts(document: Json) -> Iterator[Json]:
    by_tag: dict[str, list[Json]] = {}
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                shown = _operation(document, path, method, item[method])
                by_tag.setdefault(item[method]["tags"][0], []).append(shown)
    for tag in document["tags"]:
        if tag["name"] in by_tag:
            anchor = "-".join(tag["name"].lower().replace(":", "").split())
            yield {**tag, "anchor": f"part-{anchor}", "operations": by_tag[tag["name"]]}


def _operation(document: Json, path: str, method: str, operation: Json) -> Json:
    body = None
    if "requestBody" in operation:
        ((media_type, media),) = operation["requestBody"]["content"].items()
        body = {
            "media_type": media_type,
            "members": list(_members(document, media["schema"])),
            "example": _json(media.get("example")),
        }
    return {
        "id": operation["operationId"],
        "path": path,
        "method": method,
        "summary": operation["summary"],
        "description": operation.get("description", ""),
        "role": operation["x-required-role"],
        "parameters": [
            {
                "name": parameter["name"],
                "required": parameter.get("required", False),
                "place": parameter["in"],
                "kind": _kind(document, parameter["schema"]),
                "description": parameter.get("description", ""),
            }
            for parameter in operation.get("parameters", ())
        ],
        "body": body,
        "answers": [_answer(document, status, answer) for status, answer in operation["responses"].items()],
    }


def _answer(document: Json, status: str, answer: Json) -> Json:
    content = answer.get("content", {})
    media = content.get("application/json", {})
    schema = media.get("schema", {})
    is_success = status.startswith("2")
    return {
        "status": status,
        "description": answer["description"],
        "names": ", ".join(_names(schema)) if schema else ", ".join(content),
        "members": list(_shown(document, schema)) if is_success else [],
        "example": _json(media.get("example")) if is_success else "",
    }


def _shown(document: Json, schema: Json) -> Iterator[Json]:
    """Yield the members of what stands in the envelope, or of the answer itself where there is no envelope."""
    whole = _resolved(document, schema.get("anyOf", [schema])[0])
    inside = _resolved(document, whole.get("properties", {}).get("data", whole))
    inside = _resolved(document, inside.get("items", inside))
    for member in _members(document, inside):
        yield {**member, "required": False, "optional": not member["required"]}


def _members(document: Json, schema: Json) -> Iterator[Json]:
    whole = _resolved(document, schema)
    for name, member in whole.get("properties", {}).items():
        yield {
            "name": name,
            "required": name in whole.get("required", ()),
            "optional": False,
            "kind": _kind(document, member),
            "description": member.get("description", ""),
        }


def _kind(document: Json, schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "const" in schema:
        return json.dumps(schema["const"])
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return " or ".join(_kind(document, one) for one in schema[word])
    if schema.get("type") == "array":
        return f"list of {_kind(document, schema.get('items', {}))}"
    return str(schema.get("type", "anything"))


def _names(schema: Json) -> list[str]:
    return [str(one["$ref"]).rpartition("/")[2] for one in schema.get("anyOf", [schema]) if "$ref" in one]


def _resolved(document: Json, schema: Json) -> Json:
    if "$ref" not in schema:
        return schema
    found: Json = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def _schemes(document: Json) -> Iterator[Json]:
    for scheme in document["components"]["securitySchemes"].values():
        title = (
            "Authorization: Bearer …" if scheme["type"] == "http" else f"{scheme['in'].capitalize()} {scheme['name']}"
        )
        yield {"title": title, "description": scheme["description"]}


def _json(value: object) -> str:
    return "" if value is None else json.dumps(value, indent=2, ensure_ascii=False)
