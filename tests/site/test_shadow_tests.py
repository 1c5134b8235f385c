"""Shadow tests: what may be begun, when one ends, and how both sides are compared."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.accounts.clock import now_ms
from gateway.accounts.refusals import NotFound, Refused
from gateway.audit.author import Author
from gateway.site import shadow_tests
from storage.repositories import audit, requests, shadows
from storage.repositories.audit import AuditFilter
from storage.repositories.requests import FinishedRequest
from storage.repositories.rows import Page
from storage.repositories.shadows import ShadowResult, ShadowTest
from tests.management.conftest import site, site_everywhere, sqlite
from tests.management.site import Site

__all__ = ["site", "site_everywhere", "sqlite"]

ROOT = Author(id=1, username="root", role=100, via="page")


def wanted(**changes: Any) -> ShadowTest:
    values = {"model": "m", "channel_id": 1, "per_mille": 10, "max_copies": 3, "max_units": 1000, "created_at": 0}
    return ShadowTest(**(values | changes))


async def channel(site: Site, models: str = "m") -> None:
    body = {"name": "other", "type": 1, "key": "k", "models": models, "group": "default", "status": 2}
    await site.root.call("POST", "/api/channel/", json=body)


async def note(site: Site, **changes: Any) -> ShadowTest | None:
    values = {"test_id": 1, "ended_at": now_ms(), "request_id": "r", "passed": True, "list_units": 10, "units": 20}
    result = ShadowResult(**(values | changes))
    return await site.services.database.write(lambda conn: shadows.note(conn, result, dropped=2))


async def actions(site: Site) -> list[str]:
    rows, _total = await site.services.database.read(
        lambda conn: audit.page(conn, AuditFilter(kind="shadow"), Page(0, 50))
    )
    return [row.action for row in rows]


async def test_a_test_is_known_to_relays_until_it_ends(site_everywhere: Site) -> None:
    site = site_everywhere
    await channel(site)
    number = await shadow_tests.create_test(site.services, ROOT, wanted(user_group="vip"))
    (test,) = site.services.registry.current.shadows["m"]
    assert (test.id, test.user_group, test.created_by) == (number, "vip", "root")
    await shadow_tests.stop_test(site.services, ROOT, number)
    await shadow_tests.stop_test(site.services, ROOT, number)
    assert site.services.registry.current.shadows == {}
    assert shadow_tests.state_of(await shadow_tests.read_test(site.services, number), 0) == "person"
    await shadow_tests.delete_test(site.services, ROOT, number)
    with pytest.raises(NotFound):
        await shadow_tests.read_test(site.services, number)
    assert await actions(site) == ["shadow.delete", "shadow.end", "shadow.create"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": ""}, "name the model"),
        ({"model": "x"}, "does not have the model x"),
        ({"channel_id": 9}, "was not found"),
        ({"per_mille": 0}, "between 0.1 and 100"),
        ({"per_mille": 1001}, "between 0.1 and 100"),
        ({"max_units": 0}, "above 0"),
        ({"max_copies": 0}, "when the test ends"),
        ({"until_at": 5}, "still to come"),
    ],
)
async def test_a_test_without_sense_or_end_is_refused(site: Site, changes: dict[str, Any], words: str) -> None:
    await channel(site)
    with pytest.raises(Refused, match=words):
        await shadow_tests.create_test(site.services, ROOT, wanted(**changes))
    assert await shadow_tests.list_tests(site.services) == []


async def test_a_test_ends_with_its_last_copy_and_with_its_last_unit(site_everywhere: Site) -> None:
    site = site_everywhere
    await channel(site)
    await shadow_tests.create_test(site.services, ROOT, wanted())
    seen = [await note(site) for _ in range(3)]
    assert [(one.copies, one.ended_by) for one in seen if one] == [(1, ""), (2, ""), (3, "copies")]
    await shadow_tests.create_test(site.services, ROOT, wanted(max_units=15))
    ends = [await note(site, test_id=2) for _ in range(2)]
    assert [(one.units, one.dropped, one.ended_by) for one in ends if one] == [(10, 2, ""), (20, 4, "cost")]
    assert await note(site, test_id=99) is None
    await site.services.registry.refresh()
    assert site.services.registry.current.shadows == {}
    over = wanted(until_at=5)
    assert shadow_tests.state_of(over, 6) == "time"


async def test_both_sides_are_compared_by_what_both_answered(site_everywhere: Site) -> None:
    site = site_everywhere
    await channel(site)
    await shadow_tests.create_test(site.services, ROOT, wanted(max_copies=100))
    originals = [
        ("a", "ok", 100, 1000, 50),
        ("b", "ok", 300, 3000, 70),
        ("c", "upstream_failed", None, 10, 0),
        ("d", "client_gone", 100, 500, 5),
        ("e", "ok", 900, 9000, 90),
    ]
    rows = [
        FinishedRequest(
            request_id=name,
            finished_at=now_ms(),
            user_id=1,
            outcome=outcome,
            failed=outcome != "ok",
            first_ms=first,
            duration_ms=took,
            prompt_tokens=10,
            completion_tokens=4,
            units=units,
        )
        for name, outcome, first, took, units in originals
    ]
    await site.services.database.write(lambda conn: requests.add(conn, rows, []))
    told = {"prompt_tokens": 12, "completion_tokens": 8}
    await note(site, request_id="a", first_ms=200, duration_ms=2000, units=10, **told)
    await note(site, request_id="b", first_ms=400, duration_ms=4000, units=30, **told)
    await note(site, request_id="c", first_ms=1, duration_ms=1, **told)
    await note(site, request_id="d", first_ms=1, duration_ms=1, **told)
    await note(site, request_id="e", passed=False, kind="rate_limit", status=429, error="slow")
    await note(site, request_id="not kept", passed=False, kind="limit")
    found = await shadow_tests.compare(site.services, 1)
    assert (found.pairs, found.both, len(found.last)) == (5, 2, 6)
    left, right = found.original, found.shadow
    # Whoever leaves is no channel's failure, and neither is the test's own limit.
    assert (left.answered, left.failed, right.answered, right.failed) == (3, 1, 4, 1)
    assert (left.first_p50, left.first_p95, left.total_p50, left.units) == (100, 300, 1000, 60)
    assert (right.first_p50, right.first_p95, right.total_p95, right.units) == (200, 400, 4000, 20)
    assert (left.completion_tokens, right.completion_tokens, right.prompt_tokens) == (4, 8, 12)
    newest = found.last[0]
    assert (newest.request_id, newest.outcome, newest.kind) == ("not kept", "", "limit")


async def test_results_go_after_their_time_and_with_their_test(site_everywhere: Site) -> None:
    site = site_everywhere
    await channel(site)
    await shadow_tests.create_test(site.services, ROOT, wanted(max_copies=100))
    for ended_at in (10, 20, now_ms()):
        await note(site, ended_at=ended_at)
    delete = site.services.database.write
    assert await delete(lambda conn: shadows.delete_old(conn, before_ms=1000, limit=1)) == 1
    assert await delete(lambda conn: shadows.delete_old(conn, before_ms=1000, limit=10)) == 1
    assert len((await shadow_tests.compare(site.services, 1)).last) == 1
    await shadow_tests.delete_test(site.services, ROOT, 1)
    assert await delete(lambda conn: shadows.delete_old(conn, before_ms=now_ms() + 1000, limit=10)) == 0
