"""Short clips: reading them within limits, and following the people in them.

Imports `images`, `faces`, `network` and `results`.
"""
