"""How long the lists and charts of the admin UI take on a database of some size; `scripts/bench_lists` runs it."""
