"""The configuration as a file: written without secrets, compared with what is in force, applied as a whole."""
