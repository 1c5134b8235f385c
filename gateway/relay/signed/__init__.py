"""Signed thoughts in loops of tools, for clients whose format has no room for them.

Claude and Gemini sign what they thought before a tool call, and want it back with the tool's result. A client's
format may carry the signature itself (see `adapters.formats.signatures`); where it cannot, or its clients usually do
not, the gateway remembers it by the id of the call and puts it back.

`kept`       what is remembered of one call
`collect`    finds it in an answer on its way to the client
`put_back`   adds it to the request that holds the call again
`recall`     what the supervisor does with all this
`refused`    tells a provider's refusal of signatures from other ones
`book`       remembers it: in memory, and in the database for other processes and replicas
"""
