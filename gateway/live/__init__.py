"""What runs right now and what was just said, in every process of the installation, for people who look."""
