"""Benchmarks: `python -m age_model.bench`. Imports the predictor; asks the page over HTTP only."""
