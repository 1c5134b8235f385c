"""What it takes to reach a provider beyond a URL, a key in a header and server-sent events.

`types`         the seams: `Call`, `Authorizer`, `Carrier`
`tokens`        keys that are exchanged for tokens, which are kept and renewed
`framing`       lines, websockets and whole bodies, presented as events
`tasks`         answers that are fetched when they are ready
one module or folder each for the providers; `table` names them, `wired` puts them together as a `Transport`
"""
