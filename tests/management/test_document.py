"""The document and the program say the same: addresses, who may call, what is sent, what is answered."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import schemathesis
from quart import Quart, Response

from gateway.management.contract import Answer, Area, check_endpoints
from gateway.management.edge import is_api
from gateway.management.guard import for_all
from gateway.openapi.relay_bodies import BODIES
from gateway.openapi.schemas import Schemas
from gateway.openapi.words import TAGS
from gateway.relay import endpoints
from gateway.relay.body import RequestBody
from gateway.relay.stored import calls
from gateway.relay.validate import validate
from tests.management.site import Site

_METHODS = ("get", "post", "put", "patch", "delete")


async def document_of(site: Site) -> Any:
    """The document, as everybody gets it."""
    return (await site.visitor().send("GET", "/api/openapi.json")).json()


def operations(document: Any) -> dict[tuple[str, str], Any]:
    """The operations by method and path."""
    return {
        (method.upper(), path): item[method]
        for path, item in document["paths"].items()
        for method in _METHODS
        if method in item
    }


def is_relayed(operation: Any) -> bool:
    """Whether an operation is the relay's."""
    return bool(operation["tags"][0].startswith("Relay"))


async def test_every_route_of_the_app_is_in_the_document_and_the_other_way_round(site: Site) -> None:
    routes = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in site.app.url_map.iter_rules()
        for method in rule.methods or ()
        if method not in ("HEAD", "OPTIONS")
    }
    found = operations(await document_of(site))
    assert {key for key, operation in found.items() if not is_relayed(operation)} == routes


async def test_every_address_of_the_relay_is_in_the_document_and_the_other_way_round(site: Site) -> None:
    found = operations(await document_of(site))
    relayed = {key for key, operation in found.items() if operation["tags"] == ["Relay"]}
    posts = {("POST", path) for path in endpoints.addresses()}
    others = {("GET", endpoints.REALTIME_PATH)}
    proxied = {key for key in relayed if key[1].startswith(endpoints.PROXY_PREFIX)}
    assert relayed - proxied == posts | others | set(calls.addresses())
    assert {method for method, _ in proxied} == {method.upper() for method in _METHODS}
    assert {path for (_, path), op in found.items() if op["tags"] == ["Relay: not served"]} == {
        *endpoints.UNSERVED_PREFIXES,
        "/v1/models/{model}",
    }
    lists = {path for (_, path), op in found.items() if op["tags"] == ["Relay: models"]}
    assert lists == {*endpoints.MODEL_LISTS, *(f"{path}/{{model}}" for path in endpoints.MODEL_LISTS)}


async def test_the_document_is_openapi_as_a_tool_reads_it(site: Site) -> None:
    document = await document_of(site)
    assert document["openapi"].startswith("3.1")
    schemathesis.openapi.from_dict(document).validate()


async def test_operations_have_a_name_of_their_own_and_a_tag_that_is_described(site: Site) -> None:
    document = await document_of(site)
    found = operations(document)
    names = [operation["operationId"] for operation in found.values()]
    assert len(set(names)) == len(names)
    assert {tag["name"] for tag in document["tags"]} == set(TAGS) == {op["tags"][0] for op in found.values()}
    assert all(operation["summary"] and operation["responses"] for operation in found.values())


async def test_whoever_reads_the_document_is_told_of_the_page(site: Site) -> None:
    document = await document_of(site)
    assert "/api/docs" in document["info"]["description"]


@pytest.mark.parametrize("path", ["/api/openapi.json", "/api/docs"])
async def test_a_copy_that_is_still_good_is_not_sent_again(site: Site, path: str) -> None:
    person = site.visitor()
    first = await person.send("GET", path)
    again = await person.send("GET", path, headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


async def test_the_page_is_whole_without_scripts_and_asks_nobody_else(site: Site) -> None:
    answer = await site.visitor().send("GET", "/api/docs")
    policy, page = answer.headers["Content-Security-Policy"], answer.text
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "<script" not in page
    assert "style=" not in page
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", page)
    for (_, path), operation in operations(await document_of(site)).items():
        assert f'id="{operation["operationId"]}"' in page
        assert path in page


def test_examples_of_the_relay_are_what_the_relay_takes() -> None:
    schemas = Schemas(BODIES.values())
    for path, found in endpoints.addresses().items():
        model = BODIES.get(found.endpoint.kind)
        if model is None or found.endpoint.required in ("content", "requests"):
            continue
        example = schemas.sample(schemas.whole(model))
        assert isinstance(example, dict), path
        assert found.endpoint.required in example, path
        validate(RequestBody(msgspec.json.encode(example)), found.endpoint)


def test_a_route_of_the_api_that_is_not_declared_is_refused() -> None:
    app = Quart(__name__, static_folder=None)
    app.add_url_rule("/api/hidden", "hidden", _nothing)
    with pytest.raises(TypeError, match="/api/hidden is no declared endpoint"):
        check_endpoints(app, is_api)


def test_two_operations_of_one_name_are_refused() -> None:
    app = Quart(__name__, static_folder=None)
    for place in ("a", "b"):
        area = Area(place, "Site")
        area.on("GET", f"/api/{place}", for_all(), Answer(str), name="same")(_nothing)
        app.register_blueprint(area.blueprint)
    with pytest.raises(TypeError, match="two endpoints are called same"):
        check_endpoints(app, is_api)


async def _nothing() -> Response:
    return Response(b"")


async def test_addresses_that_pages_of_the_documentation_name_are_in_the_document(site: Site) -> None:
    known = {(method, re.sub(r"{\w+}", "{}", path)) for method, path in operations(await document_of(site))}
    named = [
        (page.name, method, re.sub(r"[<{:]\w+[>}]?", "{}", path))
        for page in sorted((Path(__file__).parents[2] / "docs").glob("*.md"))
        for method, path in re.findall(
            r"\b(GET|POST|PUT|DELETE)\s(/api/[\w/{}<>:.-]+)", page.read_text(encoding="utf-8")
        )
        # All third parties at once.
        if "{github" not in path
    ]
    assert len(named) > 5
    assert [entry for entry in named if entry[1:] not in known] == []
