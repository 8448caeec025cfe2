"""Figures, drawn with matplotlib. Imports `evaluation` and `stress`."""
