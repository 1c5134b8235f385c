"""The management API over real HTTP, and what lies under it on each engine."""
