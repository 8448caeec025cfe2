"""Errors of age estimates in years, as a metric module for the `evaluate` library.

The library copies this file elsewhere before it imports it, so all arithmetic is in here and
nothing of the project is imported. Its parser wants one module in each import line.
"""

import datasets
import evaluate
import numpy as np
from scipy.stats import bootstrap

CS_YEARS = (3, 5, 10)
CONFIDENCE = 0.95
RESAMPLES_AT_ONCE = 100  # keeps the index table of the bootstrap small however many faces

_DESCRIPTION = """
Mean and median absolute error, bias (mean of estimate minus truth) and cumulative scores CS@k, the
share of faces whose absolute error is at most k years. With `resamples`, also a percentile
bootstrap interval (95%) of the mean absolute error and one of the bias.
"""

_INPUTS = """
Args:
    predictions: estimated ages, years, one for each face.
    references: true ages, years, in the same order.
    resamples: number of bootstrap resamples; 0 leaves the interval out.
    seed: seed of the resampling.
Returns:
    n, mae, median_absolute_error, bias (years), cs3, cs5, cs10 (0..1) and, with `resamples`,
    mae_interval and bias_interval: [low, high] in years.
"""

# Geng, Zhou and Smith-Miles introduced the cumulative score for age estimation.
_CITATION = """
@article{geng2007automatic,
  title={Automatic age estimation based on facial aging patterns},
  author={Geng, Xin and Zhou, Zhi-Hua and Smith-Miles, Kate},
  journal={IEEE Transactions on Pattern Analysis and Machine Intelligence},
  volume={29}, number={12}, pages={2234--2240}, year={2007}
}
"""


def error_intervals(signed: np.ndarray, resamples: int, seed: int) -> dict[str, list[float]]:
    """Percentile bootstrap intervals of the mean absolute error and of the bias.

    Args:
        signed: (N,) estimate minus truth, years, N >= 1.
        resamples: how often N errors are drawn with replacement.
        seed: the same seed gives the same intervals.

    Returns:
        mae_interval and bias_interval: [low, high], the middle 95% of the resampled means.

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
    """
    if len(signed) == 1:  # which scipy refuses; every resample is the one error
        error = float(signed[0])
        return {"mae_interval": [abs(error)] * 2, "bias_interval": [error] * 2}
    found = bootstrap(
        (signed,), _means, n_resamples=resamples, batch=RESAMPLES_AT_ONCE, vectorized=True,
        confidence_level=CONFIDENCE, method="percentile", rng=np.random.default_rng(seed),
    ).confidence_interval  # fmt: skip
    mae, bias = np.stack([found.low, found.high], axis=1).tolist()
    return {"mae_interval": mae, "bias_interval": bias}


def _means(signed: np.ndarray, axis: int) -> np.ndarray:
    """(2, ...) mean absolute error and bias along an axis."""
    return np.stack([np.abs(signed).mean(axis=axis), signed.mean(axis=axis)])


class AgeError(evaluate.Metric):
    """`evaluate.load("train/evaluation/metric_modules/age_error")`."""

    def _info(self):
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_INPUTS,
            features=datasets.Features(
                {"predictions": datasets.Value("float64"), "references": datasets.Value("float64")}
            ),
        )

    def _compute(self, predictions, references, resamples=0, seed=0):
        estimated = np.asarray(predictions, dtype=np.float64)
        true = np.asarray(references, dtype=np.float64)
        if not (np.isfinite(estimated).all() and np.isfinite(true).all()):
            raise ValueError(
                "expected finite ages in years, got NaN or infinity; "
                "leave out faces without a label"
            )
        signed = estimated - true
        absolute = np.abs(signed)
        scores: dict[str, float | list[float]] = {
            "n": len(signed),
            "mae": float(absolute.mean()),
            "median_absolute_error": float(np.median(absolute)),
            "bias": float(signed.mean()),
        }
        scores |= {f"cs{years}": float((absolute <= years).mean()) for years in CS_YEARS}
        if resamples:
            scores |= error_intervals(signed, resamples, seed)
        return scores
