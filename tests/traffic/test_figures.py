"""Figures are those of the log to the unit, however much of it was summed up before, in every zone."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, insert, select

from admin_ui.ranges import Range, edges
from gateway.accounts import history
from gateway.audit.author import PROGRAM
from gateway.traffic import figures
from gateway.traffic.figures import Span
from gateway.traffic.sums import UsageSums
from storage.database import Database
from storage.repositories import requests, usage_rolled
from storage.repositories.requests import FinishedRequest
from storage.repositories.steps import NUMBER, percentile, upper_ms
from storage.repositories.usage import DAY, HOUR, KINDS, Buckets, Only, Sums
from storage.tables import logs
from storage.traffic_tables import gw_usage
from tests.management.site import Notes, Site

# The night in which clocks in Berlin go from three to two.
NOW = int(datetime(2026, 10, 27, 9, 21, 13, tzinfo=UTC).timestamp())
BEGIN = NOW - 3 * DAY - 1234
ZONES = ["UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns"]


def rows(number: int = 400) -> list[dict[str, Any]]:
    """Charges at odd moments, and entries of other kinds that count for nothing."""
    rng = Random(3)
    return [
        {
            "user_id": rng.choice([1, 1, 2, 3]),
            "created_at": BEGIN + rng.randrange(NOW - BEGIN),
            "type": rng.choice([2, 2, 2, 2, 1, 5]),
            "content": "",
            "token_name": rng.choice(["a", "b:c"]),
            "model_name": rng.choice(["gpt-4o", "GPT-4o mini", "claude", ""]),
            "quota": rng.randrange(10_000),
            "prompt_tokens": rng.randrange(100),
            "completion_tokens": rng.randrange(100),
            "cached_prompt_tokens": rng.randrange(10),
            "channel_id": rng.randrange(1, 5),
            "elapsed_time": rng.randrange(1, 90_000),
        }
        for _ in range(number)
    ]


def finished(number: int = 200) -> list[FinishedRequest]:
    """Requests that ended, most of them well."""
    rng = Random(4)
    found = []
    for index in range(number):
        outcome, status = rng.choice(
            [("ok", 200)] * 5 + [("client_gone", 499), ("upstream_failed", 502), ("quota", 403)]
        )
        found.append(
            FinishedRequest(
                request_id=str(index),
                finished_at=(BEGIN + rng.randrange(NOW - BEGIN)) * 1000 + rng.randrange(1000),
                user_id=rng.choice([1, 2]),
                outcome=outcome,
                status=status,
                failed=outcome != "ok",
                logged=outcome in ("ok", "client_gone"),
                first_ms=rng.randrange(20, 5000) if outcome == "ok" else None,
            )
        )
    return found


KEY_OF = {
    "": lambda row: "",
    "model": lambda row: row["model_name"],
    "user": lambda row: str(row["user_id"]),
    "channel": lambda row: str(row["channel_id"]),
    "token": lambda row: f"{row['user_id']}:{row['token_name']}",
}


def sums_of(found: list[dict[str, Any]]) -> Sums:
    """What the rows come to."""
    whole = Sums()
    for row in found:
        whole += Sums(1, row["quota"], row["prompt_tokens"], row["completion_tokens"], row["cached_prompt_tokens"])
    return whole


def expected(all_rows: list[dict[str, Any]], by: str, since: int, until: int) -> dict[str, Sums]:
    """The sums, counted one by one."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in all_rows:
        if row["type"] == 2 and since <= row["created_at"] < until:
            groups[KEY_OF[by](row)].append(row)
    return {key: sums_of(found) for key, found in groups.items()}


async def check(site: Site, all_rows: list[dict[str, Any]]) -> None:
    """Compare all figures over several spans and zones with what is counted one by one."""
    for since, until in (
        (BEGIN, NOW),
        (NOW - 2 * DAY + 77, NOW - 5 * HOUR - 3),
        (NOW - 1800, NOW),
        (BEGIN - DAY, BEGIN),
    ):
        span = Span(since=since, until=until)
        for by in ("", *KINDS):
            found = await figures.totals(site.services, span, by=by)
            assert found == expected(all_rows, by, since, until), (by, since, until)
        for zone in ZONES:
            borders = edges(Range("", since, until), ZoneInfo(zone))
            whole = await figures.series(site.services, replace(span, edges=borders), by="model")
            for index, (begin, end) in enumerate(pairwise(borders)):
                wanted = expected(all_rows, "model", max(begin, since), min(end, until))
                got = {key: values[index] for key, values in whole.items() if values[index].requests}
                assert got == wanted, (zone, begin)


@pytest.mark.slow
async def test_figures_do_not_depend_on_what_was_summed_up(database: Database, site: Site) -> None:
    all_rows = rows()
    database.write_sync(lambda c: c.execute(insert(logs), all_rows))
    sums = UsageSums(database, database, journal=Notes(), now_s=lambda: NOW)
    await check(site, all_rows)
    assert await sums.catch_up() > 70
    assert await sums.catch_up() == 0
    days = select(func.count()).select_from(gw_usage).where(gw_usage.c.span == DAY, gw_usage.c.kind == "all")
    assert database.read_sync(lambda c: c.execute(days).scalar_one()) == 2
    await check(site, all_rows)


