"""Who changed what, when and from where: written with the change, in its transaction, or not at all."""
