"""The REST API for people and scripts: Quart blueprints over the services."""
