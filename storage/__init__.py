"""Everything that touches a database: tables, engines, migrations, repositories.

`records` holds the rows as frozen values; `tables` the schema; `database` the one way to run a unit of
work; `repositories/` the only place that knows SQL. Nothing here imports the gateway.
"""
