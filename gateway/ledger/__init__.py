"""Money: reservations before the upstream is called, settlements exactly once, on every way out.

`types` holds the values, `writer` the group-committing service, `reaper` what settles for the dead, `verify`
the proof that balances add up.
"""
