"""Accuracy over ordered age groups, as a metric module for the `evaluate` library.

The library copies this file elsewhere before it imports it, so all arithmetic is in here and
nothing of the project is imported. Its parser wants one module in each import line.
"""

import datasets
import evaluate
import numpy as np

_DESCRIPTION = """
Share of faces whose predicted age group is the true one (accuracy), and of those whose predicted
group is the true one or one of its two neighbours (accuracy within one group).
"""

_INPUTS = """
Args:
    predictions: indices of the predicted groups, groups in rising order of age.
    references: indices of the true groups, in the same order of faces.
Returns:
    n, accuracy and within_one_accuracy (0..1).
"""

_CITATION = """
@inproceedings{levi2015age,
  title={Age and gender classification using convolutional neural networks},
  author={Levi, Gil and Hassner, Tal},
  booktitle={IEEE Conference on Computer Vision and Pattern Recognition Workshops}, year={2015}
}
"""


class AgeGroups(evaluate.Metric):
    """`evaluate.load("train/evaluation/metric_modules/age_groups")`."""

    def _info(self):
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_INPUTS,
            features=datasets.Features(
                {"predictions": datasets.Value("int64"), "references": datasets.Value("int64")}
            ),
        )

    def _compute(self, predictions, references):
        steps = np.abs(np.asarray(predictions) - np.asarray(references))
        return {
            "n": len(steps),
            "accuracy": float((steps == 0).mean()),
            "within_one_accuracy": float((steps <= 1).mean()),
        }
