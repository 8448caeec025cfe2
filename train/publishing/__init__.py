"""Uploading checkpoints and the demo to the Hugging Face Hub. Imports `card`."""
