"""Finding faces, cropping them, and following them from frame to frame.

`detector` has what all detectors share and `load_detector`; each detector has a module of its own.
Imports `results`, `labels` and `network` (for the age of a track).
"""
