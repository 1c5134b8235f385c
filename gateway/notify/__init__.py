"""Telling people what happens while nobody looks: root, owners of accounts, and an alert service."""
