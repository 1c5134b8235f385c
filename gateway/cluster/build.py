"""Choose how this process talks to the others: over Redis, over the parent, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from gateway.cluster.local import LocalBus, LocalWindows
from gateway.cluster.redis import RedisCluster
from gateway.cluster.redis_address import read_address
from gateway.cluster.subscriptions import Subscriptions
from gateway.cluster.worker import WorkerCluster

if TYPE_CHECKING:
    from gateway.cluster.fallback import Fallback
    from gateway.cluster.types import Bus, Windows
    from gateway.lifecycle_types import Process, Service
    from gateway.observe.types import Journal


class ClusterSettings(Protocol):
    """The settings read here."""

    @property
    def uses_redis(self) -> bool:
        """Whether Redis is configured, and not turned off by `SYNC_FREQUENCY=0`."""

    @property
    def redis_conn_string(self) -> str:
        """A URL, or sentinels."""

    @property
    def redis_master_name(self) -> str:
        """What the sentinels watch; empty: no sentinels."""

    @property
    def redis_password(self) -> str:
        """Of the master, with sentinels."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Bus and windows, the service behind them if there is one, and how people call it."""

    bus: Bus
    windows: Windows
    services: tuple[Service, ...]
    label: str
    fallback: Fallback | None = None
    """What answers while the shared store is away, where there is one."""


def build_cluster(settings: ClusterSettings, process: Process, journal: Journal) -> Cluster:
    """Return what fits: Redis where configured, else the parent's line, else this process alone.

    Takes over the process's bus link. Connects to nothing yet. Raises `RedisAddressError`.
    """
    subscriptions = Subscriptions(journal)
    if settings.uses_redis:
        if process.bus_link is not None:
            process.bus_link.close()
        address = read_address(
            settings.redis_conn_string, master_name=settings.redis_master_name, password=settings.redis_password
        )
        redis = RedisCluster(address, subscriptions, journal)
        return Cluster(redis, redis, (redis,), f"Redis {address.label}", redis.fallback)
    if process.bus_link is not None:
        worker = WorkerCluster(process.bus_link, subscriptions, journal)
        return Cluster(worker, worker, (worker,), "the parent process", worker.fallback)
    return Cluster(LocalBus(subscriptions), LocalWindows(), (), "this process")
