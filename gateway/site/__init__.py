"""The site as a whole: its options, what it tells everybody, which models it knows."""
