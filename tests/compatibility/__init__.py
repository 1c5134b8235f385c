"""Every official client over every provider's format, through the real program."""
