"""The form between the formats: what a request asks, what an answer says, what happens in a stream.

Every codec decodes to it and encodes from it, so that any client format goes over any provider's format. It holds
what at least two formats share, each thing once and in one shape:

- `Request.system` holds the leading instructions; `messages` the turns. Tool results are parts of a *user* message
  (as Claude and Gemini have it): all results of one round of calls stand in one message, in front of other parts.
- `ToolCall.arguments` is JSON text, as it streams; `tools.arguments_of` makes an object of it.
- Signatures belong to the provider that made them: `signature_format` names its format, and an encoder of another
  format leaves the signature out.
- What only one format knows is kept as it came: a block in `Foreign`, a top-level member in `extra` under its own
  name, a member deeper down in `extra` under its dotted path (`messages[2].audio`). An encoder of that same format
  puts blocks and top-level members back (`Request.format == FORMAT`); all others name them in `Encoded.dropped`.
- `None` means that the client did not say; encoders then say nothing either, unless the target demands a value.

`events` tells what a stream is made of. All types are msgspec structs: they compare by value, and cost a tenth of a
microsecond to make.
"""
