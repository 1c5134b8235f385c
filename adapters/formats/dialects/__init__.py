"""Providers' own wires that say what Chat Completions says, with other names in other places.

`dialect`       what such a codec is made of: three pure functions over plain objects
`asked`         a request while it is written: what was taken of it, and what is left over
one module each for the wires themselves; `table` names them
"""
