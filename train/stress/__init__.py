"""Measurements on pictures made worse: corruptions, pose, synthetic photos.

Imports `data`, `evaluation` and `console`.
"""
