"""Feeds every decoder what nobody would send; see `scripts/fuzz`."""
