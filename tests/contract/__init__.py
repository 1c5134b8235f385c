"""The program against its own document: schemathesis calls every operation, as everybody who can."""
