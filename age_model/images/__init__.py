"""Untrusted bytes to upright RGB pictures: one file, a zip of files, a list of paths.

Imports nothing else of the package.
"""
