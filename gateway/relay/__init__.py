"""The path of a request: admit, understand, choose, reserve, attempt, settle."""
