"""Refreshing prices and models of the catalogue from a maintained public source."""
