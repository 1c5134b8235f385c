"""Budgets: how much a user, a token or a group may spend in a day, a week or a month.

- `periods.py`  when a period begins and ends
- `index.py`    whose budgets concern a request, for the registry's snapshot
- `count.py`    what was spent and is held, in memory
- `ledger.py`   the relay's ledger, which asks and feeds the count
- `keeper.py`   the service that reads the books behind the count, and tells of limits that were passed
- `catching_up.py`  counting the books' older rows for good, a piece at a time
- `edits.py`    making, changing and removing them, and how they stand
"""
