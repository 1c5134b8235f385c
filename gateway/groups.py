"""Errors that come out of nurseries, wrapped in groups."""

from __future__ import annotations


def innermost(error: BaseException) -> BaseException:
    """Return the first error that is no group; what is none is returned as it is."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
