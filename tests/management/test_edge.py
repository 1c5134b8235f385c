"""What every request passes: paths, ids, limits, compression, and trouble that shows no internals."""

from __future__ import annotations

import gzip
import re
from unittest.mock import patch

import pytest

from gateway.accounts import users
from gateway.request_id import new_request_id
from storage.errors import DatabaseUnavailable
from tests.management.site import Site, running_site
from tests.support.engines import FreshDatabase


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/nowhere"),
        ("GET", "/api/token"),
        ("GET", "/api/status/"),
        ("POST", "/api/status"),
        ("PATCH", "/api/user/self"),
        ("OPTIONS", "/api/user/self"),
        ("GET", "/v1/nowhere"),
        ("POST", "/somewhere"),
    ],
)
async def test_what_is_not_there_is_404_and_never_a_redirect(site: Site, method: str, path: str) -> None:
    answer = await site.root.send(method, f"{path}?x=1")
    assert answer.status_code == 404
    assert answer.json()["error"] == {
        "message": f"Invalid URL ({method} {path})",
        "type": "invalid_request_error",
        "param": "",
        "code": "",
    }


async def test_a_browser_finds_a_page_that_needs_nothing_else(site: Site) -> None:
    await site.root.call("PUT", "/api/option/", json={"key": "SystemName", "value": "<b>Gate & House"})
    for path in ("/", "/anything/else"):
        answer = await site.visitor().send("GET", path)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "&lt;b&gt;Gate &amp; House" in answer.text
        assert "src=" not in answer.text


async def test_every_answer_has_an_id_of_its_own(site: Site) -> None:
    ids = [
        (await site.visitor().send(method, path)).headers["X-Oneapi-Request-Id"]
        for method, path in (("GET", "/api/status"), ("GET", "/api/user/self"), ("GET", "/x"), ("OPTIONS", "/v1/x"))
    ]
    assert len(set(ids)) == 4
    assert all(re.fullmatch(r"[0-9]{31}", number) for number in ids)


def test_request_ids_cannot_be_guessed_from_another() -> None:
    tails = {new_request_id()[14:] for _ in range(1000)}
    assert len(tails) == 1000


async def test_pages_of_other_sites_may_use_keys_and_nothing_else(site: Site) -> None:
    visitor = site.visitor(headers={"Origin": "https://app.example"})
    preflight = await visitor.send("OPTIONS", "/v1/dashboard/billing/usage")
    assert (preflight.status_code, preflight.headers["Access-Control-Allow-Origin"]) == (204, "*")
    assert "Access-Control-Allow-Credentials" not in preflight.headers
    assert (await visitor.send("GET", "/v1/dashboard/billing/usage")).headers["Access-Control-Allow-Origin"] == "*"
    for path in ("/api/status", "/api/user/self"):
        assert "Access-Control-Allow-Origin" not in (await visitor.send("GET", path)).headers


async def test_answers_are_compressed_when_asked(site: Site) -> None:
    async with site.visitor(event_hooks={}).client.stream(
        "GET", "/api/about", headers={"Accept-Encoding": "gzip"}
    ) as answer:
        raw = b"".join([part async for part in answer.aiter_raw()])
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in answer.headers["Vary"]
    assert b'"success":true' in gzip.decompress(raw)


async def test_large_answers_are_compressed_whole(site: Site) -> None:
    plain = await site.root.send("GET", "/api/channel/models", headers={"Accept-Encoding": "identity"})
    zipped = await site.root.send("GET", "/api/channel/models", headers={"Accept-Encoding": "gzip"})
    assert len(plain.content) > 1 << 16
    assert "Content-Encoding" not in plain.headers
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert zipped.content == plain.content


async def test_limits_count_per_address_and_critical_routes_together(sqlite: FreshDatabase) -> None:
    async with running_site(sqlite, {"critical_rate_limit": 3, "global_api_rate_limit": 8}) as site:
        here = site.visitor(headers={"X-Forwarded-For": "203.0.113.1"})
        bad = {"username": "", "password": ""}
        statuses = [(await here.send("POST", "/api/user/login", json=bad)).status_code for _ in range(2)]
        statuses += [(await here.send("POST", "/api/user/register", json=bad)).status_code for _ in range(2)]
        assert statuses == [200, 200, 200, 429]
        refused = await here.send("POST", "/api/user/login", json=bad)
        assert re.fullmatch(r"rate limit exceeded \(request id: [0-9]+\)", refused.json()["error"]["message"])
        assert [(await here.send("GET", "/api/about")).status_code for _ in range(4)] == [200, 200, 200, 429]
        elsewhere = site.visitor(headers={"X-Forwarded-For": "203.0.113.2"})
        assert (await elsewhere.send("POST", "/api/user/login", json=bad)).status_code == 200


