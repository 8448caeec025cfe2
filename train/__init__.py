"""The training kit: data preparation, fine-tuning, evaluation, model card, upload."""

import os

# Figures go to files and need no screen; a notebook has said already where its own go.
os.environ.setdefault("MPLBACKEND", "Agg")
