"""Who somebody is by other means than a password: e-mail addresses, third parties, and that it is a person at all."""
