"""Migrations: an empty database gets the schema, one that one-api left is completed, and nothing is lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, insert, inspect, select, text

from storage import migrations
from storage.columns import metadata
from storage.database import Database
from storage.errors import Conflict
from storage.ledger_tables import gw_ledger
from storage.migrate import VERSION_TABLE, ensure_logs, migrate, newest_revision, pending
from storage.repositories import audit
from storage.repositories.audit import AuditFilter, AuditRow
from storage.repositories.rows import Page
from storage.tables import tokens, users
from tests.storage.shapes import Shape, shape_of
from tests.support.engines import FreshDatabase, fresh_database
from tests.support.samples import load_sample, run_script

_MIGRATE = """
import sys
from storage.database import Database
from storage.migrate import migrate
database = Database.open(sys.argv[1], sqlite_path=sys.argv[2])
report = migrate(database)
print(report.before, report.after, len(report.created_tables))
"""


REVISIONS = sorted(path.name[1:5] for path in (Path(migrations.__file__).parent / "versions").glob("r*.py"))


def test_empty_database_gets_every_table_once(fresh: FreshDatabase) -> None:
    database = fresh.open()
    assert [line.split()[0] for line in pending(database)] == REVISIONS
    report = migrate(database)
    assert (report.before, report.after, report.is_adoption) == (None, REVISIONS[-1], False)
    assert sorted(report.created_tables) == sorted(metadata.tables)
    assert pending(database) == []
    database.close()


def test_a_database_of_an_earlier_revision_gets_what_came_since(fresh: FreshDatabase) -> None:
    database = fresh.open()
    migrate(database)
    gone = [
        "gw_codes",
        "gw_reminders",
        "gw_requests",
        "gw_attempts",
        "gw_usage",
        "gw_responses",
        "gw_signatures",
        "gw_audit",
        "gw_preferences",
        "gw_channel_labels",
        "gw_channel_tests",
        "gw_channel_undo",
        "gw_unlimited_users",
        "gw_pictures",
        "gw_channel_keys",
        "gw_messages",
        "gw_shadow_tests",
        "gw_shadow_results",
        "gw_budgets",
    ]
    lacking = [
        "gw_token_extras.records",
        "gw_reservations.free_units",
        "gw_reservations.user_limited",
        "gw_reaped.user_limited",
    ]
    for name in lacking:
        table, column = name.split(".")
        database.write_sync(
            lambda c, table=table, column=column: c.execute(text(f"ALTER TABLE {table} DROP COLUMN {column}"))
        )
    for table in gone:
        database.write_sync(lambda c, table=table: c.execute(text(f"DROP TABLE {table}")))
    database.write_sync(lambda c: c.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '0001'")))
    report = migrate(database)
    assert (report.before, report.after, report.created_tables) == ("0001", REVISIONS[-1], gone)
    assert report.added_columns == lacking
    assert pending(database) == []
    database.close()


def test_entries_of_an_earlier_audit_stand_for_themselves(fresh: FreshDatabase) -> None:
    database = fresh.open()
    migrate(database)
    entry = AuditRow(created_at=1, action="token.update", kind="token", object_id=7)
    database.write_sync(lambda c: audit.add(c, entry))
    for name in ("idx_gw_audit_part", "idx_gw_audit_batch"):
        where = " ON gw_audit" if database.dialect == "mysql" else ""
        database.write_sync(lambda c, name=name, where=where: c.execute(text(f"DROP INDEX {name}{where}")))
    for name in ("part_of", "batch"):
        database.write_sync(lambda c, name=name: c.execute(text(f"ALTER TABLE gw_audit DROP COLUMN {name}")))
    database.write_sync(lambda c: c.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '0017'")))
    report = migrate(database)
    assert sorted(report.added_columns) == ["gw_audit.batch", "gw_audit.part_of"]
    assert sorted(report.added_indexes) == ["idx_gw_audit_batch", "idx_gw_audit_part"]
    (row,), total = database.read_sync(lambda c: audit.page(c, AuditFilter(), Page(0, 9)))
    assert (row.object_id, row.part_of, row.batch, total) == (7, 0, None, 1)
    database.close()


def test_migrating_twice_changes_nothing(fresh: FreshDatabase) -> None:
    load_sample(fresh)
    database = fresh.open()
    migrate(database)
    shape = shape_of(database)
    count = database.read_sync(lambda c: c.execute(select(func.count()).select_from(gw_ledger)).scalar())
    report = migrate(database)
    assert (report.before, report.after) == (REVISIONS[-1], REVISIONS[-1])
    assert (report.created_tables, report.added_columns, report.added_indexes) == ([], [], [])
    assert shape_of(database) == shape
    assert database.read_sync(lambda c: c.execute(select(func.count()).select_from(gw_ledger)).scalar()) == count
    database.close()


def test_our_empty_schema_is_the_one_that_one_api_makes(engine: str, tmp_path: Path) -> None:
    """Same tables, columns of the same kind and same indexes, beside our own."""
    with fresh_database(engine, tmp_path) as ours, fresh_database(engine, tmp_path) as theirs:
        load_sample(theirs)
        shapes: list[Shape] = []
        for one in (ours, theirs):
            database = one.open()
            if one is ours:
                migrate(database)
            shapes.append(shape_of(database))
            database.close()
        mine, original = shapes
    assert {name: mine.columns[name] for name in original.columns} == original.columns
    assert {name: mine.indexes[name] for name in original.indexes} == original.indexes
    added = set(mine.columns) - set(original.columns)
    assert {name for name in added if not name.startswith("gw_")} == set()


def test_adopting_adds_tables_only(fresh: FreshDatabase) -> None:
    """One-api must still be able to open the database: what it made is as it made it, to the type."""
    load_sample(fresh)
    database = fresh.open()
    before = database.read_sync(_exact_columns)
    indexes_before = shape_of(database).indexes
    report = migrate(database)
    after = database.read_sync(_exact_columns)
    assert {name: after[name] for name in before} == before
    assert {name: shape_of(database).indexes[name] for name in indexes_before} == indexes_before
    assert all(name.startswith("gw_") for name in set(after) - set(before))
    assert (report.is_adoption, report.added_columns, report.added_indexes) == (True, [], [])
    database.close()


def _exact_columns(connection: Connection) -> dict[str, list[tuple[str, str, bool, str | None]]]:
    inspector = inspect(connection)
    return {
        name: [
            (column["name"], str(column["type"]), bool(column["nullable"]), column["default"])
            for column in inspector.get_columns(name)
        ]
        for name in inspector.get_table_names()
    }


_OLDER = [
    "DROP TABLE traces",
    "DROP INDEX idx_logs_trace_id{on_logs}",
    "ALTER TABLE logs DROP COLUMN trace_id",
    "ALTER TABLE logs DROP COLUMN cached_prompt_tokens",
    "ALTER TABLE channels DROP COLUMN inference_profile_arn_map",
    "ALTER TABLE tokens DROP COLUMN subnet",
    "DROP INDEX idx_user_request_costs_request_id{on_costs}",
    "INSERT INTO user_request_costs (created_time, user_id, request_id, quota, updated_at) VALUES (1, 2, 'twice', 5, 10)",
    "INSERT INTO user_request_costs (created_time, user_id, request_id, quota, updated_at) VALUES (1, 2, 'twice', 7, 30)",
    "INSERT INTO user_request_costs (created_time, user_id, request_id, quota, updated_at) VALUES (1, 2, 'twice', 6, 20)",
    "INSERT INTO user_request_costs (created_time, user_id, request_id, quota) VALUES (1, 2, NULL, 1)",
    "INSERT INTO user_request_costs (created_time, user_id, request_id, quota) VALUES (1, 2, NULL, 2)",
    'UPDATE channels SET model_configs = \'{{"m": {{"max_tokens": 9}}}}\', model_ratio = \'{{"m": 2}}\' WHERE id = 2',
    "UPDATE channels SET model_ratio = '{{broken' WHERE id = 3",
]


def _make_older(fresh: FreshDatabase) -> None:
    """Turn a sample into what an older version would have left."""
    load_sample(fresh)
    statements = list(_OLDER)
    if fresh.engine == "sqlite":
        # SQLite checks every index over a dropped column by itself; the others drop them along.
        statements.insert(0, "DROP INDEX idx_logs_cached_prompt_tokens")
    on = {"on_logs": " ON logs", "on_costs": " ON user_request_costs"} if fresh.engine == "mysql" else {}
    if fresh.engine != "sqlite":
        kind = "ALTER COLUMN {} TYPE" if fresh.engine == "postgresql" else "MODIFY COLUMN {}"
        columns = ("model_configs", "model_mapping")
        statements += [f"ALTER TABLE channels {kind.format(column)} varchar(1024)" for column in columns]
    if fresh.engine == "mysql":
        statements.append("CREATE INDEX idx_channels_key ON channels (`key`(100))")
    database = fresh.open()
    for statement in statements:
        _run(database, statement.format(**{"on_logs": "", "on_costs": "", **on}))
    database.close()


def _run(database: Database, statement: str) -> None:
    database.write_sync(lambda connection: connection.exec_driver_sql(statement))


def test_older_database_is_completed(fresh: FreshDatabase) -> None:
    _make_older(fresh)
    database = fresh.open()
    report = migrate(database)
    assert "traces" in report.created_tables
    assert sorted(report.added_columns) == [
        "channels.inference_profile_arn_map",
        "logs.cached_prompt_tokens",
        "logs.trace_id",
        "tokens.subnet",
    ]
    assert {"idx_logs_trace_id", "idx_logs_cached_prompt_tokens", "idx_user_request_costs_request_id"} == set(
        report.added_indexes
    )
    widened = [] if fresh.engine == "sqlite" else ["channels.model_configs", "channels.model_mapping"]
    assert report.widened_columns == widened
    assert report.removed_duplicates == 2
    assert report.converted_channels == [2]
    assert list(report.skipped_channels) == [3]
    costs = database.read_sync(
        lambda c: c.execute(text("SELECT quota FROM user_request_costs WHERE request_id = 'twice'")).scalars().all()
    )
    assert costs == [7]
    configs = database.read_sync(
        lambda c: c.execute(text("SELECT model_configs FROM channels WHERE id IN (2, 3) ORDER BY id")).scalars().all()
    )
    assert configs == ['{"m": {"ratio": 2, "max_tokens": 9}}', None]
    indexes = shape_of(database).indexes["channels"]
    assert "idx_channels_key" not in indexes
    nullable = {name: (flag, default) for name, _, flag, default in database.read_sync(_exact_columns)["logs"]}
    assert nullable["trace_id"][0]
    database.close()


def test_failed_migration_can_be_repeated(fresh: FreshDatabase) -> None:
    """Where changes of tables can be rolled back nothing stays of it; everywhere a second try goes through."""
    load_sample(fresh)
    database = fresh.open()
    on = " ON tokens" if fresh.engine == "mysql" else ""
    _run(database, f"DROP INDEX idx_tokens_key{on}")
    database.write_sync(lambda c: c.execute(insert(tokens), [{"id": 900, "key": "twin"}, {"id": 901, "key": "twin"}]))
    with pytest.raises(Conflict):
        migrate(database)
    if fresh.engine != "mysql":
        assert not database.read_sync(lambda c: inspect(c).has_table("gw_ledger"))
    database.write_sync(lambda c: c.execute(tokens.delete().where(tokens.c.id == 900)))
    assert migrate(database).after == REVISIONS[-1]
    assert "idx_tokens_key" in shape_of(database).indexes["tokens"]
    database.close()


def test_unknown_columns_and_tables_stay(fresh: FreshDatabase) -> None:
    load_sample(fresh)
    database = fresh.open()
    _run(database, "ALTER TABLE users ADD COLUMN favourite varchar(9)")
    _run(database, "UPDATE users SET favourite = 'tea'")
    _run(database, "CREATE TABLE midjourney (id integer)")
    migrate(database)
    assert database.read_sync(lambda c: c.exec_driver_sql("SELECT min(favourite) FROM users").scalar()) == "tea"
    assert database.read_sync(lambda c: inspect(c).has_table("midjourney"))
    database.close()


def test_version_of_a_newer_program_is_left_alone(fresh: FreshDatabase) -> None:
    database = fresh.open()
    migrate(database)
    _run(database, "UPDATE gw_alembic_version SET version_num = '9999'")
    assert pending(database) == []
    assert migrate(database).after == "9999"
    database.close()


def test_progress_goes_from_nothing_to_all(fresh: FreshDatabase) -> None:
    seen: list[tuple[int, int, str]] = []
    database = fresh.open()
    migrate(database, lambda done, total, what: seen.append((done, total, what)))
    database.close()
    assert [done for done, _, _ in seen] == list(range(seen[0][1] + 1))
    assert {total for _, total, _ in seen} == {len(seen) - 1}
    assert all(what for _, _, what in seen)


def test_log_database_gets_its_tables_only(fresh: FreshDatabase) -> None:
    database = fresh.open()
    assert sorted(ensure_logs(database).created_tables) == ["gw_delivered", "logs"]
    assert ensure_logs(database).created_tables == []
    assert sorted(shape_of(database).columns) == ["gw_delivered", "logs"]
    database.close()


@pytest.mark.slow
def test_of_many_processes_one_migrates(fresh: FreshDatabase) -> None:
    load_sample(fresh)
    command = [sys.executable, "-c", _MIGRATE, fresh.text, fresh.sqlite_path]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    outputs = sorted(process.communicate(timeout=60)[0].strip() for process in processes)
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert outputs[:2] == [f"{REVISIONS[-1]} {REVISIONS[-1]} 0"] * 2
    assert outputs[2].startswith(f"None {REVISIONS[-1]} ")
    database = fresh.open()
    openings = database.read_sync(
        lambda c: c.execute(select(func.count()).where(gw_ledger.c.user_id > 0).select_from(gw_ledger)).scalar()
    )
    assert openings == database.read_sync(lambda c: c.execute(select(func.count()).select_from(users)).scalar())
    database.close()


@pytest.mark.parametrize("engine", ["mysql"], indirect=True)
def test_texts_in_a_latin_database_hold_any_character(fresh: FreshDatabase) -> None:
    run_script(fresh, f"ALTER DATABASE {fresh.dsn.url.database} CHARACTER SET latin1")
    database = fresh.open()
    migrate(database)
    database.write_sync(lambda c: c.execute(insert(users), {"username": "数据 🙂", "password": ""}))
    assert database.read_sync(lambda c: c.execute(select(users.c.username)).scalar()) == "数据 🙂"
    database.close()


def test_the_newest_revision_is_known_without_alembic() -> None:
    assert newest_revision() == ScriptDirectory(str(Path(migrations.__file__).parent)).get_current_head()
