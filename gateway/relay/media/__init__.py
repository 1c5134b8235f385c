"""Images and sound: uploads, what they cost, and what is sent on.

`spool`, `multipart`, `form`    an upload, kept in a file, read in parts, and written anew with few edits
`duration`                      how long an upload plays
`terms`                         what is reserved for it and what it costs
`carry`                         an answer whose bytes pass as they come
"""
