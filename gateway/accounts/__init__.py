"""Who may do what: passwords, sessions, access tokens, roles, and the services that change accounts."""
