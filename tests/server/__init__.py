"""The process tree and the server, with real processes and sockets around a small application."""
