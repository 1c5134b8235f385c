"""Functions that read and write rows inside a transaction; the only place that knows SQL."""
