"""The API as an OpenAPI 3.1 document, made of what endpoints declare and of the relay's table, and a page of it."""
