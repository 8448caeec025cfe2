"""Faces followed from frame to frame of a live picture: each keeps its number and a calm age.

Nothing here remembers anything: `follow` takes the tracks of the frame before and gives new ones,
and whoever shows the frames keeps them, for each visitor apart.
"""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from age_model.network.calibration import Calibration
from age_model.network.decode import interval, quantile
from age_model.results import FaceAges

# Seconds over which the age is averaged. People do not grow older while they look: what changes
# from frame to frame is noise, and 5 seconds keep it quiet with 2 frames a second too.
AGE_SECONDS = 5.0
BOX_SECONDS = 0.1  # over which a box is; longer, and it would trail behind a face that moves
LOST_SECONDS = 1.5  # a face that is not seen for longer is given up, with its number
SHOWN_SECONDS = 0.4  # a face that one frame misses does not blink
SETTLED_FRAMES = 3  # seen in fewer, a face has a box but no age yet: the first ages jump
LEAST_NEARNESS = -0.2  # two boxes of one size whose centres are one width apart
LEAST_STEP_SECONDS = 0.02  # between frames, so that no division blows up


class FramePredictor(Protocol):
    """What those who follow faces need of an `AgePredictor`."""

    @property
    def calibration(self) -> Calibration:
        """What turns averaged distributions into intervals."""

    def predict_frame(self, image_rgb: np.ndarray) -> FaceAges:
        """Ages of the faces in an (H, W, 3) uint8 frame."""


@dataclass(frozen=True)
class Track:
    """One face over several frames.

    Attributes:
        number: 1 or more; no other track of the same moment has it.
        box_xyxy: (4,) float64, pixels, smoothed; where the face was last seen.
        velocity_xy: (2,) float64, pixels a second, of the box's centre.
        age_probabilities: (101,) float64, averaged over the frames.
        frames: in how many the face was seen.
        seen: when it was last seen, seconds on the clock that `follow` is given.
        face: which face of the newest frame it is; None where it was not seen there.
    """

    number: int
    box_xyxy: np.ndarray
    velocity_xy: np.ndarray
    age_probabilities: np.ndarray
    frames: int
    seen: float
    face: int | None


@dataclass(frozen=True)
class LiveFace:
    """What is shown of a track.

    Attributes:
        number: see `Track`.
        box_xyxy: (4,) float64, pixels.
        age_years: point estimate in years; None until the face was seen in SETTLED_FRAMES frames.
        interval_years: low and high end of the interval in years; None as long as the age.
    """

    number: int
    box_xyxy: np.ndarray
    age_years: float | None
    interval_years: tuple[float, float] | None


def follow(tracks: tuple[Track, ...], ages: FaceAges, now: float) -> tuple[Track, ...]:
    """The tracks after one more frame.

    Args:
        tracks: those after the frame before; () before the first one.
        ages: the faces of this frame.
        now: when it was taken, seconds on a clock that never goes back.

    Returns:
        tracks in the order of their numbers, without those that were lost too long ago.
    """
    tracks = tuple(track for track in tracks if now - track.seen <= LOST_SECONDS)
    boxes = ages.box_xyxy.astype(np.float64)
    pairs = _matched(np.array([_expected(t, now) for t in tracks]).reshape(-1, 4), boxes)
    after = {
        track.number: _moved(track, ages, pairs[i], now)
        if i in pairs
        else replace(track, face=None)
        for i, track in enumerate(tracks)
    }
    for face in sorted(set(range(len(boxes))) - set(pairs.values())):
        number = next(n for n in range(1, len(after) + 2) if n not in after)
        still = np.zeros(2)
        probabilities = ages.age_probabilities[face]
        after[number] = Track(number, boxes[face], still, probabilities, 1, now, face)
    return tuple(after[number] for number in sorted(after))


