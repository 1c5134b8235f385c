"""The environment, read once into one frozen object; the same table makes --help and the docs."""
