"""Shadow tests: another channel answers a share of a model's requests as well, and nothing reaches the client."""
