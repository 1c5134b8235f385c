"""Figures are those of the log to the unit, however much of it was summed up before, in every zone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
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
from storage.repositories.requests import FailedAttempt, FinishedRequest
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
                attempts=rng.choice([1, 1, 2, 3]),
                is_stream=rng.random() < 0.5,
                sent_model=rng.choice(["claude", "gpt-4o"]),
                completion_tokens=rng.randrange(100),
                duration_ms=rng.randrange(5000, 9000),
            )
        )
    return found


KEY_OF: dict[str, Callable[[dict[str, Any]], str]] = {
    "": lambda row: "",
    "model": lambda row: row["model_name"],
    "user": lambda row: str(row["user_id"]),
    "channel": lambda row: str(row["channel_id"]),
    "token": lambda row: f"{row['user_id']}:{row['token_name']}",
    # Nothing is known of their requests.
    "group": lambda row: "",
    "format": lambda row: "",
    # None of these channels is there.
    "provider": lambda row: "0",
    "model+user": lambda row: f"{row['model_name']}\x1f{row['user_id']}",
    "token+channel": lambda row: f"{row['user_id']}:{row['token_name']}\x1f{row['channel_id']}",
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
        for by in ("", *KINDS, "model+user", "token+channel"):
            found = await figures.totals(site.services, span, by=by)
            assert found == expected(all_rows, by, since, until), (by, since, until)
        for zone in ZONES if since == BEGIN else ZONES[1:3]:
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
async def test_figures_are_whole_after_every_step_of_summing_up(
    database: Database, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_rows = rows(100)
    database.write_sync(lambda c: c.execute(insert(logs), all_rows))
    write, seen = Database.write, list[Sums]()
    span = Span(since=BEGIN, until=NOW)

    async def write_and_look(self: Database, work: Callable[[Any], Any], *more: Any) -> Any:
        result = await write(self, work, *more)
        seen.append((await figures.totals(site.services, span, by=""))[""])
        return result

    monkeypatch.setattr(Database, "write", write_and_look)
    await UsageSums(database, database, journal=Notes(), now_s=lambda: NOW).catch_up()
    assert len(seen) > 70
    assert set(seen) == {expected(all_rows, "", BEGIN, NOW)[""]}


@pytest.mark.slow
async def test_figures_of_some_are_those_of_the_log_whatever_the_filters_are(database: Database, site: Site) -> None:
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
        (Only(channels=frozenset({1, 3})), lambda r: r["channel_id"] in (1, 3)),
        (Only(group="vip"), lambda r: False),
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
    lost = [
        FailedAttempt(
            request_id=str(number), failed_at=known[number].finished_at, channel_id=number % 3, kind="server"
        )
        for number in range(20)
    ]
    database.write_sync(lambda c: requests.add(c, known, lost))
    borders = edges(Range("", BEGIN, NOW), UTC)
    span = Span(since=BEGIN, until=NOW, edges=borders)

    async def read() -> list[Any]:
        return [
            await figures.failures(site.services, span),
            await figures.first_content(site.services, span),
            await figures.durations(site.services, span),
            (await figures.counted(site.services, span, ["flow"])).waits("flow"),
            await figures.over_time(site.services, span, kind="tries"),
            await figures.over_time(site.services, span, kind="error"),
            await figures.over_time(site.services, span, kind="lost"),
            await figures.speeds(site.services, span, models=["claude"]),
        ]

    before = await read()
    await UsageSums(database, database, journal=Notes(), now_s=lambda: NOW).catch_up()
    after = await read()
    assert after == before
    (whole, by_bucket), ((middle, high), _) = after[:2]
    assert sum(sum(values) for values in after[4].values()) == sum(r.attempts > 1 for r in known)
    assert sum(sum(values) for values in after[6].values()) == 20
    assert any(value is not None for value in after[7]["claude"])
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


@pytest.mark.slow
async def test_margins_are_those_of_requests_whose_list_price_is_known(database: Database, site: Site) -> None:
    all_rows = [row | {"request_id": str(number)} for number, row in enumerate(rows(240))]
    listed = {number: row["quota"] // 3 for number, row in enumerate(all_rows) if number % 3}
    known = [
        FinishedRequest(
            request_id=str(number),
            finished_at=row["created_at"] * 1000,
            user_id=row["user_id"],
            sent_model=row["model_name"],
            list_units=listed.get(number),
        )
        for number, row in enumerate(all_rows)
    ]
    database.write_sync(lambda c: c.execute(insert(logs), all_rows))
    database.write_sync(lambda c: requests.add(c, known, []))
    # So short a time is read with what requests know, before it is summed up as well.
    since = NOW - DAY
    charges = [(n, row) for n, row in enumerate(all_rows) if row["type"] == 2 and row["created_at"] >= since]
    upstream = sum(listed.get(number, 0) for number, _row in charges)
    margin = sum(row["quota"] - listed[number] for number, row in charges if number in listed)
    span = Span(since=since, until=NOW, edges=edges(Range("", since, NOW), UTC))

    async def check_margins() -> None:
        for by in ("", "user", "model"):
            parts = (await figures.totals(site.services, span, by=by)).values()
            assert sum(sums.upstream_units for sums in parts) == upstream, by
            assert sum(sums.margin_units for sums in parts) == margin, by
        whole = (await figures.series(site.services, span))[""]
        assert sum(sums.margin_units for sums in whole) == margin
        unlisted = sum(row["quota"] for number, row in charges if number not in listed)
        assert sum(sums.unlisted_units for sums in whole) == unlisted

    await check_margins()
    await UsageSums(database, database, journal=Notes(), now_s=lambda: NOW).catch_up()
    await check_margins()


async def test_keys_that_an_engine_takes_for_one_are_summed_up_together(database: Database, site: Site) -> None:
    start = NOW - NOW % HOUR
    one = Sums(1, 10, 1, 1, 0)
    keys = ["1:a", "1:a ", "m" * 255 + "1", "m" * 255 + "2", "A", "a\x00b"]
    await database.write(
        lambda conn: usage_rolled.store_hour(conn, start, [("token", key, one) for key in keys] + [("all", "", one)])
    )
    found = await database.read(
        lambda conn: usage_rolled.read(conn, HOUR, kind="token", spans=[(start, start + HOUR)], buckets=Buckets())
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
