"""Google's Vertex AI.

`credentials`   google-auth, which signs and exchanges, kept to a thread and to our transport
`authorizer`    puts a token into requests; tokens are kept and renewed by `adapters.wires.tokens`
`carrier`       sends one request for each text that is embedded, where the model takes one at a time
"""
