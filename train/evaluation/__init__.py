"""Predictions of a split and the numbers made from them. Imports `data` and `console`."""
