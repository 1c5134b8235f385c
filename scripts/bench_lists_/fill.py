"""Fill a migrated database with a month of traffic, as fast as its engine takes rows.

A few users, models and channels have most of the requests, as it is in life; a hundredth of them fails.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from itertools import accumulate, islice
from random import Random
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

from storage.audit_tables import gw_audit
from storage.channel_tables import gw_channel_labels, gw_channel_tests
from storage.tables import abilities, channels, logs, redemptions, tokens, traces, users
from storage.traffic_tables import gw_attempts, gw_requests, gw_tallies, gw_usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Table

    from storage.database import Database

Row = dict[str, Any]

MONTH_S = 30 * 86_400
_BATCH = 5_000
_PART = 50_000
_FAMILIES = ("gpt-4o", "gpt-4.1", "o3", "claude-sonnet-4-5", "gemini-2.5-pro", "deepseek-chat", "qwen-max", "glm-4")
_GROUPS = ("default", "vip", "svip")
_ENDPOINTS = ("chat_completions", "messages", "responses")
_MODELS_A_CHANNEL = 6
_ENDS = ((502, "upstream_failed"), (429, "upstream_failed"), (403, "quota"), (499, "client_gone"))


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


def fill(database: Database, size: Size, *, password: str, say: Callable[[str], None]) -> None:
    """Write everything. The database has its schema and root, and is not in use. `password`: everybody's, hashed."""
    rng = Random(7)
    now = int(time.time())
    models = [f"{family}-{number}" for number in range(-(-size.models // len(_FAMILIES))) for family in _FAMILIES]
    for table, rows in (
        (users, _users(size, now, password)),
        (tokens, _tokens(size, now)),
        (channels, _channels(size, models, now)),
        (abilities, _abilities(size, models)),
        (gw_channel_labels, _labels(size)),
        (gw_channel_tests, _channel_tests(size, now)),
        (gw_audit, _switches(size, now)),
        (redemptions, _codes(size, now)),
        (logs, _logs(size, models, now, rng)),
        (traces, _traces(size, now, rng)),
        (gw_requests, _requests(size, models, now, rng)),
        (gw_attempts, _attempts(size, models, now, rng)),
    ):
        began = time.monotonic()
        count = 0
        # In parts, since every statement has a limit.
        while part := list(islice(rows, _PART)):
            database.write_sync(lambda conn, table=table, part=part: _store(conn, table, part))
            count += len(part)
        say(f"{count:>9,} rows of {table.name} in {time.monotonic() - began:.0f} s")
    database.write_sync(analyse)


def _store(conn: Connection, table: Table, rows: list[Row]) -> None:
    names = ", ".join(conn.dialect.identifier_preparer.quote(name) for name in rows[0])
    raw: Any = conn.connection.dbapi_connection
    if conn.dialect.name == "postgresql":
        with raw.cursor() as cursor, cursor.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(list(row.values()))
        if "id" in rows[0]:
            last = f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), (SELECT max(id) FROM {table.name}))"
            conn.exec_driver_sql(last)
    elif conn.dialect.name == "sqlite":
        places = ", ".join("?" * len(rows[0]))
        tuples = [tuple(row.values()) for row in rows]
        raw.cursor().executemany(f"INSERT INTO {table.name} ({names}) VALUES ({places})", tuples)
    else:
        for begin in range(0, len(rows), _BATCH):
            conn.execute(insert(table), rows[begin : begin + _BATCH])


def analyse(conn: Connection) -> None:
    """Let the engine count what it has, as it does by itself after a while."""
    if conn.dialect.name != "mysql":
        conn.exec_driver_sql("ANALYZE")
        return
    names = ", ".join(table.name for table in (logs, gw_requests, gw_attempts, gw_usage, gw_tallies))
    conn.exec_driver_sql(f"ANALYZE TABLE {names}")


def _users(size: Size, now: int, password: str) -> Iterator[Row]:
    for number in range(2, size.users + 1):
        yield {
            "id": number,
            "username": f"person{number}",
            "password": password,
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


def _token_of(size: Size, user: int, number: int) -> str:
    """Return the name of a token of a user."""
    if user == 1:
        return f"token {10 * (1 + number % (size.tokens // 10))}"
    return f"token {user - 1 + number % max(size.tokens // size.users, 1) * size.users}"


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


def _labels(size: Size) -> Iterator[Row]:
    for number in range(3, size.channels + 1, 3):
        yield {"channel_id": number, "tag": f"tag {number % 40}", "note": "bought in May" if number % 2 else ""}


def _channel_tests(size: Size, now: int) -> Iterator[Row]:
    """The last ten tests of each channel, of which every twentieth failed."""
    for turn in range(10):
        for channel in range(1, size.channels + 1):
            number = turn * size.channels + channel
            yield {
                "id": number,
                "channel_id": channel,
                "tested_at": (now - (10 - turn) * 3600) * 1000,
                "model": "gpt-4o-0",
                "passed": number % 20 != 0,
                "duration_ms": number % 3000,
                "status": 200,
                "format": "openai_chat",
                "is_stream": False,
                "prompt_tokens": 8,
                "completion_tokens": 1,
                "units": 10,
                "said": "4",
            }


def _switches(size: Size, now: int) -> Iterator[Row]:
    """All channels were switched off and on ten times, each time at once."""
    for turn in range(20):
        whole = turn * (size.channels + 1) + 1
        for channel in range(size.channels + 1):
            yield {
                "id": whole + channel,
                "created_at": (now - (20 - turn) * 3600) * 1000,
                "actor_id": 1,
                "actor": "root",
                "address": "127.0.0.1",
                "via": "page",
                "action": ("channel.enable", "channel.disable")[turn % 2],
                "kind": "channel",
                "object_id": channel,
                "object_name": f"Channel {channel}" if channel else "",
                "changes": '{"reason": ["", "invalid key"]}' if channel else "{}",
                "part_of": whole if channel else 0,
                "batch": None if channel else f"{turn:032}",
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
            "content": "model rate 1.25, group rate 1.00, completion rate 4.00, cached_prompt 0, cached_completion 0",
            "username": "root" if user == 1 else f"person{user}",
            "token_name": _token_of(size, user, number),
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


def _requests(size: Size, models: list[str], now: int, rng: Random) -> Iterator[Row]:
    """What is known of the requests that were charged, and of one in a hundred that was not."""
    people = Crowd(size.users).pick(rng, size.logs)
    asked = Crowd(len(models)).pick(rng, size.logs)
    served = Crowd(size.channels, skew=0.8).pick(rng, size.logs)
    detail = json.dumps(
        {"tries": [{"channel_id": 1, "channel": "Channel 1", "began": 8, "ended": 900}], "path": "/v1/x"}
    )
    for number, second in _moments(size, now, Random(1)):
        if number % 200 == 0:
            continue
        fails = number % 100 == 1
        status, outcome = _ENDS[number // 100 % len(_ENDS)]
        user, model, channel = people[number - 1] + 1, models[asked[number - 1]], served[number - 1] + 1
        yield {
            "request_id": f"{'2026010299' if fails else '20260101'}{number:016}",
            "trace_id": f"{number:032x}",
            "finished_at": second * 1000 + number % 1000,
            "user_id": user,
            "username": "root" if user == 1 else f"person{user}",
            "token_name": _token_of(size, user, number),
            "user_group": "rare" if number % 40_000 == 1 else _GROUPS[user % 3],
            "session": f"session-{number // 10}" if number % 4 else "",
            "model": model,
            "sent_model": model,
            "channel_id": channel,
            "endpoint": "rerank"
            if number % 30_000 == 3
            else ("chat_completions", "messages", "responses")[number % 3],
            "is_stream": number % 3 != 0,
            "status": status if fails else 200,
            "outcome": outcome if fails else "ok",
            "failed": fails,
            "logged": not fails,
            "attempts": 1 + (number % 50 == 1),
            "first_ms": None if fails else int(rng.lognormvariate(6.0, 0.6)),
            "duration_ms": int(rng.lognormvariate(7.2, 0.8)),
            "prompt_tokens": 1000,
            "completion_tokens": 0 if fails else 300,
            "units": 0 if fails else 2000,
            "error": "the provider did not answer in time" if fails else "",
            "detail": detail,
        }


def _attempts(size: Size, models: list[str], now: int, rng: Random) -> Iterator[Row]:
    served = Crowd(size.channels, skew=0.8).pick(rng, size.logs)
    for number, second in _moments(size, now, Random(1)):
        if number % 50 == 1:
            yield {
                "request_id": f"2026010299{number:016}",
                "failed_at": second * 1000,
                "channel_id": served[number - 1] + 1,
                "model": models[number % len(models)],
                "status": (500, 429)[number // 50 % 2],
                "kind": ("server", "rate_limit", "timeout", "network")[number // 50 % 4],
                "duration_ms": 300,
                "error": "Rate limit reached",
            }
