"""The documentation keeps its promises: pages are complete and fresh, links lead somewhere."""
