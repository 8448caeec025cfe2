"""The people in a clip: each face followed through its frames, with an age over time."""

import csv
from dataclasses import dataclass, field
from typing import TextIO

import numpy as np

from age_model.faces.crop import upright_crop
from age_model.faces.tracking import (
    SETTLED_FRAMES,
    FramePredictor,
    LiveFace,
    Track,
    follow,
    live_faces,
)
from age_model.network.decode import interval, quantile
from age_model.results import FaceAges
from age_model.video.clip import Frame

CSV_FIELDS = ("person", "second", "age", "age_low", "age_high")
CLEARLY_LARGER = 1.2  # in area: only then a person's crop is made anew
CROP_SIZE = 192  # pixels


@dataclass(frozen=True)
class Moment:
    """A point of a person's line: what the tab Live would have shown.

    Attributes:
        second: since the clip's first frame.
        age_years: the average so far, see `tracking.AGE_SECONDS`.
        interval_years: low and high end.
    """

    second: float
    age_years: float
    interval_years: tuple[float, float]


@dataclass(frozen=True)
class Person:
    """One face for as long as it was followed.

    Attributes:
        number: 1 or more, in the order in which they came.
        age_years: median of the mean of its distributions in all frames that it was seen in.
        interval_years: low and high end of that mean. It is no narrower for more frames, which err
            alike: see `tracking._moved`.
        age_probabilities: (101,) float64, that mean.
        stretches: the line, parted where the face was not seen in a frame between.
        first, last: seconds when it was seen first and last.
        frames: in how many it was seen.
        crop_rgb: (CROP_SIZE, CROP_SIZE, 3) uint8, its largest picture.
    """

    number: int
    age_years: float
    interval_years: tuple[float, float]
    age_probabilities: np.ndarray
    stretches: tuple[tuple[Moment, ...], ...]
    first: float
    last: float
    frames: int
    crop_rgb: np.ndarray

    @property
    def moments(self) -> tuple[Moment, ...]:
        """All points of the line."""
        return tuple(moment for stretch in self.stretches for moment in stretch)


def _no_crop() -> np.ndarray:
    return np.zeros((CROP_SIZE, CROP_SIZE, 3), np.uint8)


@dataclass
class _Sightings:
    """What is collected of a person while a clip is read."""

    seconds: list[float] = field(default_factory=list)
    newest: int = 0  # number of the frame that it was seen in last
    probabilities: list[np.ndarray] = field(default_factory=list)  # (101,) a frame
    stretches: list[list[Moment]] = field(default_factory=list)
    crop_rgb: np.ndarray = field(default_factory=_no_crop)
    area: float = 0.0  # of the face that the crop shows, pixels


class People:
    """Follows the faces of a clip; give it the frames in their order."""

    def __init__(self, predictor: FramePredictor):
        self._frames = 0
        self._predictor = predictor
        self._tracks: tuple[Track, ...] = ()
        self._now: dict[int, _Sightings] = {}  # by the number of their track, which is used again
        self._all: list[_Sightings] = []

    def see(self, frame: Frame) -> None:
        """Look at one more frame."""
        ages = self._predictor.predict_frame(frame.image_rgb)
        self._tracks = follow(self._tracks, ages, frame.second)
        shown = live_faces(self._tracks, frame.second, self._predictor.calibration)
        live = {face.number: face for face in shown}
        self._frames += 1
        for track in self._tracks:
            if track.face is not None:
                self._add(track, live[track.number], frame, ages)

    def _add(self, track: Track, shown: LiveFace, frame: Frame, ages: FaceAges) -> None:
        """A face of this frame goes to its person, a new one where its track has just begun."""
        if track.frames == 1:
            self._now[track.number] = _Sightings()
            self._all.append(self._now[track.number])
        person = self._now[track.number]
        person.seconds.append(frame.second)
        person.probabilities.append(ages.age_probabilities[track.face])
        if shown.age_years is not None and shown.interval_years is not None:
            if not person.stretches or person.newest < self._frames - 1:
                person.stretches.append([])
            moment = Moment(frame.second, shown.age_years, shown.interval_years)
            person.stretches[-1].append(moment)
        person.newest = self._frames
        x1, y1, x2, y2 = map(float, ages.box_xyxy[track.face])
        if (x2 - x1) * (y2 - y1) > CLEARLY_LARGER * person.area:
            person.area = (x2 - x1) * (y2 - y1)
            box_xyxy = ages.box_xyxy[track.face]
            person.crop_rgb = upright_crop(frame.image_rgb, box_xyxy, CROP_SIZE)

    def found(self) -> tuple[list[Person], int]:
        """The people so far, and how many faces are omitted: they were seen too few times."""
        kept = [person for person in self._all if len(person.seconds) >= SETTLED_FRAMES]
        people = [self._person(number, person) for number, person in enumerate(kept, start=1)]
        return people, len(self._all) - len(kept)

    def _person(self, number: int, person: _Sightings) -> Person:
        mean = np.mean(person.probabilities, axis=0)[None]  # (1, 101)
        calibration = self._predictor.calibration
        low, high = interval(mean, calibration.interval_levels, calibration.groups)[0]
        return Person(
            number=number,
            age_years=float(quantile(mean, 0.5)[0]),
            interval_years=(float(low), float(high)),
            age_probabilities=mean[0],
            stretches=tuple(map(tuple, person.stretches)),
            first=person.seconds[0],
            last=person.seconds[-1],
            frames=len(person.seconds),
            crop_rgb=person.crop_rgb,
        )


def write_people(people: list[Person], stream: TextIO) -> None:
    """A CSV table with a row for each point of each person's line."""
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(CSV_FIELDS)
    for person in people:
        for moment in person.moments:
            years = (moment.age_years, *moment.interval_years)
            table.writerow([person.number, f"{moment.second:.2f}", *(f"{y:.1f}" for y in years)])
