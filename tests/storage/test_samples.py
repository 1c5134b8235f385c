"""Databases that one-api filled open here, and everything in them is as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import bcrypt
import pytest
from sqlalchemy import Select, func, select

from storage.columns import metadata
from storage.database import Database
from storage.ledger_tables import gw_ledger
from storage.migrate import migrate
from storage.tables import abilities, channels, logs, options, redemptions, tokens, user_request_costs, users
from tests.support.engines import ENGINES, fresh_database
from tests.support.samples import load_sample, sample_facts


@pytest.fixture(scope="module", params=ENGINES)
def adopted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The sample of each engine in turn, taken over once: these tests only look."""
    with fresh_database(request.param, tmp_path_factory.mktemp("sample")) as fresh:
        load_sample(fresh)
        opened = fresh.open()
        migrate(opened)
        yield opened
        opened.close()


@pytest.fixture
def facts(adopted: Database) -> dict[str, Any]:
    return sample_facts(adopted.dialect)


def _rows(database: Database, table: Any) -> list[dict[str, Any]]:
    """Return all rows; char columns are padded with blanks on PostgreSQL."""
    found = database.read_sync(lambda c: c.execute(select(table)).mappings().all())
    return [
        {name: value.rstrip() if isinstance(value, str) else value for name, value in row.items()} for row in found
    ]


def _compare(stored: list[dict[str, Any]], noted: list[dict[str, Any]], key: str) -> None:
    by_key = {row[key]: row for row in stored}
    assert len(stored) == len(noted)
    for entry in noted:
        row = by_key[entry[key]]
        known = {name: value for name, value in entry.items() if name in row and name != "password"}
        assert known
        assert {name: row[name] for name in known} == known


def test_no_row_is_lost(adopted: Database, facts: dict[str, Any]) -> None:
    counts = {
        name: _value(adopted, select(func.count()).select_from(metadata.tables[name])) for name in facts["row_counts"]
    }
    assert counts == facts["row_counts"]


def _value(database: Database, statement: Select[Any]) -> Any:
    return database.read_sync(lambda connection: connection.execute(statement).scalar())


def test_users_keep_quotas_and_names_and_log_in_with_their_passwords(
    adopted: Database, facts: dict[str, Any]
) -> None:
    stored = _rows(adopted, users)
    _compare(stored, facts["users"], "id")
    hashes = {row["username"]: row["password"] for row in stored}
    for user in facts["users"]:
        assert bcrypt.checkpw(user["password"].encode(), hashes[user["username"]].encode()), user["username"]


def test_tokens_keep_keys_and_quotas(adopted: Database, facts: dict[str, Any]) -> None:
    _compare(_rows(adopted, tokens), facts["tokens"], "id")


def test_token_is_found_by_its_key(adopted: Database, facts: dict[str, Any]) -> None:
    """Keys are char(48) in one-api's tables, and some are shorter."""
    for token in facts["tokens"]:
        found = _value(adopted, select(tokens.c.id).where(tokens.c.key == token["key"]))
        assert found == token["id"]


def test_channels_keep_settings(adopted: Database, facts: dict[str, Any]) -> None:
    stored = _rows(adopted, channels)
    _compare(stored, facts["channels"], "id")
    configs = {row["name"]: json.loads(row["model_configs"] or "{}") for row in stored}
    assert configs["openai-main"]["gpt-4o-mini"] == {"ratio": 1.5, "completion_ratio": 2, "max_tokens": 4096}
    assert configs["compat-local"]["local-llama"] == {"ratio": 0.25, "completion_ratio": 3}


def test_options_and_redemptions_stay(adopted: Database, facts: dict[str, Any]) -> None:
    _compare(_rows(adopted, options), facts["options"], "key")
    _compare(_rows(adopted, redemptions), facts["redemptions"], "id")


def test_abilities_stay_and_the_suspended_one_is_in_the_past(adopted: Database, facts: dict[str, Any]) -> None:
    stored = _rows(adopted, abilities)
    noted = facts["abilities"]
    names = ("group", "model", "channel_id", "enabled", "priority")
    assert {tuple(row[name] for name in names) for row in stored} == {
        tuple(row[name] for name in names) for row in noted
    }
    suspended = [row for row in stored if row["suspend_until"] is not None]
    assert [row["model"] for row in suspended] == ["limit-model"]
    # All three samples were made on one afternoon.
    assert 1795460000 < adopted.instants.read(suspended[0]["suspend_until"]) < 1795550000


def test_logs_and_costs_add_up(adopted: Database, facts: dict[str, Any]) -> None:
    _compare(_rows(adopted, logs), facts["logs"], "id")
    spent = dict.fromkeys(facts["sum_consume_quota_by_user"], 0)
    for row in _rows(adopted, logs):
        if row["type"] == 2:
            spent[row["username"]] += row["quota"]
    assert spent == facts["sum_consume_quota_by_user"]
    total = sum(row["quota"] for row in _rows(adopted, user_request_costs))
    assert total == facts["user_request_costs_total_quota"]


def test_books_open_with_what_every_account_stands_at(adopted: Database, facts: dict[str, Any]) -> None:
    rows = _rows(adopted, gw_ledger)
    assert {row["kind"] for row in rows} == {"opening"}
    opened = {
        kind: {row[f"{kind}_id"]: row[f"{kind}_units"] for row in rows if row[f"{kind}_id"]}
        for kind in ("user", "token", "channel")
    }
    assert opened["user"] == {row["id"]: row["quota"] for row in facts["users"]}
    # Unlimited tokens among them: they may get a limit later, relative to what stands there.
    assert opened["token"] == {row["id"]: row["remain_quota"] for row in facts["tokens"]}
    assert opened["channel"] == {row["id"]: row["used_quota"] for row in facts["channels"]}
    assert len(rows) == sum(len(accounts) for accounts in opened.values())
