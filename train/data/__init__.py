"""From a user's files to the prepared data set: sources, duplicates, splits, augmentation.

Imports `console`.
"""
