"""Realtime sessions: a client's websocket mirrored to a provider's, supervised and charged like every relay.

`client`     the client's side, in the words that a relay uses
`request`    what the provider is asked
`session`    one session: messages both ways until one side ends it
`meter`      what a session used
`terms`      what it costs
"""
