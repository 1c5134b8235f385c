"""Variables of the process: server, databases, Redis, console and alerts."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated

from pydantic_settings import BaseSettings

from gateway.config.variable import SHORTEST_SECRET, HttpUrl, LongSecret, Network, Variable, mask_url

PRIVATE_NETWORKS: tuple[IPv4Network | IPv6Network, ...] = tuple(
    ip_network(text)
    for text in ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fe80::/10")
)
"""Loopback, private and link-local addresses: where reverse proxies usually are."""


class Server(BaseSettings):
    """Server and processes."""

    port: Annotated[
        int, Variable(meaning="TCP port to listen on, on all addresses. 0 takes a free one.", high=65535)
    ] = 3000
    workers: Annotated[
        int,
        Variable(
            meaning="Processes that share the port. One is enough for most; more use more processor cores.",
            low=1,
            high=256,
            is_original=False,
        ),
    ] = 1
    trusted_proxies: Annotated[
        tuple[Network, ...],
        Variable(
            meaning="Networks of the reverse proxies in front of the gateway. Only from there the headers that name "
            "the client (`X-Forwarded-For`, `X-Real-IP`, `X-Forwarded-Proto`) are believed. Empty: from nobody.",
            expects="networks as 10.0.0.0/8 (nothing set beyond the prefix) or single addresses, separated by commas",
            is_original=False,
        ),
    ] = PRIVATE_NETWORKS
    client_write_timeout_sec: Annotated[
        float,
        Variable(
            meaning="How long a client may take to accept the next 64 KiB of an answer before its connection is "
            "closed. While the process drains it is at most 5 s. 0: as long as it likes.",
            unit="s",
            is_original=False,
        ),
    ] = 60.0
    drain_delay_sec: Annotated[
        float,
        Variable(
            meaning="After the signal to stop, how long the listening sockets stay open (while `/api/status` already "
            "answers 503), so that load balancers notice.",
            unit="s",
            is_original=False,
        ),
    ] = 0.0
    shutdown_timeout_sec: Annotated[
        float,
        Variable(
            meaning="How long running requests may go on after the signal to stop. Those still running then get an "
            "orderly last event and are charged for what they got. one-api calls it `SHUTDOWN_TIMEOUT`.",
            unit="s",
            also=("SHUTDOWN_TIMEOUT",),
            is_original=False,
        ),
    ] = 360.0
    frontend_base_url: Annotated[
        HttpUrl,
        Variable(
            meaning="With `NODE_TYPE=slave`: where requests for pages are sent (301). Ignored on a master.",
            expects="an address such as https://one-api.example.com",
        ),
    ] = ""
    gin_mode: Annotated[str, Variable(meaning="Log level of a library of one-api.", no_effect="`DEBUG` is ours")] = (
        "release"
    )


class Databases(BaseSettings):
    """Databases."""

    sql_dsn: Annotated[
        str,
        Variable(
            meaning="The database. `postgres://user:password@host:5432/name` for PostgreSQL; "
            "`user:password@tcp(host:3306)/name` for MySQL and MariaDB; empty for SQLite.",
            expects="postgres://user:password@host:5432/name, user:password@tcp(host:3306)/name, or nothing",
            is_secret=True,
        ),
    ] = ""
    log_sql_dsn: Annotated[
        str,
        Variable(
            meaning="A database of its own for the table `logs`, written as `SQL_DSN`. Empty: the main one.",
            is_secret=True,
        ),
    ] = ""
    sqlite_path: Annotated[
        str, Variable(meaning="File of the SQLite database, made when missing.", expects="the path of a file")
    ] = "one-api.db"
    sqlite_busy_timeout: Annotated[
        int, Variable(meaning="How long SQLite waits for another process's lock.", unit="ms")
    ] = 3000
    encryption_keys: Annotated[
        tuple[LongSecret, ...],
        Variable(
            meaning="Channels' keys and configurations are stored encrypted with the first of these secrets, and "
            "read with any, so that they can be replaced one by one (`one-api secrets --help`). Empty: stored in "
            "plain text, as one-api does.",
            expects=f"texts of {SHORTEST_SECRET} characters or more, separated by commas",
            is_secret=True,
            is_original=False,
        ),
    ] = ()
    db_pool_size: Annotated[
        int,
        Variable(
            meaning="Connections to PostgreSQL or MySQL per process. SQLite has one writer and four readers.",
            low=1,
            high=1000,
            is_original=False,
        ),
    ] = 16
    sql_max_lifetime: Annotated[
        int, Variable(meaning="Connections older than this are replaced. 0: never.", unit="s")
    ] = 300
    sql_max_idle_conns: Annotated[
        int, Variable(meaning="Idle connections kept.", no_effect="the pool keeps `DB_POOL_SIZE` connections")
    ] = 200
    sql_max_open_conns: Annotated[
        int, Variable(meaning="Most connections.", no_effect="`DB_POOL_SIZE` is the bound; it is per process")
    ] = 2000
    batch_update_enabled: Annotated[
        bool,
        Variable(
            meaning="Collects charges in memory and writes them now and then.",
            no_effect="charges are always written in groups, and never later than the answer",
        ),
    ] = False
    batch_update_interval: Annotated[
        int, Variable(meaning="Seconds between such writes.", unit="s", no_effect="as `BATCH_UPDATE_ENABLED`")
    ] = 5
    billing_timeout: Annotated[
        int,
        Variable(
            meaning="How long charging may take before an error is logged.",
            unit="s",
            no_effect="a charge stays with the ledger until it is written, and late ones are reported",
        ),
    ] = 300


class Cluster(BaseSettings):
    """Several machines."""

    node_type: Annotated[
        str,
        Variable(
            meaning="`slave` leaves changing the database to the master, and allows `FRONTEND_BASE_URL`.",
            choices=("master", "slave"),
        ),
    ] = "master"
    redis_conn_string: Annotated[
        str,
        Variable(
            meaning="Redis, which carries limits, suspensions and invalidations between machines. "
            "`redis://:password@host:6379/0`, or with `REDIS_MASTER_NAME` the sentinels as `host:port,host:port`.",
            expects="redis://[user:password@]host[:port][/number], or with REDIS_MASTER_NAME host:port,host:port",
            is_secret=True,
            mask=mask_url,
        ),
    ] = ""
    redis_master_name: Annotated[
        str, Variable(meaning="Name of the master that the Redis sentinels watch. Empty: no sentinels.")
    ] = ""
    redis_password: Annotated[str, Variable(meaning="Redis password when sentinels are used.", is_secret=True)] = ""
    sync_frequency: Annotated[
        int,
        Variable(
            meaning="How often channels, options and prices are read again from the database, besides at once after "
            "each change that another process announces. 0 turns Redis off, as in one-api, and reads every 600 s.",
            unit="s",
        ),
    ] = 600
    memory_cache_enabled: Annotated[
        bool, Variable(meaning="Keeps channels and options in memory.", no_effect="they always are")
    ] = False


class Console(BaseSettings):
    """Console, logs and alerts."""

    log_dir: Annotated[
        str,
        Variable(
            meaning="Folder of the log files, made when missing. Empty: no files. Also a flag.",
            is_original=False,
        ),
    ] = "./logs"
    only_one_log_file: Annotated[bool, Variable(meaning="One log file that grows for ever instead of one a day.")] = (
        False
    )
    debug: Annotated[bool, Variable(meaning="Log more. **Also turns every rate limit off**, as in one-api.")] = False
    debug_sql: Annotated[bool, Variable(meaning="Log SQL statements, without their values.")] = False
    enable_prometheus_metrics: Annotated[
        bool, Variable(meaning="Serves `/metrics` (with an admin's session or access token).")
    ] = True
    log_push_api: Annotated[
        HttpUrl,
        Variable(
            meaning="Address of the alert service that is told of errors.",
            expects="an address such as https://alerts.example.com",
            is_secret=True,
        ),
    ] = ""
    log_push_type: Annotated[str, Variable(meaning="Type of alert given to that service.")] = ""
    log_push_token: Annotated[str, Variable(meaning="Token for that service.", is_secret=True)] = ""
