"""The Trainer: arguments, losses, sampling, optimizers, distillation, MLflow runs.

Imports `data`, `networks`, `evaluation` and `console`.
"""
