"""The wires of real providers, spoken by the mock provider: it answers as they do, and refuses what they refuse."""
