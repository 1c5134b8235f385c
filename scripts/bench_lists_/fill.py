"""Fill a migrated database with a month of traffic, as fast as its engine takes rows.

A few users, models and channels have most of the requests, as it is in life; a hundredth of them fails.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

from storage.tables import abilities, channels, logs, redemptions, tokens, traces, users

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Table

    from storage.database import Database

Row = dict[str, Any]

MONTH_S = 30 * 86_400
_BATCH = 5_000
_FAMILIES = ("gpt-4o", "gpt-4.1", "o3", "claude-sonnet-4-5", "gemini-2.5-pro", "deepseek-chat", "qwen-max", "glm-4")
_GROUPS = ("default", "vip", "svip")
_MODELS_A_CHANNEL = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many of each there are."""

    logs: int
    channels: int
    users: int
    tokens: int
    codes: int
    models: int = 160


class Crowd:
    """Things of which the first are far more popular than the last."""

    def __init__(self, number: int, *, skew: float = 1.1) -> None:
        self._weights = list(accumulate(1 / (rank**skew) for rank in range(1, number + 1)))
        self._numbers = range(number)

    def pick(self, rng: Random, times: int) -> list[int]:
        """Return `times` of them, by popularity."""
        return rng.choices(self._numbers, cum_weights=self._weights, k=times)


