"""Fill a database, start a gateway on it, look at every list and chart as people do, and print how long each took.

Times are the server's own (`Server-Timing`): from the arrival of the request until the page is ready to be sent.
The exit status is 1 if a list took longer than the limit.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import trio

from gateway.accounts.passwords import hash_password
from scripts.bench_lists_.fill import Size, analyse, fill
from storage.bootstrap import ensure_first_root
from storage.migrate import migrate
from storage.repositories import usage_rolled
from tests.support.engines import fresh_database
from tests.support.gateway import running_gateway

if TYPE_CHECKING:
    from storage.database import Database
    from tests.support.engines import FreshDatabase

LIMIT_MS = 300
PASSWORD = "bench-password"
SIZES = {
    "sqlite": Size(logs=100_000, channels=500, users=2_000, tokens=5_000, codes=2_000),
    "postgresql": Size(logs=1_000_000, channels=2_000, users=5_000, tokens=20_000, codes=10_000),
    "mysql": Size(logs=1_000_000, channels=2_000, users=5_000, tokens=20_000, codes=10_000),
}
LISTS = (
    "/channels",
    "/channels?page=10",
    "/channels?sort=used_quota&size=100",
    "/channels?q=Channel+19",
    "/channels?status=3",
    "/channels?group=vip&model=gpt-4o-0",
    "/channels?size=200",
    "/channels?q=tag+7",
    "/channels?tag=tag+7",
    "/channels?has=prices&tested=stale",
    "/channels?status=draining",
    "/channels?view=attention",
    "/channels?view=tiers",
    "/channels?sort=cost",
    "/channels?sort=requests&order=asc",
    "/channels?sort=share&order=asc",
    "/channels?sort=first",
    "/channels/1",
    "/channels/1/models",
    "/channels/1/requests",
    "/channels/1/edit",
    "/users",
    "/users?page=40",
    "/users?q=person19",
    "/users?sort=quota",
    "/users?balance=low&second=none",
    "/users?size=200",
    "/users?sort=active",
    "/users?sort=tokens&order=asc",
    "/users?sort=inviter",
    "/users/1999",
    "/tokens",
    "/tokens?page=10",
    "/tokens?q=token+19",
    "/tokens?user=*",
    "/tokens?user=*&model=gpt-4o-0&size=200",
    "/tokens?user=*&used=never",
    "/tokens?user=*&sort=lasts&order=asc",
    "/tokens?user=*&sort=requests",
    "/tokens?user=*&sort=owner&page=10",
    "/tokens?sort=lasts",
    "/tokens/5",
    "/topup",
    "/profile",
    "/codes",
    "/codes?page=40",
    "/codes?q=batch+1",
    "/codes?status=1&size=200",
    "/codes?sort=expires",
    "/models?of=all",
    "/models?of=all&sort=health",
    "/models?of=all&sort=tokens",
    "/requests",
    "/requests?size=200",
    "/requests?at={middle}",
    "/requests?range=24h",
    "/requests?range=30d&model=gpt-4o-0",
    "/requests?user=person1999",
    "/requests?user=root&type=2",
    "/requests?channel=400",
    "/requests?token=token+5",
    "/requests?model=no-such-model",
    "/requests?type=1",
    "/requests?q=no+such+text",
    "/requests?q={request_id}",
    "/requests?sort=quota",
    "/requests?sort=elapsed_time&user=person7",
    "/requests?min_ms=10000",
    "/requests?view=failed",
    "/requests?view=failed&channel=3",
    "/requests?view=retried",
    "/requests?stream=no&min_cost=0.01",
    "/requests?view=slow",
    "/requests?status=429",
    "/requests?status=5xx&channel=3",
    "/requests?status=2xx&format=messages",
    "/requests?format=rerank",
    "/requests?group=rare",
    "/requests?group=vip&retried=yes",
    "/requests?min_first=2000",
    "/requests?error=no+such+error",
    "/requests?content=no+such+text",
    "/requests?session=session-70000",
    "/requests/f1000",
    "/requests/{entry}",
    "/requests/{entry}?view=failed",
    "/audit",
    "/audit?size=20&more=10",
    "/audit?q=Channel+19",
    "/audit?field=reason",
    "/audit?kind=channel&object=19",
    "/audit?kind=channel&object=19&sort=who",
    "/audit/1",
    "/channels/19/history",
)
CHARTS = (
    "/?range=1h",
    "/",
    "/?range=7d",
    "/?range=30d",
    "/?range=30d&by=channel",
    "/?range=30d&user=root",
    "/cost",
    "/cost?by=user",
    "/cost?by=channel",
    "/cost?by=token",
    "/cost?by=day",
    "/cost?model=gpt-4o-0&by=user",
    "/requests/sums",
    "/requests/sums?range=30d&model=gpt-4o-0",
    "/requests/sums?range=24h&status=5xx",
    "/requests/sums?range=7d&format=messages",
    "/requests/sums?user=root",
)
OWN = ("/", "/?range=30d", "/cost", "/requests", "/requests?sort=quota", "/tokens", "/models")


def main() -> int:
    """Do what the command line says and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=sorted(SIZES), default="sqlite")
    parser.add_argument("--logs", type=int, help="entries of the log (1,000,000 on servers, 100,000 on SQLite)")
    parser.add_argument("--channels", type=int, help="channels (2,000 and 500)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each page is asked for, after once before")
    parser.add_argument("--hold", action="store_true", help="keep the gateway running until Ctrl-C, to look around")
    wanted = parser.parse_args()
    size = SIZES[wanted.engine]
    size = Size(
        logs=wanted.logs or size.logs,
        channels=wanted.channels or size.channels,
        users=size.users,
        tokens=size.tokens,
        codes=size.codes,
    )
    with tempfile.TemporaryDirectory() as folder, fresh_database(wanted.engine, Path(folder)) as fresh:
        _prepare(fresh, size)
        return trio.run(_measure, fresh, Path(folder), size, wanted.rounds, wanted.hold)


