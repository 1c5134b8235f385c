"""The catalogue of providers: rows of data, validated at start."""
