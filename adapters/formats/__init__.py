"""Codecs, one module per wire format: sync, pure, bytes and values in, values and bytes out."""
