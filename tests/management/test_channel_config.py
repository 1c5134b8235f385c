"""A channel's settings: what could not be honoured is refused, and what is secret is written and never read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.management.site import Site


async def _add(site: Site, config: dict[str, Any], **members: Any) -> int:
    body = {"name": "one", "type": 1, "key": "sk-up", "models": "m", "config": json.dumps(config), **members}
    await site.root.call("POST", "/api/channel/", json=body)
    return int((await site.root.call("GET", "/api/channel/"))[0]["id"])


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"custom_headers": ["x"]}, "custom_headers must be an object of texts"),
        ({"custom_headers": {"X": 1}}, "custom_headers must be an object of texts"),
        ({"custom_headers": {"X Y": "v"}}, "is not the name of a header"),
        ({"custom_headers": {"X": "secret\r\nHost: evil"}}, "holds characters that headers cannot"),
        ({"custom_headers": {"Content-Length": "3"}}, "Content-Length cannot be set"),
        ({"endpoint_urls": {"chat": "https://a"}}, "there is no endpoint 'chat'"),
        ({"endpoint_urls": {"messages": "ftp://a"}}, "messages must begin with http"),
        ({"endpoint_urls": {"messages": "//evil.example.com"}}, "messages must begin with http"),
        ({"supported_endpoints": "chat_completions"}, "supported_endpoints must be a list"),
        ({"supported_endpoints": ["chats"]}, "there is no endpoint 'chats'"),
        ({"api_format": "responses"}, "api_format must be"),
    ],
)
async def test_settings_that_could_not_be_honoured_are_refused(
    site: Site, config: dict[str, Any], words: str
) -> None:
    body = {"name": "one", "type": 1, "key": "k", "models": "m", "config": json.dumps(config)}
    told = await site.root.refused("POST", "/api/channel/", json=body)
    assert words in told
    assert "secret" not in told


async def test_settings_that_can_be_honoured_are_kept_as_they_were_written(site: Site) -> None:
    written = (
        '{"supported_endpoints":["response_api","/v1/chat/completions"],"endpoint_urls":{"claude_messages":"/x"}}'
    )
    number = await _add(site, json.loads(written))
    assert (await site.root.call("GET", f"/api/channel/{number}"))["config"] == json.dumps(json.loads(written))


SECRET = {
    "sk": "secret-key",
    "region": "eu-west-1",
    "custom_headers": {"X-Token": "secret-header", "X-Two": "secret-two"},
}


async def test_secrets_are_written_and_never_read(site: Site) -> None:
    number = await _add(site, SECRET)
    edit = {"id": number, "name": "one", "config": json.dumps(SECRET)}
    texts = [
        (await site.root.send("PUT", "/api/channel/", json=edit)).text,
        *[
            (await site.root.send("GET", path)).text
            for path in ("/api/channel/", "/api/channel/search", f"/api/channel/{number}")
        ],
    ]
    assert "secret" not in "".join(texts)
    assert site.services.registry.current.channels[number].config == SECRET


async def test_what_was_read_can_be_written_back(site: Site) -> None:
    number = await _add(site, SECRET)
    shown = json.loads((await site.root.call("GET", f"/api/channel/{number}"))["config"])
    assert shown == {"sk": "", "region": "eu-west-1", "custom_headers": {"X-Token": "", "X-Two": ""}}
    changed = shown | {"region": "us-east-1", "custom_headers": {"x-token": "", "X-New": "v"}}
    await site.root.call("PUT", "/api/channel/", json={"id": number, "name": "one", "config": json.dumps(changed)})
    assert site.services.registry.current.channels[number].config == {
        "sk": "secret-key",
        "region": "us-east-1",
        "custom_headers": {"x-token": "secret-header", "X-New": "v"},
    }