@pytest.mark.slow
async def test_one_filter_is_answered_from_sums_and_two_from_the_log(database: Database, site: Site) -> None:
    all_rows = rows()
    database.write_sync(lambda c: c.execute(insert(logs), all_rows))
    await UsageSums(database, database, journal=Notes(), now_s=lambda: NOW).catch_up()
    cases: list[tuple[Only, Any]] = [
        (Only(user_id=1), lambda r: r["user_id"] == 1),
        (Only(model="claude"), lambda r: r["model_name"] == "claude"),
        (Only(channel_id=2), lambda r: r["channel_id"] == 2),
        (Only(user_id=1, token_name="b:c"), lambda r: (r["user_id"], r["token_name"]) == (1, "b:c")),
        (Only(token_name="a"), lambda r: r["token_name"] == "a"),
        (Only(user_id=2, model="claude"), lambda r: (r["user_id"], r["model_name"]) == (2, "claude")),
    ]
    for only, fits in cases:
        chosen = [row for row in all_rows if fits(row)]
        span = Span(since=BEGIN, until=NOW, only=only)
        assert await figures.totals(site.services, span, by="") == expected(chosen, "", BEGIN, NOW), only
        assert await figures.totals(site.services, span, by="model") == expected(chosen, "model", BEGIN, NOW), only


@pytest.mark.slow
async def test_late_entries_and_deleted_ones_are_noticed(database: Database, site: Site) -> None:
    all_rows = rows()
    database.write_sync(lambda c: c.execute(insert(logs), all_rows))
    sums = UsageSums(database, database, journal=Notes(), now_s=lambda: NOW)
    await sums.catch_up()
    assert await sums.correct() == 0
    late = rows(1)[0] | {"created_at": NOW - 30 * HOUR, "type": 2, "quota": 99}
    database.write_sync(lambda c: c.execute(insert(logs), [late]))
    assert await sums.correct() == 1
    await check(site, [*all_rows, late])
    moment = NOW - 2 * DAY - 11
    await history.forget_before(site.services, PROGRAM, moment)
    left = [row for row in [*all_rows, late] if row["created_at"] >= moment]
    await check(site, left)
    await sums.catch_up()
    await check(site, left)
    first, end = database.read_sync(usage_rolled.rolled_hours)
    assert (first, end) == (moment - moment % HOUR, NOW - NOW % HOUR)


@pytest.mark.slow
async def test_failures_and_waits_are_the_same_from_sums_and_rows(database: Database, site: Site) -> None:
    known = finished()
    database.write_sync(lambda c: c.execute(insert(logs), rows(50)))
    database.write_sync(lambda c: requests.add(c, known, []))
    borders = edges(Range("", BEGIN, NOW), UTC)
    span = Span(since=BEGIN, until=NOW, edges=borders)
    before = [
        await read(site.services, span) for read in (figures.failures, figures.first_content, figures.durations)
    ]
    await UsageSums(database, database, journal=Notes(), now_s=lambda: NOW).catch_up()
    after = [await read(site.services, span) for read in (figures.failures, figures.first_content, figures.durations)]
    assert after == before
    (whole, by_bucket), ((middle, high), _), _ = after
    assert whole == {
        "left": sum(r.outcome == "client_gone" for r in known),
        "upstream": sum(r.outcome == "upstream_failed" for r in known),
        "client": sum(r.outcome == "quota" for r in known),
        "logged": sum(r.failed and r.logged for r in known),
    }
    assert sum(part.get("upstream", 0) for part in by_bucket) == whole["upstream"]
    waits = sorted(r.first_ms for r in known if r.first_ms is not None)
    assert middle == pytest.approx(waits[len(waits) // 2], rel=0.25)
    assert high == pytest.approx(waits[len(waits) * 19 // 20], rel=0.25)


async def test_keys_that_an_engine_takes_for_one_are_summed_up_together(database: Database, site: Site) -> None:
    start = NOW - NOW % HOUR
    one = Sums(1, 10, 1, 1, 0)
    keys = ["1:a", "1:a ", "m" * 255 + "1", "m" * 255 + "2", "A", "a\x00b"]
    await database.write(
        lambda conn: usage_rolled.store_hour(conn, start, [("token", key, one) for key in keys] + [("all", "", one)])
    )
    found = await database.read(
        lambda conn: usage_rolled.from_hours(conn, kind="token", since=start, until=start + HOUR, buckets=Buckets())
    )
    assert sum(sums.requests for sums in found.values()) == len(keys)
    assert found[0, "m" * 255].units == 20


def test_percentiles_lie_in_the_step_that_holds_them() -> None:
    assert percentile({}, 0.5) is None
    assert percentile({3: 10}, 0.5) == pytest.approx((upper_ms(2) + upper_ms(3)) / 2)
    assert percentile({0: 99, NUMBER: 1}, 0.95) < upper_ms(0)  # type: ignore[operator]
    assert percentile({0: 1, NUMBER: 99}, 0.5) > upper_ms(NUMBER - 1)  # type: ignore[operator]


@pytest.mark.parametrize("zone", [*ZONES, "Asia/Kathmandu", "Pacific/Chatham"])
@pytest.mark.parametrize("seconds", [900, HOUR, DAY, 7 * DAY, 30 * DAY, 90 * DAY, 365 * DAY])
def test_buckets_cover_a_range_without_gaps(zone: str, seconds: int) -> None:
    place = ZoneInfo(zone)
    for until in (NOW, NOW - 2 * DAY, NOW - 200 * DAY):
        found = edges(Range("", until - seconds, until), place)
        assert found[0] <= until - seconds < found[1]
        assert found[-2] < until <= found[-1]
        assert found == sorted(set(found))
        assert 10 <= len(found) <= 400
        if seconds >= 90 * DAY:
            assert all(datetime.fromtimestamp(edge, place).hour == 0 for edge in found)
            assert all(
                timedelta(hours=22) < timedelta(seconds=b - a) < timedelta(hours=26) for a, b in pairwise(found)
            )
