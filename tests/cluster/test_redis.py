"""When Redis is frozen, gone, or late to come."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
import trio

from gateway.cluster.redis import RedisCluster
from gateway.cluster.redis_address import RedisAddress, RedisAddressError, read_address
from gateway.cluster.subscriptions import Subscriptions
from tests.cluster.members import Events, Member, PrivateRedis, free_port, redis_members

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# coredis leaves the memory channels of failed connections to the collector.
pytestmark = pytest.mark.filterwarnings("ignore:Unclosed <MemoryObject:ResourceWarning")


async def until(is_so: Callable[[], bool], limit_s: float = 10) -> None:
    with trio.fail_after(limit_s):
        while not is_so():
            await trio.sleep(0.01)


def is_connected(member: Member) -> bool:
    return member.windows.is_connected  # type: ignore[attr-defined, no-any-return]


@pytest.mark.slow
async def test_frozen_redis_degrades_to_local_windows_and_comes_back(private_redis: PrivateRedis) -> None:
    async with redis_members(private_redis.url) as (first, second):
        assert await first.windows.hit("k", limit=3, window_s=60)
        private_redis.freeze()
        began = trio.current_time()
        answers = [await first.windows.hit("k", limit=2, window_s=60) for _ in range(50)]
        assert trio.current_time() - began < 10, "only the first waits"
        assert answers == [True] * 2 + [False] * 48, "its own window holds"
        assert len(first.journal.named("cluster.degraded")) == 1
        gaps: list[str] = []
        first.bus.subscribe("gap", gaps.append)
        heard: list[str] = []
        second.bus.subscribe("account", heard.append)
        first.bus.publish("account", "user:1")
        private_redis.thaw()
        await until(lambda: is_connected(first))
        assert len(first.journal.named("cluster.restored")) == 1
        assert first.journal.named("cluster.restored")[0][3]["answers"] == 50
        assert gaps == ["redis"]
        assert await first.windows.hit("new", limit=1, window_s=60)
        assert not await second.windows.hit("new", limit=1, window_s=60)
        await until(lambda: heard == ["user:1"])


@pytest.mark.slow
async def test_frozen_redis_is_noticed_without_a_hit(private_redis: PrivateRedis) -> None:
    async with redis_members(private_redis.url, heartbeat_s=0.3) as (first, _):
        await trio.sleep(1)
        assert is_connected(first)
        private_redis.freeze()
        await until(lambda: not is_connected(first), 2)
        private_redis.thaw()
        await until(lambda: is_connected(first))


@pytest.mark.slow
async def test_redis_that_dies_and_comes_back(private_redis: PrivateRedis) -> None:
    async with redis_members(private_redis.url) as (first, second):
        private_redis.stop()
        await until(lambda: not is_connected(first) and not is_connected(second))
        assert await first.windows.hit("k", limit=1, window_s=60)
        assert not await first.windows.hit("k", limit=1, window_s=60)
        private_redis.start()
        await until(lambda: is_connected(first) and is_connected(second))
        heard: list[str] = []
        second.bus.subscribe("account", heard.append)
        first.bus.publish("account", "user:1")
        await until(lambda: heard == ["user:1"])


@pytest.mark.slow
async def test_who_is_ready_hears_what_is_said_from_then_on(private_redis: PrivateRedis) -> None:
    """Whoever reads the database after that misses no change, so the first session needs no gap."""
    address = read_address(private_redis.url)
    async with address.connect() as client:
        for _ in range(5):
            ready: list[int] = []
            async with trio.open_nursery() as nursery:
                for number in range(3):
                    redis = RedisCluster(address, Subscriptions(Events()), Events(), namespace=f"n{number}")
                    await nursery.start(lambda task_status, redis=redis: redis.run(task_status=task_status))
                    # As another process would: what nobody is subscribed to is heard by none.
                    ready.append(await client.publish(f"n{number}:3:bus", "hello"))
                nursery.cancel_scope.cancel()
            assert ready == [1, 1, 1]


@pytest.mark.slow
async def test_start_without_redis_is_no_failure_and_a_gap_when_it_comes(private_redis: PrivateRedis) -> None:
    private_redis.stop()
    async with redis_members(private_redis.url) as (first, _):
        gaps: list[str] = []
        first.bus.subscribe("gap", gaps.append)
        assert await first.windows.hit("k", limit=1, window_s=60)
        assert len(first.journal.named("cluster.degraded")) == 1
        private_redis.start()
        await until(lambda: is_connected(first))
        assert gaps == ["redis"]


@pytest.mark.slow
async def test_too_many_messages_for_an_outage_become_one_gap(private_redis: PrivateRedis) -> None:
    async with redis_members(private_redis.url) as (first, second):
        heard: list[str] = []
        second.bus.subscribe("account", heard.append)
        second.bus.subscribe("gap", lambda payload: heard.append(f"gap {payload}"))
        for count in range(5000):
            first.bus.publish("account", str(count))
        await until(lambda: heard[-1:] == ["4999"])
        assert "gap overflow" in heard
        assert len(heard) < 1100


@pytest.mark.slow
async def test_windows_in_redis_expire(private_redis: PrivateRedis) -> None:
    async with redis_members(private_redis.url) as (first, _), read_address(private_redis.url).connect() as client:
        for _ in range(10):
            await first.windows.hit("k", limit=3, window_s=0.2)
        [key] = [key async for key in client.scan_iter()]
        assert await client.llen(key) == 3
        await trio.sleep(0.3)
        assert await client.dbsize() == 0


@pytest.mark.parametrize(
    ("conn_string", "url", "database"),
    [
        ("redis://:secret@redis.example:6380/4", "redis://:secret@redis.example:6380/4", 4),
        ("rediss://user:p%40ss@redis.example", "rediss://user:p%40ss@redis.example", 0),
        ("redis.example:6379", "redis://redis.example:6379", 0),
        ("redis://redis.example?db=7", "redis://redis.example?db=7", 7),
    ],
)
def test_urls(conn_string: str, url: str, database: int) -> None:
    assert read_address(conn_string) == RedisAddress(url=url)
    assert read_address(conn_string).database == database


def test_sentinels() -> None:
    address = read_address("a:26380, b , [::1]:26381", master_name="mymaster", password="secret")
    assert address.sentinels == (("a", 26380), ("b", 26379), ("::1", 26381))
    assert address.master_name == "mymaster"
    assert "secret" not in address.label


@pytest.mark.slow
async def test_sentinels_name_the_master(private_redis: PrivateRedis, tmp_path: Path) -> None:
    port = free_port()
    configuration = tmp_path / "sentinel.conf"
    configuration.write_text(f"port {port}\nsentinel monitor mymaster 127.0.0.1 {private_redis.port} 1\n")
    with subprocess.Popen(["redis-server", str(configuration), "--sentinel"], stdout=subprocess.DEVNULL) as sentinel:
        address = read_address(f"127.0.0.1:1,127.0.0.1:{port}", master_name="mymaster")
        async with redis_members(address) as (first, second):
            await until(lambda: is_connected(first) and is_connected(second))
            assert await first.windows.hit("k", limit=1, window_s=60)
            assert not await second.windows.hit("k", limit=1, window_s=60)
        sentinel.terminate()


def test_label_shows_no_password() -> None:
    assert read_address("redis://me:secret@redis.example:6380/4").label == "redis.example:6380"


@pytest.mark.parametrize(("conn_string", "master"), [("http://x", ""), ("redis://", ""), ("", "m"), ("a:x", "m")])
def test_what_is_no_address(conn_string: str, master: str) -> None:
    with pytest.raises(RedisAddressError):
        read_address(conn_string, master_name=master)
