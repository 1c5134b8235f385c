"""The whole document: what endpoints declare, what the relay serves, and what both have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.openapi import management, relay, words
from gateway.openapi.schemas import Schemas

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.management.contract import Endpoint
    from gateway.openapi.schemas import Json

VERSION = "3.1.0"
DOCUMENT_PATH, PAGE_PATH = "/api/openapi.json", "/api/docs"

_SECURITY: Json = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "session",
        "description": "What signing in sets. Goes before an access token.",
    },
    "accessToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "A person's access token (`GET /api/user/token`), also without `Bearer`.",
    },
    "apiToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API token (`sk-…`), as OpenAI's clients send it.",
    },
    "apiTokenInHeader": {
        "type": "apiKey",
        "in": "header",
        "name": "x-api-key",
        "description": "The same, as Anthropic's clients send it.",
    },
    "apiTokenForGoogle": {
        "type": "apiKey",
        "in": "header",
        "name": "x-goog-api-key",
        "description": "The same, as Google's clients send it; they may also put it into the query as `key`.",
    },
}


def build_document(endpoints: Iterable[Endpoint], *, version: str) -> Json:
    """Return the document. Takes a few tenths of a second of CPU time, so it belongs into a thread."""
    endpoints = list(endpoints)
    schemas = Schemas([*(type_ for endpoint in endpoints for type_ in management.types_of(endpoint)), *relay.types()])
    paths: dict[str, Json] = {}
    for path, method, operation in relay.operations(schemas):
        paths.setdefault(path, {})[method] = operation
    for endpoint in endpoints:
        operation = management.operation(endpoint, schemas)
        paths.setdefault(management.path_of(endpoint), {})[endpoint.method.lower()] = operation
    shown = _reached(paths, schemas.components)
    return {
        "openapi": VERSION,
        "info": {
            "title": words.TITLE,
            "summary": words.SUMMARY,
            "description": f"{words.CONVENTIONS}\nTo read: [{PAGE_PATH}]({PAGE_PATH}).\n",
            "version": version.removeprefix("v"),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/", "description": "This gateway"}],
        "tags": [{"name": name, "description": description} for name, description in words.TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": {name: schemas.components[name] for name in sorted(shown)},
            "securitySchemes": _SECURITY,
        },
    }


def _reached(start: object, components: dict[str, Json]) -> set[str]:
    """Return the names of the schemas that something refers to; queries are taken apart into parameters."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            name = str(node.get("$ref", "")).rpartition("/")[2]
            if name and name not in found:
                found.add(name)
                waiting.append(components[name])
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
    return found
