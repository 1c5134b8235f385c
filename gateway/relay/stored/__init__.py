"""Responses that a provider keeps: fetched, gone on from, cancelled and deleted where they were made.

`calls`      what clients can ask about one, as paths and methods
`sighting`   reading ids and states in answers that pass
`book`       remembers which channel made a response, for its owner alone, over restarts and replicas
`asking`     the request to the provider that keeps it
`serve`      answers the clients' calls
`charges`    what a background response costs, worked out when its usage is known
`settler`    asks about background responses that nobody fetches, until they are charged
"""
