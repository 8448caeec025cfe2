"""Labels and answers of a split side by side, and predictions.csv."""

import csv
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from age_model.labels import AGE_GROUP_NAMES, ETHNICITIES, GENDERS

COLUMNS = (
    "file", "source", "true_low", "true_high", "years", "interval_low", "interval_high", "group",
    "true_gender", "gender", "gender_probability", "true_ethnicity", "ethnicity",
)  # fmt: skip


@dataclass(frozen=True)
class Predictions:
    """Labels of N pictures and what the model says about them, row by row.

    Attributes:
        file: (N,) str, name within the data set.
        source: (N,) str, key of the source of pictures.
        age_low, age_high: (N,) int, years; equal for a point label, -1 for none.
        gender, ethnicity: (N,) int, index in `labels.GENDERS`, `labels.ETHNICITIES`; -1 for none.
        years: (N,) float64, estimated age.
        interval_years: (N, 2) float64, ends of the 80% interval.
        group_probabilities: (N, 9) float64, over `labels.AGE_GROUPS`.
        gender_probabilities: (N, 2) float64.
        ethnicity_probabilities: (N, 5) float64.
    """

    file: np.ndarray
    source: np.ndarray
    age_low: np.ndarray
    age_high: np.ndarray
    gender: np.ndarray
    ethnicity: np.ndarray
    years: np.ndarray
    interval_years: np.ndarray
    group_probabilities: np.ndarray
    gender_probabilities: np.ndarray
    ethnicity_probabilities: np.ndarray

    def __len__(self) -> int:
        return len(self.file)

    def where(self, rows: np.ndarray) -> "Predictions":
        """The rows that a (N,) bool mask or an array of indices names."""
        return Predictions(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    @property
    def points(self) -> "Predictions":
        """The rows with a point label."""
        return self.where((self.age_low >= 0) & (self.age_low == self.age_high))

    @property
    def covered(self) -> np.ndarray:
        """(N,) bool: does the 80% interval hold the point label, both ends included?"""
        low, high = self.interval_years.T
        return (low <= self.age_low) & (self.age_low <= high)


def write_predictions(path: Path, p: Predictions) -> None:
    """One line for each picture: its labels and what the model says, empty where unlabelled."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for i in range(len(p)):
            gender = p.gender_probabilities[i]
            writer.writerow([
                p.file[i], p.source[i],
                *(age if age >= 0 else "" for age in (p.age_low[i], p.age_high[i])),
                *(f"{years:.2f}" for years in (p.years[i], *p.interval_years[i])),
                AGE_GROUP_NAMES[p.group_probabilities[i].argmax()],
                GENDERS[p.gender[i]] if p.gender[i] >= 0 else "",
                GENDERS[gender.argmax()], f"{gender.max():.4f}",
                ETHNICITIES[p.ethnicity[i]] if p.ethnicity[i] >= 0 else "",
                ETHNICITIES[p.ethnicity_probabilities[i].argmax()],
            ])  # fmt: skip
