"""One immutable snapshot of channels, abilities, options and prices, and the accounts cache beside it."""
