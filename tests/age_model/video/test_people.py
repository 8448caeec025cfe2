"""People in clips: who is followed, which age, when, and how it is written."""

import csv
import io
import re

import numpy as np
import pytest

from age_model.faces.tracking import LOST_SECONDS, SETTLED_FRAMES
from age_model.video.clip import FRAMES_A_SECOND, Frame, open_clip
from age_model.video.people import CROP_SIZE, CSV_FIELDS, People, write_people
from tests.support.clips import FPS, scene, write_clip
from tests.support.people import IMAGE, Told, followed


def in_clip(predictor, path) -> tuple[list, int]:
    people = People(predictor)
    with open_clip(path) as clip:
        for frame in clip.frames():
            people.see(frame)
    return people.found()


def test_two_people_in_a_clip_are_followed_with_still_ages(predictor, astronaut, tmp_path):
    """The real detector and network, on a face that moves and one that does not."""
    face = astronaut[:300, 80:380]
    frames = [scene(face, (5 + 2 * i, 10, 130), (180, 90, 135)) for i in range(3 * FPS)]
    people, _ = in_clip(predictor, write_clip(tmp_path / "a.mp4", frames))
    assert [person.number for person in people] == [1, 2]
    for person in people:
        years = [moment.age_years for moment in person.moments]
        assert person.frames >= 8 and np.ptp(years) < 3
        assert person.first <= 0.5 and person.last >= 2.5
        assert person.interval_years[0] <= person.age_years <= person.interval_years[1]
        assert person.crop_rgb.shape == (CROP_SIZE, CROP_SIZE, 3) and person.crop_rgb.std() > 10
    assert not np.array_equal(people[0].crop_rgb, people[1].crop_rgb)


def test_clip_without_faces_has_no_people(predictor, tmp_path):
    assert in_clip(predictor, write_clip(tmp_path / "a.mp4", [IMAGE] * FPS)) == ([], 0)


def test_still_face_has_a_calm_line():
    noise = np.random.default_rng(3).normal(0, 3, 60)
    (person,), _ = followed([[(100, 100, 60, 34 + n)] for n in noise])
    years = np.array([moment.age_years for moment in person.moments])
    assert np.ptp(years[10:]) < np.ptp(noise) / 4
    assert person.age_years == pytest.approx(34 + noise.mean(), abs=0.5)
    assert len(years) == 60 - SETTLED_FRAMES + 1 and person.frames == 60


def test_number_is_of_all_frames_and_not_of_the_last_ones():
    """25 seconds as a child and 5 as an old man: what is said is not what was seen last."""
    (person,), _ = followed([[(100, 100, 60, 20 if i < 100 else 70)] for i in range(120)])
    assert person.age_years == pytest.approx(20, abs=3)
    assert person.moments[-1].age_years > 40, "the line follows"


def test_range_is_no_narrower_for_more_frames():
    def width(frames: int) -> float:
        (person,), _ = followed([[(100, 100, 60, 40)]] * frames)
        return np.diff(person.interval_years)[0]

    assert width(100) == pytest.approx(width(SETTLED_FRAMES), rel=0.01)


def test_line_has_a_gap_where_the_face_was_not_seen():
    face = [(100, 100, 60, 40)]
    (person,), omitted = followed([face] * 6 + [[]] * 3 + [face] * 4)
    assert [len(stretch) for stretch in person.stretches] == [4, 4] and omitted == 0
    assert person.stretches[1][0].second == 9 / FRAMES_A_SECOND


def test_who_comes_back_late_is_another_person():
    face, away = [(100, 100, 60, 40)], int(LOST_SECONDS * FRAMES_A_SECOND) + 1
    people, _ = followed([face] * 5 + [[]] * away + [[(100, 100, 60, 70)]] * 5)
    assert [round(person.age_years) for person in people] == [40, 70]
    assert people[0].last < people[1].first


def test_faces_seen_for_a_moment_are_omitted_and_counted():
    here, there = (60, 100, 60, 40), (220, 100, 60, 20)
    frames = [[here, there]] * (SETTLED_FRAMES - 1) + [[here]] * 9
    people, omitted = followed(frames)
    assert [round(person.age_years) for person in people] == [40] and omitted == 1


def test_crop_is_of_the_largest_picture():
    sides = [40, 60, 100, 60, 40, 40]
    image_of = {side: np.full((240, 320, 3), side, np.uint8) for side in sides}
    people = People(Told([[(100, 100, side, 40)] for side in sides]))
    for index, side in enumerate(sides):
        people.see(Frame(index / FRAMES_A_SECOND, image_of[side]))
    (person,), _ = people.found()
    alone = People(Told([[(100, 100, 100, 40)]] * 3))
    for index in range(3):
        alone.see(Frame(index / FRAMES_A_SECOND, image_of[100]))
    assert np.array_equal(person.crop_rgb, alone.found()[0][0].crop_rgb)


def test_table_has_a_row_a_point_and_no_formulas():
    people, _ = followed([[(60, 100, 60, 40), (220, 100, 60, 0)]] * 5)
    stream = io.StringIO()
    write_people(people, stream)
    rows = list(csv.DictReader(io.StringIO(stream.getvalue())))
    assert tuple(rows[0]) == CSV_FIELDS
    assert [(row["person"], row["second"]) for row in rows] == [
        (n, f"{i / FRAMES_A_SECOND:.2f}") for n in "12" for i in range(SETTLED_FRAMES - 1, 5)
    ]
    assert rows[0]["age"] == "40.0"
    for row in rows:
        assert float(row["age_low"]) <= float(row["age"]) <= float(row["age_high"])
        assert re.fullmatch(r"[0-9.]+", "".join(row.values()))
