"""Bus and windows: one set of claims for all three ways to share, then what each does when it cannot."""
