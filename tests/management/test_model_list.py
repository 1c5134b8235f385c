"""Providers are asked for their models, each in its own way."""

from __future__ import annotations

import pytest

from gateway.accounts.refusals import Refused
from gateway.channels.model_list import fetch_models
from tests.management.site import Site
from tests.support.provider import Answer, failure, provider


@pytest.mark.parametrize(
    ("kind", "path", "answer", "header"),
    [
        (1, "/v1/models", {"data": [{"id": "b"}, {"id": "a"}]}, ("authorization", "Bearer id.secret")),
        (14, "/v1/models", {"data": [{"id": "a"}, {"id": "b"}]}, ("x-api-key", "id.secret")),
        (16, "/api/paas/v4/models", {"data": [{"id": "a"}, {"id": "b"}]}, ("authorization", "Bearer id.secret")),
        (24, "/v1beta/models", {"models": [{"name": "models/a"}, {"name": "models/b"}]}, None),
        (30, "/api/tags", {"models": [{"name": "a"}, {"name": "b"}]}, None),
        (39, "/v1/models", [{"id": "a"}, {"id": "b"}], None),
    ],
)
async def test_the_names_are_read_and_sorted(
    site: Site, kind: int, path: str, answer: object, header: tuple[str, str] | None
) -> None:
    async with provider() as upstream:
        upstream.standing(Answer(body=answer))  # type: ignore[arg-type]  # any JSON
        found = await fetch_models(site.services, type_id=kind, base_url=upstream.url, key="id.secret")
        (request,) = upstream.requests
    assert found == ["a", "b"]
    assert request.path.partition("?")[0] == path
    assert header is None or dict(request.headers)[header[0]] == header[1]


async def test_settings_of_the_channel_are_part_of_the_address(site: Site) -> None:
    names = {"result": [{"id": "7", "name": "@cf/meta/llama"}]}
    async with provider() as upstream:
        upstream.standing(Answer(body=names))
        found = await fetch_models(
            site.services, type_id=37, base_url=upstream.url, key="k", config={"user_id": "me"}
        )
        assert upstream.requests[0].path.startswith("/client/v4/accounts/me/ai/models/search")
        with pytest.raises(Refused, match="needs the setting user_id"):
            await fetch_models(site.services, type_id=37, base_url=upstream.url, key="k")
    assert found == ["@cf/meta/llama"]


async def test_what_goes_wrong_is_said_without_the_key(site: Site) -> None:
    async def why(kind: int, url: str) -> str:
        with pytest.raises(Refused) as caught:
            await fetch_models(site.services, type_id=kind, base_url=url, key="very-secret")
        assert "very-secret" not in str(caught.value)
        return str(caught.value)

    async with provider() as upstream:
        assert "has no list of models" in await why(23, upstream.url)
        upstream.script(failure(401, message="wrong key very-secret"))
        assert await why(1, upstream.url) == "the provider answered with status 401"
        upstream.script(Answer(body="<html>"), Answer(body={"data": []}))
        assert await why(1, upstream.url) == "the provider's answer is no list of models"
        assert await why(1, upstream.url) == "the provider named no models"
    assert "could not be reached" in await why(1, upstream.url)


async def test_names_of_channels_are_for_those_who_signed_in_if_root_wants_that(site: Site) -> None:
    body = {"type": 1, "name": "inner", "key": "k", "models": "gpt-4o", "group": "default"}
    await site.root.call("POST", "/api/channel/", json=body)
    mia, visitor = await site.user("mia"), site.visitor()
    paths = ("/api/status/channel", "/api/models/display")
    for path in paths:
        assert "inner" in (await visitor.send("GET", path)).text
    await site.root.call("PUT", "/api/option/", json={"key": "ChannelNamesPublic", "value": "false"})
    for path in paths:
        assert "inner" not in (await visitor.send("GET", path)).text
        assert "inner" in (await mia.send("GET", path)).text
    assert (await visitor.send("GET", "/api/status/channel")).json() == {"success": True, "data": [], "total": 0}
