"""How long a piece of sound lasts, read from its container and not from its samples."""
