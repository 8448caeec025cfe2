"""What all commands share: arguments, errors with an exit status, and output that appears whole.

Imports nothing else of `train`.
"""
