"""A program using the gateway as its users do: the real process, a real provider, official clients."""
