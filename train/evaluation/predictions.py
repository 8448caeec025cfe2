"""Labels and answers of a split side by side, and predictions.csv."""

import csv
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from age_model.labels import AGE_GROUPS, ETHNICITIES, GENDERS, AgeGroup
from train.evaluation.metrics import true_group

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
        group_probabilities: (N, G) float64, over `groups`.
        gender_probabilities: (N, 2) float64, or None where the model was not taught gender.
        ethnicity_probabilities: (N, 5) float64, or None alike.
        groups: the model's G age groups.
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
    gender_probabilities: np.ndarray | None
    ethnicity_probabilities: np.ndarray | None
    groups: tuple[AgeGroup, ...] = AGE_GROUPS

    def __len__(self) -> int:
        return len(self.file)

    def where(self, rows: np.ndarray) -> "Predictions":
        """The rows that a (N,) bool mask or an array of indices names."""
        columns = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "groups"}
        chosen: dict[str, Any] = {
            name: None if column is None else column[rows] for name, column in columns.items()
        }
        return Predictions(**chosen, groups=self.groups)

    @property
    def group_names(self) -> tuple[str, ...]:
        """The age groups' names."""
        return tuple(group.name for group in self.groups)

    @property
    def labelled_group(self) -> np.ndarray:
        """(N,) int, index of the group that holds the whole label; -1 where there is none."""
        return true_group(self.age_low, self.age_high, self.groups)

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
            writer.writerow([
                p.file[i], p.source[i],
                *(age if age >= 0 else "" for age in (p.age_low[i], p.age_high[i])),
                *(f"{years:.2f}" for years in (p.years[i], *p.interval_years[i])),
                p.group_names[p.group_probabilities[i].argmax()],
                GENDERS[p.gender[i]] if p.gender[i] >= 0 else "",
                *_class(p.gender_probabilities, i, GENDERS),
                ETHNICITIES[p.ethnicity[i]] if p.ethnicity[i] >= 0 else "",
                _class(p.ethnicity_probabilities, i, ETHNICITIES)[0],
            ])  # fmt: skip


def _class(probabilities: np.ndarray | None, i: int, names: tuple[str, ...]) -> tuple[str, str]:
    """The most probable class of a row and its probability; empty where nothing is answered."""
    if probabilities is None:
        return "", ""
    return names[probabilities[i].argmax()], f"{probabilities[i].max():.4f}"
