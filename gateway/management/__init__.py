"""The REST API for people and scripts: Quart blueprints over the services.

`app` puts it together, `edge` treats every request alike (ids, limits, cross-site rule, compression), `guard`
says who may call what, `payloads` and `shapes` are the JSON that comes and goes. Each other module is one area
of the API with thin views: parse, call a service, answer.
"""
