"""results.json: the numbers of an evaluation, with what it takes to get them again."""

from age_model.network.calibration import INTERVAL_COVERAGE
from age_model.network.reports import SCHEMA_VERSION
from train.evaluation.by_group import source_results
from train.evaluation.cells import ENOUGH, TOO_MUCH, all_cells, coverage, high_error_cells
from train.evaluation.challenge_age import CHALLENGE_AGE
from train.evaluation.density import estimate_counts
from train.evaluation.findings import all_gaps, limits
from train.evaluation.predictions import Predictions
from train.evaluation.provenance import provenance

DEFINITIONS = {
    "years": "estimated age: the median of the predicted distribution over single years",
    "groups": "predicted group: the most probable one; true group: the one that holds the "
    "whole label; within one: the true group or one of its neighbours",
    "interval": f"predicted {INTERVAL_COVERAGE:.0%} interval; coverage: share of faces with "
    "low <= true age <= high",
    "mae_interval": "95% percentile bootstrap interval of the mean absolute error; bias_interval: "
    "the same of the bias",
    "bias": "mean of estimate minus label, in years",
    "cs5": "share of faces whose absolute error is at most 5 years; cs3 and cs10 alike",
    "calibration_error": "expected calibration error of the most probable group, 15 bins",
    "thresholds": f"at the challenge age of {CHALLENGE_AGE} years, in the terms of NIST's FATE Age "
    f"Estimation & Verification; share of the faces whose label is in the range: let_through: the "
    f"estimate is {CHALLENGE_AGE} or more; turned_away: it is less; interval: 95% Wilson interval",
    "coverage": "of the predicted interval over all faces with an age in years",
    "reliability": "by the probability of the most probable group, in bins of 10%: its mean "
    "(confidence) and how often that group is the true one (accuracy)",
    "estimate_counts": "faces with an age in years over all sources: a row for each bin of "
    "labelled age, in it the faces in each bin of estimated age; the first bin begins at 0",
    "cells": "each decade of labelled age, gender, ethnicity and source together; null: no label; "
    "rmse: root of the mean squared error, years",
    "high_error_cells": f"parts of a decade, by gender, ethnicity or source, with {ENOUGH} faces "
    f"or more and an error (mae) over {TOO_MUCH} times that of the whole decade (decade_mae)",
    "fairness": "the same numbers for each age group, gender and ethnicity label together; "
    "coverage_interval and accuracy_interval: 95% Wilson intervals",
}


def results_json(
    command: str,
    model: dict,
    data: dict,
    source_facts: dict[str, dict],
    p: Predictions,
    resamples: int,
    seed: int,
    device: str | None = None,
) -> dict:
    """The content of results.json.

    Args:
        command: how to get these numbers again.
        model: name and facts of the checkpoint.
        data: name of the data set and its split.
        source_facts: what a reader should know about each source; see `provenance.source_facts`.
        p: predictions of the whole split.
        resamples: bootstrap resamples for each MAE.
        seed: seed of the resampling.
        device: where the network ran.
    """
    head = provenance(
        SCHEMA_VERSION, command, model, data, p.file,
        {"resamples": resamples, "seed": seed}, DEFINITIONS, device=device,
    )  # fmt: skip
    results = head | {
        "source_facts": source_facts,
        "sources": {
            str(source): rounded(source_results(p.where(p.source == source), resamples, seed))
            for source in sorted(set(p.source))
        },
    }
    if (covered := coverage(p)) is not None:
        cells = all_cells(p)
        results |= rounded(
            {"coverage": covered, "cells": cells, "high_error_cells": high_error_cells(cells)}
        ) | {"estimate_counts": estimate_counts(p)}
    # What the numbers say in words, for all who show them.
    return results | {"words": {"gaps": all_gaps(results), "limits": limits(results)}}


def rounded(value):
    """Floats of a nested structure to four places: more would be noise in every diff."""
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [rounded(inner) for inner in value]
    return round(value, 4) if isinstance(value, float) else value
