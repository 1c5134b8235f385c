"""HTTP in: listening sockets, Hypercorn on Trio with deadlines on writes, draining."""
