"""Addresses of databases: what one-api's users write is understood, and nothing tells a password."""

from __future__ import annotations

import ssl
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from storage.dsn import parse_dsn, safe
from storage.errors import DsnError

PASSWORD = "s3cr3t-Pa55"


def test_empty_address_is_sqlite_at_its_path() -> None:
    dsn = parse_dsn("  ", sqlite_path="data/my.db")
    assert (dsn.dialect, dsn.url.drivername, dsn.url.database) == ("sqlite", "sqlite+pysqlite", "data/my.db")


def test_sqlite_path_loses_parameters_of_one_api_s_driver() -> None:
    assert parse_dsn("", sqlite_path="file:one-api.db?_busy_timeout=3000").url.database == "one-api.db"


@pytest.mark.parametrize(
    ("text", "user", "password", "host", "port", "database"),
    [
        ("postgres://u:p@db:5433/name", "u", "p", "db", 5433, "name"),
        ("postgresql://u:p@db/name?sslmode=require", "u", "p", "db", None, "name"),
        ("postgres://u@db/name", "u", None, "db", None, "name"),
        ("postgres://db/name", None, None, "db", None, "name"),
        ("postgres://u:p%40ss%2Fw%23rd%25@db/name", "u", "p@ss/w#rd%", "db", None, "name"),
        ("postgres://u:p@ss#w@db/name", "u", "p@ss#w", "db", None, "name"),
        ("postgres://u:a/b@db/name", "u", "a/b", "db", None, "name"),
        ("postgres://u:p@[::1]:5432/name", "u", "p", "::1", 5432, "name"),
        ("postgres://u:p@/name?host=/var/run/postgresql", "u", "p", None, None, "name"),
        ("postgres://db/?dbname=name&user=u&password=p", "u", "p", "db", None, "name"),
    ],
)
def test_postgres_addresses(
    text: str, user: str | None, password: str | None, host: str | None, port: int | None, database: str
) -> None:
    url = parse_dsn(text).url
    assert url.drivername == "postgresql+psycopg"
    assert (url.username, url.password, url.host, url.port, url.database) == (user, password, host, port, database)


def test_postgres_parameters_go_to_the_connection_or_the_session() -> None:
    dsn = parse_dsn("postgres://u@db/n?sslmode=disable&TimeZone=Asia/Shanghai&search_path=app&pool_max_conns=9")
    assert dsn.url.query == {"sslmode": "disable"}
    assert dsn.session == {"TimeZone": "Asia/Shanghai", "search_path": "app"}


def test_several_postgres_hosts_are_tried_in_turn() -> None:
    dsn = parse_dsn("postgres://u:p@a:5432,b:5433/n?target_session_attrs=read-write")
    assert dsn.url.query == {"host": ("a:5432", "b:5433"), "target_session_attrs": "read-write"}


@pytest.mark.parametrize(
    ("text", "user", "password", "host", "port", "database"),
    [
        ("u:p@tcp(db:3307)/name?charset=utf8mb4&parseTime=True&loc=Local", "u", "p", "db", 3307, "name"),
        ("u:p@tcp(db)/name", "u", "p", "db", 3306, "name"),
        ("u@tcp(db:3306)/name", "u", None, "db", 3306, "name"),
        ("u:@tcp(db:3306)/name", "u", None, "db", 3306, "name"),
        ("u:p@/name", "u", "p", "127.0.0.1", 3306, "name"),
        ("/name", None, None, "127.0.0.1", 3306, "name"),
        ("u:p@ss:w/r?d#%(1)@tcp(db:3306)/name", "u", "p@ss:w/r?d#%(1)", "db", 3306, "name"),
        ("u:p@tcp([fe80::1]:3306)/name", "u", "p", "fe80::1", 3306, "name"),
        ("u:p@tcp(db:3306)/na%2Fme", "u", "p", "db", 3306, "na/me"),
    ],
)
def test_mysql_addresses(
    text: str, user: str | None, password: str | None, host: str, port: int, database: str
) -> None:
    dsn = parse_dsn(text)
    url = dsn.url
    assert (dsn.dialect, url.drivername) == ("mysql", "mysql+pymysql")
    assert (url.username, url.password, url.host, url.port, url.database) == (user, password, host, port, database)
    assert url.query == {"charset": "utf8mb4"}


def test_mysql_socket() -> None:
    dsn = parse_dsn("u:p@unix(/run/mysqld/mysqld.sock)/name")
    assert dsn.connect_args["unix_socket"] == "/run/mysqld/mysqld.sock"
    assert (dsn.url.host, dsn.url.port) == (None, None)


