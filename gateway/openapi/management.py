"""The management API's half of the document."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gateway.management.shown.envelope import ErrorObject, Failure
from gateway.openapi.words import PATH_PARAMETERS, REFUSALS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.management.contract import Endpoint
    from gateway.management.guard import Guard
    from gateway.openapi.schemas import Json, Schemas

_PART = re.compile(r"<(\w+)>")
JSON = "application/json"
PEOPLE: list[Json] = [{"session": []}, {"accessToken": []}]
PROGRAMS: list[Json] = [{"apiToken": []}, {"apiTokenInHeader": []}]


def types_of(endpoint: Endpoint) -> Iterator[object]:
    """Yield what an endpoint's part of the document needs schemas of."""
    yield from (Failure, ErrorObject, Failure | ErrorObject)
    if endpoint.body is not None:
        yield endpoint.body.model
    if endpoint.query is not None:
        yield endpoint.query
    yield _success(endpoint)


def path_of(endpoint: Endpoint) -> str:
    """Return the path as OpenAPI writes it."""
    return _PART.sub(r"{\1}", endpoint.path)


def operation(endpoint: Endpoint, schemas: Schemas) -> Json:
    """Return an endpoint as an operation."""
    found: Json = {
        "operationId": endpoint.operation_id,
        "tags": [endpoint.tag],
        "summary": endpoint.summary,
        "x-required-role": role_of(endpoint.guard),
        "security": {"anybody": [], "user": PEOPLE, "key": PROGRAMS}[endpoint.guard.kind],
    }
    if endpoint.description:
        found["description"] = endpoint.description
    if parameters := [*_path_parameters(endpoint), *_query_parameters(endpoint, schemas)]:
        found["parameters"] = parameters
    if endpoint.body is not None:
        model = endpoint.body.model
        media = {"schema": schemas.of(model), "example": schemas.sample(schemas.whole(model))}
        found["requestBody"] = {"required": True, "content": {JSON: media}}
    found["responses"] = _responses(endpoint, schemas)
    return found


def role_of(guard: Guard) -> str:
    """Return who may call, in one word."""
    return guard.role.name.lower() if guard.kind == "user" else guard.kind


def answer(description: str, schema: Json, example: object = None) -> Json:
    """Return a JSON answer."""
    media: Json = {"schema": schema}
    if example is not None:
        media["example"] = example
    return {"description": description, "content": {JSON: media}}


def _success(endpoint: Endpoint) -> object:
    shape = endpoint.answer.shape
    if shape is None or shape is str:
        return Failure
    return shape | Failure if endpoint.answer.can_refuse else shape


def _responses(endpoint: Endpoint, schemas: Schemas) -> Json:
    responses: Json = {}
    shape, said = endpoint.answer.shape, "Done, or `success` is false and `message` says why not"
    if shape is None:
        location = {"description": "Where to go on.", "schema": {"type": "string"}, "required": True}
        responses["303"] = {"description": "Go on elsewhere", "headers": {"Location": location}}
        if endpoint.answer.can_refuse:
            responses["200"] = answer("It was not done", schemas.of(Failure))
    elif shape is str:
        responses["200"] = {
            "description": "Done",
            "content": {endpoint.answer.media_type: {"schema": {"type": "string"}}},
        }
    else:
        schema = schemas.of(_success(endpoint))
        responses["200"] = answer(said if endpoint.answer.can_refuse else "Done", schema, schemas.sample(schema))
    for status, types in sorted(_refusals(endpoint).items()):
        key = Failure | ErrorObject if len(types) > 1 else next(iter(types))
        responses[str(status)] = answer(REFUSALS[status], schemas.of(key))
    return responses


def _refusals(endpoint: Endpoint) -> dict[int, set[object]]:
    """Return the shapes that each status may have: envelopes for people, error objects for programs and limits."""
    found: dict[int, set[object]] = {429: {ErrorObject}, 503: {Failure}}

    def add(shape: object, *statuses: int) -> None:
        for status in statuses:
            found.setdefault(status, set()).add(shape)

    guard = endpoint.guard
    match guard.kind:
        case "user":
            add(Failure, 401, 403)
        case "key":
            add(ErrorObject, 400, 401, 403)
        case "anybody" if guard.changes or endpoint.method != "GET":
            add(Failure, 403)
    if endpoint.body is not None:
        add(Failure, 408, 413)
        if endpoint.body.bad_status != 200:
            add(Failure, endpoint.body.bad_status)
    add(Failure, *endpoint.answer.also)
    return found


def _path_parameters(endpoint: Endpoint) -> Iterator[Json]:
    for name in _PART.findall(endpoint.path):
        description, schema = PATH_PARAMETERS[name]
        yield {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def _query_parameters(endpoint: Endpoint, schemas: Schemas) -> Iterator[Json]:
    if endpoint.query is None:
        return
    for name, member in schemas.whole(endpoint.query).get("properties", {}).items():
        schema = {key: value for key, value in member.items() if key not in ("description", "examples")}
        parameter: Json = {"name": name, "in": "query", "schema": schema}
        if "description" in member:
            parameter["description"] = member["description"]
        if "examples" in member:
            parameter["example"] = member["examples"][0]
        yield parameter
