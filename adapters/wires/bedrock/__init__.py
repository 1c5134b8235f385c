"""Amazon Bedrock: requests that are signed, and answers in frames of its own.

`signing`       Signature Version 4, or an API key as a bearer token
`profiles`      which id of a model is asked for: its own, or that of a profile over several regions
`event_stream`  `application/vnd.amazon.eventstream`, presented as server-sent events
`carrier`       puts them together
"""