async def test_debug_switches_limits_off(sqlite: FreshDatabase) -> None:
    async with running_site(sqlite, {"critical_rate_limit": 1, "debug": True}) as site:
        for _ in range(3):
            await site.visitor().login("root", "123456")


async def test_status_says_when_the_process_drains(site: Site) -> None:
    assert (await site.visitor().send("GET", "/api/status")).status_code == 200
    # The server itself keeps serving until its listeners close.
    with patch.object(type(site.services.phase), "is_ready", False):
        assert (await site.visitor().send("GET", "/api/status")).status_code == 503


async def test_a_crash_shows_nothing_and_is_reported(site: Site) -> None:
    visitor = site.visitor(event_hooks={})
    await visitor.login("root", "123456")
    with patch.object(users, "list_users", side_effect=ZeroDivisionError("in /secret/place")):
        answer = await visitor.send("GET", "/api/user/")
    assert (answer.status_code, answer.json()) == (500, {"success": False, "message": "internal error"})
    ((_, message, fields),) = [event for event in site.notes.events if event[0] == "management.crash"]
    assert message == "GET /api/user/: ZeroDivisionError"
    assert fields["request_id"] == answer.headers["X-Oneapi-Request-Id"]
    assert "/secret/place" in str(fields["traceback"])


async def test_a_missing_database_is_503_and_never_401(site: Site) -> None:
    with patch.object(site.services.database, "read", side_effect=DatabaseUnavailable("host db.internal")):
        answer = await site.root.send("GET", "/api/user/self")
    assert answer.status_code == 503
    assert "db.internal" not in answer.text


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"text"', b'{"name": 5}', b'{"name": "a\\u0000"}', b'{"name": "\\ud800"}', b"\xff"],
)
async def test_a_body_that_cannot_be_read_is_refused(site: Site, body: bytes) -> None:
    for method, path in (("POST", "/api/token/"), ("PUT", "/api/user/self"), ("POST", "/api/redemption/")):
        answer = await site.root.send(method, path, content=body)
        assert (answer.status_code, answer.json()["success"]) == (200, False), path
    assert (await site.root.send("PUT", "/api/option/", content=body)).status_code in (200, 400)


async def test_null_counts_as_missing(site: Site) -> None:
    made = await site.root.call("POST", "/api/token/", json={"name": "n", "expired_time": None, "models": None})
    assert (made["expired_time"], made["models"]) == (-1, None)


async def test_odd_queries_do_no_harm(site_everywhere: Site) -> None:
    site = site_everywhere
    for value in ("\x00", "'", '"; --', "%", "é" * 500, "9" * 40, "-1"):
        for path in ("user/search", "token/search", "channel/search", "redemption/search", "log/search"):
            answer = await site.root.send("GET", f"/api/{path}", params={"keyword": value})
            assert answer.status_code == 200, (path, value)
        query = {"type": value, "start_timestamp": value, "channel": value, "username": value, "p": value}
        assert (await site.root.send("GET", "/api/log/", params=query)).status_code == 200, value


async def test_chinese_clients_read_chinese(site: Site) -> None:
    headers = {"Accept-Language": "zh-CN,zh;q=0.9"}
    assert await site.visitor().refused("POST", "/api/user/login", json={}, headers=headers) == "无效的参数"


async def test_a_slave_with_a_frontend_elsewhere_sends_browsers_there(sqlite: FreshDatabase) -> None:
    settings = {"node_type": "slave", "frontend_base_url": "https://pages.example.com/"}
    async with running_site(sqlite, settings) as slave:
        sent = await slave.visitor().send("GET", "/tokens?x=1")
        assert (sent.status_code, sent.headers["Location"]) == (301, "https://pages.example.com/tokens?x=1")
        assert (await slave.visitor().send("GET", "/api/status")).status_code == 200
        assert (await slave.visitor().send("GET", "/api/nowhere")).status_code == 404
