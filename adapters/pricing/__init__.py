"""Usage in disjoint buckets, prices as exact decimals, and the one function that turns both into quota units."""
