"""What a card says about one face: the same for a photo, a snapshot, a batch and a clip."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from age_model.labels import PAGE_THRESHOLDS
from age_model.page.curve import Curve, age_curve
from age_model.page.pictures import data_uri
from age_model.page.sureness import Sureness, decade_of
from age_model.results import FaceAges
from age_model.video.people import Person


@dataclass(frozen=True)
class CardWarning:
    """A warning about a face.

    Attributes:
        title: a word or a few, such as "Blurred".
        sentence: the whole of it.
    """

    title: str
    sentence: str


@dataclass(frozen=True)
class Card:
    """One face, ready for `templates/face_card.html`.

    Attributes:
        number: of the face, from 1.
        age_years: the estimate.
        interval_years: low and high end of its range.
        crop: data URI of the face, as the network saw it; of a person in a clip, a picture.
        curve: the distribution.
        sureness: of test faces of about this age; None where nobody has measured it.
        warnings: about the face.
        face: one dict of `FaceAges.to_dicts`; {} for a person in a clip, who has no details.
    """

    number: int
    age_years: float
    interval_years: tuple[float, float]
    crop: str
    curve: Curve
    sureness: Sureness | None = None
    warnings: tuple[CardWarning, ...] = ()
    face: dict[str, Any] = field(default_factory=dict)


def face_cards(
    ages: FaceAges, crops: Sequence[np.ndarray], measured: dict[str, Sureness]
) -> list[Card]:
    """A card for each face, in the order of the faces.

    Args:
        crops: (S, S, 3) uint8 of the first faces; the others have no card.
        measured: see `sureness.measured_sureness`.
    """
    faces = ages.to_dicts(at_least=PAGE_THRESHOLDS)
    return [
        Card(
            number=i + 1,
            age_years=float(ages.age_years[i]),
            interval_years=_pair(ages.interval_years[i]),
            crop=data_uri(crop_rgb),
            curve=age_curve(
                ages.age_probabilities[i],
                _pair(ages.interval_years[i]),
                float(ages.age_years[i]),
            ),
            sureness=measured.get(decade_of(float(ages.age_years[i]))),
            warnings=tuple(map(_warning, ages.warnings[i])),
            face=faces[i],
        )
        for i, crop_rgb in enumerate(crops)
    ]


def person_card(person: Person) -> Card:
    """The card of a person in a clip: of the mean of their distributions in all frames."""
    return Card(
        number=person.number,
        age_years=person.age_years,
        interval_years=person.interval_years,
        crop=data_uri(person.crop_rgb),
        curve=age_curve(person.age_probabilities, person.interval_years, person.age_years),
    )


def _pair(ends: np.ndarray) -> tuple[float, float]:
    low, high = ends.tolist()
    return low, high


def _warning(sentence: str) -> CardWarning:
    return CardWarning(sentence.partition(":")[0].partition(",")[0], sentence)
