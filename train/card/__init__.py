"""The model card, computed from the measurements in a checkpoint folder. Imports `evaluation`."""
