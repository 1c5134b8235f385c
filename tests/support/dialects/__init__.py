"""Providers that speak wires of their own, as mocks: what they hear of a request, and how they say an answer."""
