"""Metric modules for the `evaluate` library, loaded by folder."""
