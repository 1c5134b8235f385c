"""Bytes to and from providers: our own HTTP/1.1 client on Trio streams, behind a small Protocol."""
