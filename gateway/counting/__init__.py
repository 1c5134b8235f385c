"""Counting tokens without a network: packaged ranks, checked by hash, loaded once off the event loop."""
