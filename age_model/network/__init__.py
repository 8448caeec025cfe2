"""The network: its architecture, input, answer, calibration, and the files it is loaded from.

Imports `labels` alone.
"""
