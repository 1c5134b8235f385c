"""Measure the gateway: scenarios, what drives them, and the table that they end in."""
