"""What must hold when something goes wrong: processes die, clients leave, providers fall silent, quotas run out."""
