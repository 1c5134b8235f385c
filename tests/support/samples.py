"""Databases that one-api left behind, filled through its own API, and what is known to be in them."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

from pymysql.constants import CLIENT
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from tests.support.engines import FreshDatabase

_FOLDER = Path(__file__).parent.parent / "storage" / "samples"
_NAMES = {"sqlite": "sqlite", "postgresql": "postgres", "mysql": "mysql"}


@cache
def sample_facts(engine: str) -> dict[str, Any]:
    """Return what the sample of that engine holds, as noted when it was made."""
    everything = json.loads(_unpacked("sample.json"))
    facts: dict[str, Any] = everything["engines"][_NAMES[engine]]
    return facts


def load_sample(database: FreshDatabase) -> None:
    """Fill an empty database with the sample of its engine."""
    if database.engine == "sqlite":
        Path(database.sqlite_path).write_bytes(_unpacked("sample-sqlite.db"))
        return
    dump = _unpacked(f"sample-{_NAMES[database.engine]}.sql").decode()
    run_script(database, dump)


def run_script(database: FreshDatabase, script: str) -> None:
    """Run several statements of SQL text on a server."""
    arguments = {**database.dsn.connect_args}
    if database.engine == "mysql":
        arguments["client_flag"] = CLIENT.MULTI_STATEMENTS
    engine = create_engine(database.dsn.url, poolclass=NullPool, connect_args=arguments)
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute(script)
        while database.engine == "mysql" and cursor.nextset():
            pass
        connection.commit()
    finally:
        connection.close()


def _unpacked(name: str) -> bytes:
    return gzip.decompress((_FOLDER / f"{name}.gz").read_bytes())