def fill(database: Database, size: Size, *, say: Callable[[str], None]) -> None:
    """Write everything. The database has its schema and root, and is not in use."""
    rng = Random(7)
    now = int(time.time())
    models = [f"{family}-{number}" for number in range(-(-size.models // len(_FAMILIES))) for family in _FAMILIES]
    for table, rows in (
        (users, _users(size, now)),
        (tokens, _tokens(size, now)),
        (channels, _channels(size, models, now)),
        (abilities, _abilities(size, models)),
        (redemptions, _codes(size, now)),
        (logs, _logs(size, models, now, rng)),
        (traces, _traces(size, now, rng)),
    ):
        began = time.monotonic()
        count = database.write_sync(lambda conn, table=table, rows=rows: _store(conn, table, rows))
        say(f"{count:>9,} rows of {table.name} in {time.monotonic() - began:.0f} s")
    database.write_sync(_look_at)


def _store(conn: Connection, table: Table, rows: Iterator[Row]) -> int:
    first = next(rows, None)
    if first is None:
        return 0
    names = list(first)
    count = 0
    raw = conn.connection.dbapi_connection
    assert raw is not None
    if conn.dialect.name == "postgresql":
        quoted = ", ".join(f'"{name}"' for name in names)
        with raw.cursor() as cursor, cursor.copy(f"COPY {table.name} ({quoted}) FROM STDIN") as copy:
            for row in _with(first, rows):
                copy.write_row(list(row.values()))
                count += 1
        conn.exec_driver_sql(
            f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), (SELECT max(id) FROM {table.name}))"
        ) if "id" in table.c else None
        return count
    if conn.dialect.name == "sqlite":
        quoted = ", ".join(f'"{name}"' for name in names)
        places = ", ".join("?" * len(names))
        tuples = (tuple(row.values()) for row in _with(first, rows))
        cursor = raw.cursor()
        cursor.executemany(f'INSERT INTO "{table.name}" ({quoted}) VALUES ({places})', tuples)
        return int(cursor.rowcount)
    batch: list[Row] = []
    for row in _with(first, rows):
        batch.append(row)
        count += 1
        if len(batch) == _BATCH:
            conn.execute(insert(table), batch)
            batch = []
    if batch:
        conn.execute(insert(table), batch)
    return count


def _with(first: Row, rest: Iterator[Row]) -> Iterator[Row]:
    yield first
    yield from rest


def _look_at(conn: Connection) -> None:
    """Let the engine count what it has, as it does by itself after a while."""
    if conn.dialect.name != "mysql":
        conn.exec_driver_sql("ANALYZE")


def _users(size: Size, now: int) -> Iterator[Row]:
    for number in range(2, size.users + 1):
        yield {
            "id": number,
            "username": f"person{number}",
            "password": "x",
            "display_name": f"Person {number}",
            "email": f"person{number}@example.com",
            "role": 1,
            "status": 1 + (number % 50 == 0),
            "quota": number * 1000,
            "used_quota": number * 300,
            "request_count": number,
            "group": _GROUPS[number % 3],
            "aff_code": f"a{number:05}",
            "access_token": f"{number:032}",
            "created_at": (now - number) * 1000,
            "updated_at": now * 1000,
        }


def _tokens(size: Size, now: int) -> Iterator[Row]:
    for number in range(1, size.tokens + 1):
        yield {
            "id": number,
            # A tenth belongs to root, so that one person's list is long, too.
            "user_id": 1 if number % 10 == 0 else number % size.users + 1,
            "key": f"{number:048}",
            "status": 1 + (number % 40 == 0),
            "name": f"token {number}",
            "created_time": now - number,
            "accessed_time": now - number % 86_400,
            "expired_time": -1,
            "remain_quota": number * 100,
            "unlimited_quota": number % 2 == 0,
            "used_quota": number * 10,
            "created_at": now * 1000,
        }


def _models_of(channel: int, models: list[str]) -> list[str]:
    return [models[(channel * 7 + step * 13) % len(models)] for step in range(_MODELS_A_CHANNEL)]


def _channels(size: Size, models: list[str], now: int) -> Iterator[Row]:
    for number in range(1, size.channels + 1):
        yield {
            "id": number,
            "type": (1, 14, 24, 3, 36)[number % 5],
            "key": f"sk-{number}",
            "status": (1, 1, 1, 1, 1, 1, 1, 2, 3)[number % 9],
            "name": f"Channel {number}",
            "weight": number % 10,
            "priority": number % 3,
            "created_time": now - number,
            "test_time": now - number % 3600,
            "response_time": number % 3000,
            "base_url": f"https://upstream{number}.example.com",
            "balance": 0,
            "balance_updated_time": 0,
            "models": ",".join(sorted(set(_models_of(number, models)))),
            "group": "default,vip",
            "used_quota": number * 1000,
            "config": "",
            "created_at": now * 1000,
        }


def _abilities(size: Size, models: list[str]) -> Iterator[Row]:
    for number in range(1, size.channels + 1):
        for group in ("default", "vip"):
            for model in sorted(set(_models_of(number, models))):
                enabled = (True, True, True, True, True, True, True, False, False)[number % 9]
                yield {
                    "group": group,
                    "model": model,
                    "channel_id": number,
                    "enabled": enabled,
                    "priority": number % 3,
                }


def _codes(size: Size, now: int) -> Iterator[Row]:
    for number in range(1, size.codes + 1):
        yield {
            "id": number,
            "user_id": 1,
            "key": f"{number:032}",
            "status": 1 + 2 * (number % 3 == 0),
            "name": f"batch {number // 100}",
            "quota": 500_000,
            "created_time": now - number,
            "redeemed_time": 0,
        }


def _moments(size: Size, now: int, rng: Random) -> Iterator[tuple[int, int]]:
    """Number and second of each request, oldest first."""
    step = MONTH_S / size.logs
    for number in range(1, size.logs + 1):
        yield number, now - MONTH_S + int(number * step + rng.random() * step)


def _logs(size: Size, models: list[str], now: int, rng: Random) -> Iterator[Row]:
    people = Crowd(size.users).pick(rng, size.logs)
    asked = Crowd(len(models)).pick(rng, size.logs)
    served = Crowd(size.channels, skew=0.8).pick(rng, size.logs)
    for number, at in _moments(size, now, Random(1)):
        user, model, channel = people[number - 1] + 1, models[asked[number - 1]], served[number - 1] + 1
        prompt, completion = rng.randrange(20, 6000), rng.randrange(5, 1500)
        kind = 2 if number % 200 else (1, 3, 4, 5)[number // 200 % 4]
        yield {
            "id": number,
            "user_id": user,
            "created_at": at,
            "type": kind,
            "content": "model rate 2.50, completion rate 4.00, group rate 1.00",
            "username": "root" if user == 1 else f"person{user}",
            "token_name": f"token {user * 3 + number % 3}",
            "model_name": model,
            "quota": prompt + 4 * completion,
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "channel_id": channel,
            "request_id": f"20260101{number:016}",
            "trace_id": f"{number:032x}",
            "updated_at": at * 1000,
            "elapsed_time": int(rng.lognormvariate(7.2, 0.8)),
            "is_stream": number % 3 != 0,
            "system_prompt_reset": False,
            "cached_prompt_tokens": prompt // 3 if number % 4 == 0 else 0,
            "cached_completion_tokens": 0,
        }


def _traces(size: Size, now: int, rng: Random) -> Iterator[Row]:
    for number, second in _moments(size, now, Random(1)):
        end = second * 1000
        took = int(rng.lognormvariate(7.2, 0.8))
        began = end - took
        stamps = {
            "request_received": began,
            "request_forwarded": began + 8,
            "first_upstream_response": began + took // 4,
            "first_client_response": began + took // 4 + 2,
            "upstream_completed": end - 3,
            "request_completed": end,
        }
        yield {
            "trace_id": f"{number:032x}",
            "url": "/v1/chat/completions",
            "method": "POST",
            "body_size": 1200,
            "status": 200,
            "timestamps": json.dumps(stamps, separators=(",", ":")),
            "created_at": began,
            "updated_at": end,
        }
