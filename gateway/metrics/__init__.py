"""Numbers for Prometheus: counted as relays end, or read from the parts of the process when somebody asks."""
