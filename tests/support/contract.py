"""Holds answers to the OpenAPI document: whatever a test calls must answer as it is written there."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx2
import jsonschema_rs
from quart import Quart

from gateway.management.contract import Endpoint, endpoints_of
from gateway.openapi.document import build_document

_VARYING = re.compile(r"\{\w+\}")


class Contract:
    """What the document says of answers."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        # Paths without parameters go first: `/api/token/search` is no number.
        self._paths = sorted(
            (
                (re.compile(_VARYING.sub("[^/]+", re.escape(path).replace(r"\{", "{").replace(r"\}", "}"))), item)
                for path, item in document["paths"].items()
            ),
            key=lambda entry: "[^/]+" in entry[0].pattern,
        )
        self._validator = cache(self._make_validator)

    async def hold(self, answer: httpx2.Response) -> None:
        """Fail unless the answer is one that the document tells of. A hook for clients."""
        method, path = answer.request.method.lower(), answer.request.url.path
        operation = next((item.get(method) for pattern, item in self._paths if pattern.fullmatch(path)), None)
        if operation is None:
            return
        await answer.aread()
        name, status = operation["operationId"], str(answer.status_code)
        told = operation["responses"].get(status) or operation["responses"].get("default")
        # A copy that the client has already: of no operation in particular.
        assert told is not None or status == "304", f"{name} answered {status}: {answer.text[:500]}"
        if told is None or "content" not in told:
            return
        media_type = answer.headers.get("Content-Type", "").partition(";")[0]
        media = told["content"].get(media_type)
        assert media is not None, f"{name} answered {status} as {media_type!r}"
        if media_type == "application/json":
            self._validator(name, status).validate(answer.json())

    def _make_validator(self, name: str, status: str) -> Any:
        (operation,) = [
            op
            for item in self._document["paths"].values()
            for op in item.values()
            if isinstance(op, dict) and op.get("operationId") == name
        ]
        told = operation["responses"].get(status) or operation["responses"]["default"]
        schema = told["content"]["application/json"]["schema"]
        return jsonschema_rs.Draft202012Validator({**schema, "components": self._document["components"]})


@dataclass(frozen=True)
class _Declared:
    names: tuple[str, ...]
    endpoints: list[Endpoint] = field(compare=False)


def contract_of(app: Quart) -> Contract:
    """Return the contract of an application; the document of the same endpoints is made once."""
    endpoints = endpoints_of(app)
    return _contract(_Declared(tuple(endpoint.operation_id for endpoint in endpoints), endpoints))


@cache
def _contract(declared: _Declared) -> Contract:
    return Contract(build_document(declared.endpoints, version="v0.0.0"))
