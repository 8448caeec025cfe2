"""The training kit: data preparation, fine-tuning, evaluation, model card, upload."""