def test_mysql_parameters() -> None:
    dsn = parse_dsn(
        "u@tcp(db)/n?timeout=1m30s&readTimeout=500ms&writeTimeout=2s&sql_mode=%27ANSI%27&multiStatements=true"
        "&collation=utf8mb4_bin"
    )
    assert dsn.connect_args == {
        "connect_timeout": 90,
        "read_timeout": 1,
        "write_timeout": 2,
        "collation": "utf8mb4_bin",
        "ssl_disabled": True,
    }
    assert dsn.session == {"sql_mode": "'ANSI'"}


@pytest.mark.parametrize(
    ("loc", "zone"), [("", UTC), ("UTC", UTC), ("Local", None), ("Asia%2FShanghai", ZoneInfo("Asia/Shanghai"))]
)
def test_mysql_loc_is_the_zone_of_date_times(loc: str, zone: object) -> None:
    assert parse_dsn(f"u@tcp(db)/n?loc={loc}").zone == zone


def test_mysql_tls() -> None:
    checked = parse_dsn("u@tcp(db)/n?tls=true").connect_args["ssl"]
    unchecked = parse_dsn("u@tcp(db)/n?tls=skip-verify").connect_args["ssl"]
    assert isinstance(checked, ssl.SSLContext)
    assert isinstance(unchecked, ssl.SSLContext)
    assert checked.verify_mode is ssl.CERT_REQUIRED
    assert checked.check_hostname
    assert unchecked.verify_mode is ssl.CERT_NONE
    assert parse_dsn("u@tcp(db)/n?tls=false").connect_args == {"ssl_disabled": True}
    assert parse_dsn("u@tcp(db)/n?tls=preferred").connect_args == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"mysql://u:{PASSWORD}@db:3306/n", "mysql://"),
        (f"mysql://u:{PASSWORD}@tcp(db:3306)/n", "mysql://"),
        (f"u:{PASSWORD}@db:3306/n", "tcp(host:3306)"),
        (f"u:{PASSWORD}@tcp(db:3306)", "tcp(host:3306)"),
        (f"u:{PASSWORD}@tcp(db:3306)/", "names no database"),
        (f"u:{PASSWORD}@tcp(db:port)/n", "host and port"),
        (f"u:{PASSWORD}@tcp(db:99999)/n", "host and port"),
        (f"u:{PASSWORD}@pipe(db)/n", "tcp(host:3306)"),
        (f"u:{PASSWORD}@tcp(db)/n?tls=mine", "skip-verify"),
        (f"u:{PASSWORD}@tcp(db)/n?loc=Mars/Base", "Local"),
        (f"u:{PASSWORD}@tcp(db)/n?timeout=soon", "30s"),
        (f"host=db user=u password={PASSWORD} dbname=n", "postgres://user:password@host:5432/database"),
        (f"postgres://u:{PASSWORD}@db", "names no database"),
        (f"postgres://u:{PASSWORD}@/n", "names no host"),
        (f"postgres://u:{PASSWORD}@db:x/n", "host and port"),
        ("sqlite:///one-api.db", "nothing for SQLite"),
    ],
)
def test_bad_address_says_what_was_expected_and_no_password(text: str, expected: str) -> None:
    with pytest.raises(DsnError) as caught:
        parse_dsn(text)
    assert expected in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_memory_is_refused_since_connections_would_not_share_it() -> None:
    with pytest.raises(DsnError, match="must name a file"):
        parse_dsn("", sqlite_path=":memory:")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", "sqlite"),
        (f"postgres://u:{PASSWORD}@db:5432/n?sslmode=disable", "postgres://u:***@db:5432/n?…"),
        (f"u:{PASSWORD}@tcp(db:3306)/n?charset=utf8mb4", "u:***@tcp(db:3306)/n?…"),
        (f"u:{PASSWORD}@x?y@tcp(db:3306)/n", "u:***@tcp(db:3306)/n"),
        (f"u:x?{PASSWORD}@tcp(db:3306)/n", "u:***@tcp(db:3306)/n"),
        (f"postgres://u:x?{PASSWORD}@db/n", "postgres://***"),
        (f"mysql://u:{PASSWORD}@db/n", "mysql://***"),
        ("u@tcp(db:3306)/n", "u@tcp(db:3306)/n"),
        (f"postgres://db/n?user=u&password={PASSWORD}", "postgres://db/n?…"),
        (f"host=db user=u password={PASSWORD} dbname=n", "***"),
        (f"u:{PASSWORD}", "***"),
        ("tcp(db:3306)/n", "tcp(db:3306)/n"),
    ],
)
def test_safe_masks_whatever_form_it_is(text: str, shown: str) -> None:
    assert safe(text) == shown


@pytest.mark.parametrize("text", [f"u:{PASSWORD}@tcp(db:3306)/n", f"postgres://u:{PASSWORD}@db/n"])
def test_dsn_shows_no_password(text: str) -> None:
    dsn = parse_dsn(text)
    assert PASSWORD not in repr(dsn)
    assert PASSWORD not in dsn.display
    assert "db" in dsn.display
