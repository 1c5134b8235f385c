"""What `one-api` does besides serving: one module per command, each a function that returns an exit code.

0: done, nothing wrong. 1: something is wrong, and was printed. 2: the configuration or the call cannot be used.
"""
