"""A process is killed in the middle of charging, again and again; the books are right each time."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict
from random import Random
from typing import TYPE_CHECKING

import pytest
import trio

from gateway.ledger.reaper import Reaper
from storage.ledger_tables import gw_ledger, gw_reaped, gw_replicas
from storage.tables import user_request_costs
from tests.ledger.support import Books, Notes

if TYPE_CHECKING:
    from pathlib import Path

CYCLES = 4


@pytest.mark.slow
async def test_kill_9_loses_nothing_and_doubles_nothing(books: Books, notes: Notes, tmp_path: Path) -> None:
    payers = [books.accounts(10**6, 10**6), books.accounts(10**6), books.accounts(40_000, 3_000)]
    rng = Random(20261125)
    promised = 0
    for seed in range(CYCLES):
        task = {
            "seed": seed,
            "dsn": books.fresh.text,
            "sqlite_path": books.fresh.sqlite_path,
            "payers": [asdict(payer) for payer in payers],
        }
        said = await trio.to_thread.run_sync(run_and_kill, task, tmp_path / f"{seed}.txt", rng.uniform(0, 0.3))
        reaper = Reaper(books.database, replica_id="successor", journal=notes, interval_s=0.1)
        # A server may be busy with the last statement of the dead for a moment.
        with trio.fail_after(10):
            while await reaper.reap() or books.held():
                await trio.sleep(0.05)

        assert books.differences() == []
        charged = {row.request_id: -row.user_units for row in books.rows(gw_ledger) if row.kind == "charge"}
        estimated = {row.request_id for row in books.rows(gw_reaped)}
        costs = Counter(row.request_id for row in books.rows(user_request_costs))
        for line in said:
            what, request_id, *units = line.split()
            assert costs[request_id] <= 1
            if what == "settled":
                promised += 1
                assert request_id not in estimated
                assert charged.get(request_id, 0) == int(units[0])
            else:
                assert request_id in estimated or costs[request_id] == 1
    assert promised > 0
    # The loops really were cut in the middle: some had reserved and not settled.
    assert books.count(gw_reaped) > 0
    assert books.count(gw_replicas) == 0


def run_and_kill(task: dict, output: Path, after_s: float) -> list[str]:
    """Let a victim work for `after_s` from its first answer on, kill it, and return what it said."""
    with output.open("wb") as file:
        victim = subprocess.Popen([sys.executable, "-m", "tests.ledger.victim", json.dumps(task)], stdout=file)
        try:
            deadline = time.monotonic() + 30
            while not output.stat().st_size:
                assert victim.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.01)
            time.sleep(after_s + 0.05)
        finally:
            victim.kill()
            victim.wait()
    # The last line may be cut.
    return output.read_text().rpartition("\n")[0].splitlines()
