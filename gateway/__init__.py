"""The running program: process tree, HTTP planes, relay, accounts, charging, limits, observability.

`app` is the composition root, `lifecycle` the process, `relay/` the path of a request, `ledger/` the money,
`management/` the REST API for people and scripts.
"""
