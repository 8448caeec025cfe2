"""Pictures by the million, on several machines: `python -m age_model.cluster`, by Ray Data.

Imports `records` and the command line's options; only this room imports Ray.
"""
