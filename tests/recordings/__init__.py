"""What is said with a token is recorded, if its owner wants that."""
