"""A process that reserves and settles as fast as it can until somebody kills it.

Called with the JSON of its database and accounts. Prints one line for each answer that it got from its ledger,
so that the one who killed it knows what had been promised: `reserved ID` and `settled ID UNITS`.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from random import Random

import trio

from gateway.ledger.presence import Presence
from gateway.ledger.processes import new_replica_id
from gateway.ledger.types import InsufficientQuota
from gateway.ledger.writer import LedgerWriter
from storage.database import Database
from tests.ledger.support import Accounts, Notes

RELAYS = 12


async def main(task: dict) -> None:
    rng = Random(task["seed"])
    database = Database.open(task["dsn"], sqlite_path=task["sqlite_path"])
    payers = [Accounts(**payer) for payer in task["payers"]]
    name = new_replica_id()
    writer = LedgerWriter(database, replica_id=name, journal=Notes(), logs_elsewhere=False)

    async def relay(lane: int) -> None:
        number = 0
        while True:
            number += 1
            request_id = f"{task['seed']}-{lane}-{number}"
            who = rng.choice(payers)
            try:
                await writer.reserve(who.reservation(request_id, rng.randrange(50)))
            except InsufficientQuota:
                continue
            say(f"reserved {request_id}")
            if rng.random() < 0.3:
                with contextlib.suppress(InsufficientQuota):
                    await writer.amend(request_id, channel_id=who.channel, add_units=rng.randrange(20))
            units = rng.randrange(60)
            await writer.settle(who.settlement(request_id, units))
            say(f"settled {request_id} {units}")

    async with trio.open_nursery() as nursery:
        await nursery.start(Presence(database, replica_id=name, journal=Notes()).run)
        await nursery.start(writer.run)
        for lane in range(RELAYS):
            nursery.start_soon(relay, lane)


def say(line: str) -> None:
    """Print past all buffers: what was said must outlive this process."""
    os.write(1, line.encode() + b"\n")


if __name__ == "__main__":
    trio.run(main, json.loads(sys.argv[1]))
