"""Trying a model out: one conversation, written in each format that clients speak, sent as a client would send it."""
