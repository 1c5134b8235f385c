"""A log in a database of its own is summed up with what the other knows of its requests."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from sqlalchemy import insert

from gateway.traffic import figures
from gateway.traffic.figures import Span
from gateway.traffic.sums import UsageSums
from storage.database import Database
from storage.dsn import parse_dsn
from storage.migrate import ensure_logs, migrate
from storage.repositories import requests
from storage.repositories.requests import FinishedRequest
from storage.repositories.usage import HOUR, Only, Sums
from storage.tables import logs
from tests.management.site import Notes

NOW = 1_795_000_000


def _row(number: int) -> dict[str, Any]:
    return {
        "user_id": 1 + number % 2, "created_at": NOW - number * 600, "type": 2, "content": "", "token_name": "a",
        "model_name": "m", "quota": 10, "prompt_tokens": 5, "completion_tokens": 30, "cached_prompt_tokens": 2,
        "channel_id": 1, "elapsed_time": 100, "request_id": f"r{number}", "is_stream": True,
    }  # fmt: skip


async def test_groups_and_savings_are_known_of_a_log_elsewhere(tmp_path: Path) -> None:
    main, apart = (Database.open(parse_dsn("", sqlite_path=str(tmp_path / name))) for name in ("main.db", "logs.db"))
    migrate(main)
    ensure_logs(apart)
    apart.write_sync(lambda conn: conn.execute(insert(logs), [_row(number) for number in range(40)]))
    known = [
        FinishedRequest(
            request_id=f"r{number}", finished_at=(NOW - number * 600) * 1000, user_id=1 + number % 2, sent_model="m",
            user_group="vip", endpoint="messages", saved_units=7, is_stream=True, first_ms=20, duration_ms=120,
            completion_tokens=30, attempts=1, list_units=4,
        )
        for number in range(0, 40, 2)
    ]  # fmt: skip
    main.write_sync(lambda conn: requests.add(conn, known, []))
    services = cast("Any", SimpleNamespace(database=main, log_database=apart))
    span = Span(since=NOW - 40 * 600, until=NOW + 1)
    one = Sums(1, 10, 5, 30, 2)

    async def check() -> None:
        by_group = await figures.totals(services, span, by="group")
        assert by_group == {
            "vip": Sums(*(20 * value for value in one))._replace(
                saved_units=140, upstream_units=80, margin_units=120
            ),
            "": Sums(*(20 * value for value in one)),
        }
        pairs = await figures.totals(services, span, by="user+format")
        assert {key: sums.requests for key, sums in pairs.items()} == {"1\x1fmessages": 20, "2\x1f": 20}
        only = Span(since=span.since, until=span.until, only=Only(group="vip"))
        assert (await figures.totals(services, only, by="user"))["1"].units == 200

    await check()
    sums = UsageSums(main, apart, journal=Notes(), now_s=lambda: NOW)
    assert await sums.catch_up() == (NOW - 60) // HOUR - (NOW - 39 * 600) // HOUR
    await check()
    for database in (main, apart):
        database.close()
