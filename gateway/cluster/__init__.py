"""What replicas and workers tell each other: invalidations, rate-limit windows, suspensions, leases."""
