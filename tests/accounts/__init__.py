"""Rules of accounts that need neither HTTP nor a database."""
