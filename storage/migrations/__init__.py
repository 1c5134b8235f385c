"""Schema changes: `versions/` holds the Alembic revisions, the other modules what they share.

A revision is a module with `upgrade(step: Step)`; there is no `alembic.ini`, no `env.py` and no downgrade. It may
find parts of its work done: MySQL commits each change of a table at once, so that a crash leaves half of a
revision behind, and the first revision creates missing tables as `storage` describes them today. So a
revision asks before it adds (`storage.migrations.shape`), and only ever adds tables, or columns that are
nullable or have a default, since one-api must still be able to open the database.
"""