def _prepare(fresh: FreshDatabase, size: Size) -> None:
    database = fresh.open()
    migrate(database)
    ensure_first_root(database, hash_password=hash_password)
    fill(database, size, password=hash_password(PASSWORD), say=_say)
    database.close()


async def _measure(fresh: FreshDatabase, folder: Path, size: Size, rounds: int, hold: bool) -> int:
    async with running_gateway(folder, database=fresh) as gateway:
        began = time.monotonic()
        await trio.to_thread.run_sync(_wait_for_sums, fresh)
        _say(f"a month is summed up in {time.monotonic() - began:.0f} s")
        names = {"middle": f"{int(time.time()) - 15 * 86_400}.0.2.{size.logs // 2}", "entry": str(size.logs // 2)}
        names["request_id"] = f"20260101{size.logs // 2 + 3:016}".ljust(31, "0")
        slow = 0
        for who, password, title, paths in (
            ("root", "123456", "lists, as root", LISTS),
            ("root", "123456", "charts, as root", CHARTS),
            ("person2", PASSWORD, "as a user", OWN),
        ):
            async with httpx2.AsyncClient(base_url=gateway.url, trust_env=False, timeout=120) as client:
                await client.post("/api/user/login", json={"username": who, "password": password})
                print(f"\n{title:<52} {'median ms':>10} {'worst ms':>10} {'kB':>6}")
                for path in paths:
                    times, kilobytes = await _look_at(client, path.format(**names), rounds)
                    middle = statistics.median(times)
                    is_slow = middle > LIMIT_MS and title.startswith("lists")
                    slow += is_slow
                    print(
                        f"{path:<52} {middle:>10.0f} {max(times):>10.0f} {kilobytes:>6.1f}{' !' if is_slow else ''}"
                    )
        if hold:
            _say(f"\n{gateway.url}  root / 123456, person2 / {PASSWORD}")
            await trio.sleep_forever()
    return int(slow > 0)


async def _look_at(client: httpx2.AsyncClient, path: str, rounds: int) -> tuple[list[float], float]:
    times: list[float] = []
    size = 0.0
    for number in range(rounds + 1):
        answer = await client.get(path)
        if answer.status_code != 200:
            raise SystemExit(f"{path}: status {answer.status_code}")
        found = re.search(r"dur=([\d.]+)", answer.headers.get("server-timing", ""))
        if found is None:
            raise SystemExit(f"{path}: no time")
        size = int(answer.headers.get("content-length", "0")) / 1000
        if number:
            times.append(float(found[1]))
    return times, size


def _wait_for_sums(fresh: FreshDatabase) -> None:
    database: Database = fresh.open()
    try:
        oldest = database.read_sync(usage_rolled.first_charge)
        while database.read_sync(usage_rolled.rolled_hours)[0] not in range(1, oldest + 1):
            time.sleep(0.5)
        database.write_sync(analyse)
    finally:
        database.close()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
