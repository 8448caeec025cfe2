"""Readers of labelled pictures: one module a source, each with what is to be known of it.

A reader yields a `Picture` for each good file and tells the `Report` about every other one. What a
label says is never guessed: a name that cannot be read is reported and omitted. Nothing outside
this room knows a source by name; `train.data.sources.registry.SOURCES` lists them.
"""
