"""The relay's half of the document, made of the table by which it finds what serves a path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.management.shown.channels import ModelEntry, ModelList
from gateway.openapi.management import JSON, answer
from gateway.openapi.relay_answers import ERRORS, GoogleError, GoogleModel, GoogleModels, OpenAIError, ProviderAnswer
from gateway.openapi.relay_bodies import BODIES, FORMS, BatchEmbedRequest, EmbedRequest, EngineEmbeddingRequest
from gateway.openapi.words import PATH_PARAMETERS
from gateway.relay import endpoints
from gateway.relay.endpoints import Delivery, Kind
from gateway.relay.stored import calls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel

    from gateway.openapi.schemas import Json, Schemas
    from gateway.relay.endpoints import Found

_TAG, _MODELS_TAG, _UNSERVED_TAG = "Relay", "Relay: models", "Relay: not served"
_EVENTS = "text/event-stream"
_KEYS: list[Json] = [{"apiToken": []}, {"apiTokenInHeader": []}, {"apiTokenForGoogle": []}]
_SUMMARIES = {
    Kind.CHAT: "Chat, in the format of OpenAI's Chat Completions",
    Kind.RESPONSES: "Chat, in the format of OpenAI's Responses",
    Kind.MESSAGES: "Chat, in the format of Anthropic's Messages",
    Kind.GENERATE: "Chat, in the format of Google's generateContent",
    Kind.COMPLETIONS: "Complete a text",
    Kind.EMBEDDINGS: "Turn texts into vectors",
    Kind.MODERATIONS: "Judge whether a text is acceptable",
    Kind.RERANK: "Sort documents by how well they fit a query",
    Kind.IMAGES: "Make pictures",
    Kind.IMAGE_EDITS: "Change pictures",
    Kind.TRANSCRIPTIONS: "Write down what is said",
    Kind.TRANSLATIONS: "Write down in English what is said",
    Kind.SPEECH: "Speak a text",
}
_FAILURES = {
    400: "The request is not what the format says, or lacks what every provider needs",
    401: "The API token is missing, unknown, expired or exhausted",
    403: "The token may not be used from here or for this model, or the balance is too small",
    404: "The provider does not know what was asked for",
    408: "The body did not arrive in time",
    413: "The body is too large",
    429: "Too many requests, here or at the provider",
    500: "The channel is not set up completely",
    501: "The address is known, and nothing serves it",
    502: "The provider cannot be reached, or its answer cannot be used",
    503: "No channel can serve this now, the database is not available, or the program is shutting down",
    504: "The provider did not answer in time",
}
_POSTED = (400, 401, 403, 404, 408, 413, 429, 500, 502, 503, 504)
_LISTED = (400, 401, 403, 503)
_UNSERVED = (400, 401, 403, 501, 503)


def types() -> Iterator[object]:
    """Yield what this half needs schemas of."""
    yield from (*BODIES.values(), *FORMS.values(), EmbedRequest, BatchEmbedRequest, EngineEmbeddingRequest)
    yield from (ProviderAnswer, OpenAIError, *ERRORS.values())
    yield from (ModelList | GoogleModels, ModelEntry | GoogleModel | OpenAIError, GoogleModels, GoogleModel)


def operations(schemas: Schemas) -> Iterator[tuple[str, str, Json]]:
    """Yield path, method and operation."""
    taken: set[str] = set()
    for path, found in endpoints.addresses().items():
        name = _name(path, found)
        if name in taken:
            name = f"{name}_at_{_slug(path)}"
        taken.add(name)
        yield path, "post", _posted(name, path, found, schemas)
    for method, path in calls.addresses():
        yield path, method.lower(), _stored(method, path, schemas)
    yield from _lists(schemas)
    yield endpoints.REALTIME_PATH, "get", _realtime(schemas)
    for method in ("get", "post", "put", "patch", "delete"):
        yield f"{endpoints.PROXY_PREFIX}{{channel_id}}/{{target}}", method, _proxied(method, schemas)
    for path in endpoints.UNSERVED_PREFIXES:
        for method in ("get", "post"):
            yield path, method, _unserved(path, method, schemas)
    yield (
        f"{endpoints.MODELS_PATH}/{{model}}",
        "delete",
        _unserved(f"{endpoints.MODELS_PATH}/{{model}}", "delete", schemas),
    )


def body_of(path: str, found: Found) -> tuple[str, type[BaseModel]]:
    """Return the media type of what is sent to an address, and its model."""
    endpoint = found.endpoint
    if endpoint.kind in FORMS:
        return "multipart/form-data", FORMS[endpoint.kind]
    by_member: dict[str, type[BaseModel]] = {"content": EmbedRequest, "requests": BatchEmbedRequest}
    if endpoint.required in by_member:
        return JSON, by_member[endpoint.required]
    if endpoint.kind is Kind.EMBEDDINGS and "{model}" in path:
        return JSON, EngineEmbeddingRequest
    return JSON, BODIES[endpoint.kind]


def _posted(name: str, path: str, found: Found, schemas: Schemas) -> Json:
    endpoint = found.endpoint
    media_type, model = body_of(path, found)
    media: Json = {"schema": schemas.of(model)}
    if media_type == JSON:
        media["example"] = schemas.sample(schemas.whole(model))
    summary = _SUMMARIES.get(endpoint.kind, endpoint.kind.value)
    operation = _operation(name, _TAG, f"Count the tokens of a prompt: {summary}" if found.counts else summary)
    if "_at_" in name:
        operation["description"] = "Another address for the same, for clients that put a prefix in front."
    if parameters := _parameters(path):
        operation["parameters"] = parameters
    if found.streams:
        operation["parameters"] = [*parameters, _query("alt", "`sse` for events; a JSON array without it.")]
    operation["requestBody"] = {"required": True, "content": {media_type: media}}
    operation["responses"] = {
        "200": {"description": "The answer", "content": _content(found, schemas)},
        **_failures(schemas, path, found, _POSTED),
        "default": _failure("What the provider answered, with its own status", schemas, path, found),
    }
    return operation


def _stored(method: str, path: str, schemas: Schemas) -> Json:
    name, summary = {
        ("GET", ""): ("read_response", "Return a response that its provider keeps"),
        ("DELETE", ""): ("delete_response", "Have a response that its provider keeps deleted"),
        ("POST", "cancel"): ("cancel_response", "Cancel a response that runs in the background"),
        ("GET", "input_items"): ("list_input_items", "List what a response was asked with"),
    }[method, path.partition("}")[2].removeprefix("/")]
    operation = _operation(name, _TAG, summary)
    operation["description"] = "Only for the owner of the token that the response was made with."
    operation["parameters"] = _parameters(path)
    content = {JSON: {"schema": schemas.of(ProviderAnswer)}}
    if name == "read_response":
        content[_EVENTS] = {"schema": {"type": "string"}}
    operation["responses"] = {
        "200": {"description": "What the provider answered", "content": content},
        **_failures(schemas, path, None, (400, 401, 403, 404, 429, 502, 503, 504)),
        "default": _failure("What the provider answered, with its own status", schemas, path, None),
    }
    return operation


def _content(found: Found, schemas: Schemas) -> Json:
    endpoint = found.endpoint
    if endpoint.delivery is Delivery.BYTES:
        return {"*/*": {"schema": {}}}
    content: Json = {JSON: {"schema": {} if found.streams else schemas.of(ProviderAnswer)}}
    if (endpoint.streams or endpoint.delivery is Delivery.AS_IT_COMES) and not found.counts:
        content[_EVENTS] = {"schema": {"type": "string"}}
    if endpoint.kind in (Kind.TRANSCRIPTIONS, Kind.TRANSLATIONS):
        content["text/*"] = {"schema": {"type": "string"}}
    return content


def _lists(schemas: Schemas) -> Iterator[tuple[str, str, Json]]:
    for path in endpoints.MODEL_LISTS:
        is_googles = path != endpoints.MODELS_PATH
        suffix = f"_at_{_slug(path)}" if is_googles else ""
        said = "Google's clients get their own form." if not is_googles else "In Google's form."
        operation = _operation(f"list_models{suffix}", _MODELS_TAG, "List the models that the owner's group can use")
        operation["description"] = said
        shape = GoogleModels if is_googles else ModelList | GoogleModels
        operation["responses"] = {
            "200": answer("The models", schemas.of(shape)),
            **_failures(schemas, path, None, _LISTED),
        }
        yield path, "get", operation
        operation = _operation(f"read_model{suffix}", _MODELS_TAG, "Return one model")
        operation["description"] = (
            said if is_googles else f"{said} A model that is not known is answered with status 200 and an error."
        )
        operation["parameters"] = _parameters("{model}")
        one = GoogleModel if is_googles else ModelEntry | GoogleModel | OpenAIError
        operation["responses"] = {
            "200": answer("The model", schemas.of(one)),
            "404": answer("There is no such model", schemas.of(GoogleError)),
            **_failures(schemas, path, None, _LISTED),
        }
        yield f"{path}/{{model}}", "get", operation


def _realtime(schemas: Schemas) -> Json:
    operation = _operation("realtime", _TAG, "Talk in OpenAI's Realtime format, over a websocket")
    operation["parameters"] = [{**_query("model", "A model's name."), "required": True}]
    operation["responses"] = {
        "101": {"description": "The websocket is open"},
        "426": answer("The request does not ask for a websocket", schemas.of(OpenAIError)),
        **_failures(schemas, endpoints.REALTIME_PATH, None, (400, 401, 403, 429, 503)),
    }
    return operation


def _proxied(method: str, schemas: Schemas) -> Json:
    operation = _operation(f"proxy_{method}", _TAG, "Use a provider's own API with an API token instead of its key")
    operation["description"] = (
        "What follows the channel's number is the provider's own path, of as many parts as it has. Nothing is "
        "converted and nothing is charged. For administrators any enabled channel, for others channels of type 43 of "
        "their group."
    )
    operation["parameters"] = _parameters("{channel_id}/{target}")
    operation["responses"] = {
        **_failures(schemas, endpoints.PROXY_PREFIX, None, (400, 401, 403, 404, 413, 429, 502, 503, 504)),
        "default": {"description": "What the provider answered", "content": {"*/*": {"schema": {}}}},
    }
    return operation


def _unserved(path: str, method: str, schemas: Schemas) -> Json:
    operation = _operation(f"no_{method}_{_slug(path)}", _UNSERVED_TAG, "Known, and not served")
    operation["description"] = "Addresses below it, and other methods, are answered the same."
    if parameters := _parameters(path):
        operation["parameters"] = parameters
        del operation["description"]
    operation["responses"] = _failures(schemas, path, None, _UNSERVED)
    return operation


def _operation(name: str, tag: str, summary: str) -> Json:
    return {
        "operationId": name,
        "tags": [tag],
        "summary": summary,
        "x-required-role": "key",
        "security": _KEYS,
    }


def _failures(schemas: Schemas, path: str, found: Found | None, statuses: tuple[int, ...]) -> Json:
    return {str(status): _failure(_FAILURES[status], schemas, path, found) for status in statuses}


def _failure(description: str, schemas: Schemas, path: str, found: Found | None) -> Json:
    model = ERRORS.get(endpoints.spoken_at(path, found), OpenAIError)
    if path.startswith(endpoints.MODELS_PATH):
        return answer(description, {"anyOf": [schemas.of(OpenAIError), schemas.of(GoogleError)]})
    return answer(description, schemas.of(model))


def _name(path: str, found: Found) -> str:
    if found.counts:
        return f"count_{found.endpoint.kind.value}"
    if found.streams:
        return f"stream_{found.endpoint.kind.value}"
    return {"content": "embed_content", "requests": "batch_embed_contents"}.get(
        found.endpoint.required, f"{found.endpoint.kind.value}{'_of_engine' if '/engines/' in path else ''}"
    )


def _slug(path: str) -> str:
    return "_".join("".join(sign if sign.isalnum() else " " for sign in path).split())


def _query(name: str, description: str) -> Json:
    return {"name": name, "in": "query", "description": description, "schema": {"type": "string"}}


def _parameters(path: str) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "description": description, "schema": schema}
        for name, (description, schema) in PATH_PARAMETERS.items()
        if f"{{{name}}}" in path
    ]
