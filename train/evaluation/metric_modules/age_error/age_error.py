"""Errors of age estimates in years, as a metric module for the `evaluate` library.

The library copies this file elsewhere before it imports it, so all arithmetic is in here and
nothing of the project is imported. Its parser wants one module in each import line.
"""

import datasets
import evaluate
import numpy as np

CS_YEARS = (3, 5, 10)
CONFIDENCE = 0.95
_RESAMPLES_AT_ONCE = 100  # keeps the index table of the bootstrap small however many faces

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


def bootstrap_mean_interval(values: np.ndarray, resamples: int, seed: int) -> list[float]:
    """Percentile bootstrap interval of the mean.

    Args:
        values: (N,) numbers, N >= 1.
        resamples: how often N values are drawn with replacement.
        seed: the same seed gives the same interval.

    Returns:
        [low, high], the middle 95% of the resampled means.

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
    """
    rng = np.random.default_rng(seed)
    means = []
    for start in range(0, resamples, _RESAMPLES_AT_ONCE):
        rows = min(_RESAMPLES_AT_ONCE, resamples - start)
        drawn = rng.integers(0, len(values), size=(rows, len(values)))
        means.append(values[drawn].mean(axis=1))
    tail = (1 - CONFIDENCE) / 2
    return [float(v) for v in np.quantile(np.concatenate(means), [tail, 1 - tail])]


class AgeError(evaluate.Metric):
    """`evaluate.load("train/metrics/age_error")`."""

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
        scores = {
            "n": len(signed),
            "mae": float(absolute.mean()),
            "median_absolute_error": float(np.median(absolute)),
            "bias": float(signed.mean()),
        }
        scores |= {f"cs{years}": float((absolute <= years).mean()) for years in CS_YEARS}
        if resamples:
            scores["mae_interval"] = bootstrap_mean_interval(absolute, resamples, seed)
            scores["bias_interval"] = bootstrap_mean_interval(signed, resamples, seed)
        return scores
