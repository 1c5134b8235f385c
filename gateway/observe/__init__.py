"""What operators see: the console or JSON lines, and counters. No key or token ever passes through here."""
