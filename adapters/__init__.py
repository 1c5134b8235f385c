"""What stands between us and a provider, free of accounts and storage.

`transport/` moves bytes; `formats/` are codecs (sync, pure); `providers/` is the catalogue, rows of data;
`pricing/` turns usage into quota units. Nothing here imports the gateway or storage.
"""
