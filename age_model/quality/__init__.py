"""How well a photo shows a face, and warnings with the error measured on such faces.

Imports `faces`, `network` and `results`.
"""
