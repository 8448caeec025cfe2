import pickle

import numpy as np
import pytest

from age_model.faces.tracking import LOST_SECONDS, SETTLED_FRAMES, SHOWN_SECONDS, follow, live_faces
from age_model.network.calibration import Calibration
from tests.support.factories import faces_at

CALIBRATION = Calibration()


def run(frames, fps: float):
    """What is shown after each frame."""
    tracks, shown = (), []
    for i, ages in enumerate(frames):
        tracks = follow(tracks, ages, i / fps)
        shown.append(live_faces(tracks, i / fps, CALIBRATION))
    return shown


@pytest.mark.parametrize("fps", [2, 5, 10])
def test_still_face_has_a_still_age(fps):
    noise = np.random.default_rng(3)
    frames = [
        faces_at(
            (200 + noise.normal(0, 4), 150 + noise.normal(0, 4), 100, 34 + noise.normal(0, 2.5))
        )
        for _ in range(20 * fps)
    ]
    alone = [float(ages.age_years[0]) for ages in frames]
    assert np.ptp(alone) > 4, "the frames are too quiet to show anything"
    shown = run(frames, fps)
    assert {next(f.number for f in faces) for faces in shown} == {1}
    years = [faces[0].age_years for faces in shown if faces[0].age_years is not None]
    assert len(years) == len(frames) - SETTLED_FRAMES + 1
    settled = years[2 * fps :]
    assert np.ptp(settled) < 2
    assert np.mean(settled) == pytest.approx(34, abs=1)
    centres = [np.mean(faces[0].box_xyxy[::2]) for faces in shown[fps:]]
    assert np.std(centres) < 5


def test_age_is_said_only_once_it_has_settled():
    shown = run([faces_at((100, 100, 60, 30))] * SETTLED_FRAMES, fps=10)
    assert [faces[0].age_years is None for faces in shown] == [True] * (SETTLED_FRAMES - 1) + [
        False
    ]
    assert shown[0][0].interval_years is None


def test_interval_does_not_narrow_with_the_number_of_frames():
    one = faces_at((100, 100, 60, 40))
    shown = run([one] * 100, fps=10)
    width = np.diff(one.interval_years[0])[0]
    assert np.diff(shown[-1][0].interval_years)[0] == pytest.approx(width, rel=0.01)


def test_interval_is_that_of_the_calibration():
    wide = Calibration(interval_levels=(0.95,) * 9)
    tracks = ()
    for i in range(SETTLED_FRAMES):
        tracks = follow(tracks, faces_at((100, 100, 60, 40)), i / 10)
    now = SETTLED_FRAMES / 10
    narrow, wider = (live_faces(tracks, now, c)[0].interval_years for c in (CALIBRATION, wide))
    assert wider[0] < narrow[0] and narrow[1] < wider[1]


@pytest.mark.parametrize("fps", [5, 10])
def test_faces_that_cross_keep_their_numbers(fps):
    times = np.arange(0, 4, 1 / fps)
    frames = [
        faces_at(
            (100 + 100 * t, 200, 80, 20), (500 - 100 * t, 215, 80, 60)
        )  # they meet at 2 seconds
        for t in times
    ]
    ages = [{f.number: f.age_years for f in faces} for faces in run(frames, fps)]
    assert all(set(a) == {1, 2} for a in ages)
    assert ages[-1][1] == pytest.approx(20, abs=1) and ages[-1][2] == pytest.approx(60, abs=1)


def test_order_of_the_detector_does_not_matter():
    a, b = (100, 100, 60, 20), (400, 100, 62, 60)
    shown = run([faces_at(a, b), faces_at(b, a), faces_at(a, b), faces_at(b, a)], fps=10)
    assert [f.box_xyxy[0] < 200 for f in shown[-1]] == [True, False]
    assert shown[-1][0].age_years == pytest.approx(20, abs=0.5)


def test_fast_face_is_the_same_face():
    """Half a face's width from frame to frame, as in front of a slow server."""
    shown = run([faces_at((100 + 40 * i, 100, 80, 30)) for i in range(8)], fps=2)
    assert [[f.number for f in faces] for faces in shown] == [[1]] * 8


def test_another_face_elsewhere_is_another_face():
    shown = run([faces_at((100, 100, 60, 20)), faces_at((400, 100, 60, 60))], fps=10)
    assert [f.number for f in shown[1]] == [1, 2]
    assert shown[1][1].box_xyxy[0] > 300


def test_lost_face_is_dropped_and_its_number_is_free_again():
    tracks = follow((), faces_at((100, 100, 60, 20)), 0.0)
    tracks = follow(tracks, faces_at(), 0.1)
    assert len(live_faces(tracks, 0.1, CALIBRATION)) == 1, "it blinks when one frame misses it"
    tracks = follow(tracks, faces_at(), SHOWN_SECONDS + 0.1)
    assert live_faces(tracks, SHOWN_SECONDS + 0.1, CALIBRATION) == ()
    assert len(tracks) == 1
    assert follow(tracks, faces_at((102, 100, 60, 20)), 1.0)[0].frames == 2
    assert follow(tracks, faces_at(), LOST_SECONDS + 0.1) == ()
    again = follow(tracks, faces_at((100, 100, 60, 70)), LOST_SECONDS + 0.1)
    assert [(t.number, t.frames) for t in again] == [(1, 1)]


def test_empty_frames_show_nothing():
    assert run([faces_at()] * 3, fps=10) == [(), (), ()]


def test_frames_at_the_same_moment_and_empty_boxes_do_no_harm():
    tracks = ()
    for _ in range(5):
        tracks = follow(tracks, faces_at((100, 100, 0, 30), (100, 100, 50, 30)), 1.0)
    for track in tracks:
        assert np.isfinite(track.box_xyxy).all() and np.isfinite(track.velocity_xy).all()


def test_tracks_can_be_copied_and_are_not_changed():
    before = follow((), faces_at((100, 100, 60, 20)), 0.0)
    copy = pickle.loads(pickle.dumps(before))
    follow(before, faces_at((110, 100, 60, 50)), 0.1)
    assert (before[0].box_xyxy == copy[0].box_xyxy).all() and before[0].frames == 1
    assert (before[0].age_probabilities == copy[0].age_probabilities).all()