def live_faces(
    tracks: tuple[Track, ...], now: float, calibration: Calibration
) -> tuple[LiveFace, ...]:
    """What to show now.

    Args:
        calibration: of the predictor that gave the ages.
    """
    shown = [track for track in tracks if now - track.seen <= SHOWN_SECONDS]
    if not shown:
        return ()
    probabilities = np.stack([track.age_probabilities for track in shown])
    years = quantile(probabilities, 0.5)
    ends = interval(probabilities, calibration.interval_levels, calibration.groups)
    return tuple(
        LiveFace(t.number, t.box_xyxy, float(age), (float(low), float(high)))
        if t.frames >= SETTLED_FRAMES
        else LiveFace(t.number, t.box_xyxy, None, None)
        for t, age, (low, high) in zip(shown, years, ends, strict=True)
    )


def _expected(track: Track, now: float) -> np.ndarray:
    """(4,) box where a face is by now if it moves on: two that cross keep their numbers."""
    return track.box_xyxy + np.tile(track.velocity_xy * (now - track.seen), 2)


def _matched(expected_xyxy: np.ndarray, box_xyxy: np.ndarray) -> dict[int, int]:
    """Which track (T, 4) goes on as which face (N, 4): the nearest pair first, each only once."""
    nearness = _nearness(expected_xyxy, box_xyxy)
    pairs: dict[int, int] = {}
    for flat in np.argsort(-nearness, axis=None, kind="stable"):
        track, face = (int(i) for i in np.unravel_index(flat, nearness.shape))
        if nearness[track, face] < LEAST_NEARNESS:
            break
        if track not in pairs and face not in pairs.values():
            pairs[track] = face
    return pairs


def _nearness(a_xyxy: np.ndarray, b_xyxy: np.ndarray) -> np.ndarray:
    """(T, N) overlap (IoU) of boxes (T, 4) and (N, 4), less how far their centres are apart.

    Unlike the overlap alone it says something about boxes beside each other, as those of a face
    that moves are when there are few frames a second. Source: Zheng et al., "Distance-IoU Loss",
    AAAI 2020.
    """
    a, b = a_xyxy[:, None], b_xyxy[None]
    inner = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    outer = np.maximum(a[..., 2:], b[..., 2:]) - np.minimum(a[..., :2], b[..., :2])
    shared = inner.clip(min=0).prod(axis=2)
    area_a, area_b = ((box[..., 2:] - box[..., :2]).prod(axis=2) for box in (a, b))
    apart = (a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) / 2
    overlap = shared / np.maximum(area_a + area_b - shared, 1e-9)
    return overlap - (apart**2).sum(axis=2) / np.maximum((outer**2).sum(axis=2), 1e-9)


def _moved(track: Track, ages: FaceAges, face: int, now: float) -> Track:
    """The track after it was seen as this face of a frame."""
    box, probabilities = ages.box_xyxy[face].astype(np.float64), ages.age_probabilities[face]
    step = max(now - track.seen, LEAST_STEP_SECONDS)
    # An alpha-beta filter; the second weight after Benedict and Bordner, "Synthesis of an optimal
    # set of radar track-while-scan smoothing equations", IRE 1962.
    alpha = 1 - np.exp(-step / BOX_SECONDS)
    beta = alpha**2 / (2 - alpha)
    expected = _expected(track, now)
    off = box - expected
    velocity = track.velocity_xy + beta * (off[:2] + off[2:]) / 2 / step
    # All frames weigh the same at first, later ones by how long ago they were. What is averaged are
    # whole distributions: that calms the estimate, but it makes the interval no narrower than those
    # of the frames are. It must not: the model errs by about the same on all frames of one face, so
    # n frames are nothing like n independent measurements, and dividing by sqrt(n) would be a lie.
    weight = max(1 / (track.frames + 1), 1 - np.exp(-step / AGE_SECONDS))
    return Track(
        number=track.number,
        box_xyxy=expected + alpha * off,
        velocity_xy=velocity,
        age_probabilities=(1 - weight) * track.age_probabilities + weight * probabilities,
        frames=track.frames + 1,
        seen=now,
        face=face,
    )
