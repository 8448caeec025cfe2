"""Checkpoints for others: the Hub, with the demo, MLflow models, ONNX files. Imports `card`."""
