"""What is said with tokens whose owners want it recorded: kept for some days, shown to them, deleted when they like.

`recording` listens to one answer, `recorder` is the service that writes, `packing` makes of it what is stored,
`reading` a conversation of what is stored; `access` says who may see it, `search` finds words in it.
"""
