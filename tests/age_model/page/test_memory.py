"""Large pictures: how much memory they take, and that it is given back."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from age_model.images.load import MAX_WEBP_PIXELS
from tests.support.asking import ask, upload
from tests.support.processes import PeakMemory, memory_mb

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs Linux"),
]
SIZE_WH = (8165, 6123)  # 50 megapixels, all but a few
MOST_MB = 600  # over the idle app


@pytest.fixture(scope="module")
def pictures(tmp_path_factory, astronaut) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("large")
    rgb = Image.fromarray(astronaut).resize(SIZE_WH)
    grey = np.asarray(rgb.convert("L")).astype(np.uint16) * 257
    made = {
        "16bit.png": (Image.fromarray(grey), {"compress_level": 1}),
        "16bit.tif": (Image.fromarray(grey), {}),
        "transparent.png": (rgb.convert("RGBA"), {"compress_level": 1}),
        "photo.jpg": (rgb, {}),
        "cmyk.jpg": (rgb.convert("CMYK"), {}),
        "photo.webp": (rgb.resize((6528, 4896)), {"method": 0}),
        "photo.avif": (rgb, {"speed": 10}),
        # Of one colour, as HEIF's encoder takes minutes for anything else.
        "photo.heic": (Image.new("RGB", SIZE_WH, "tan"), {"enc_params": {"preset": "ultrafast"}}),
    }
    assert MAX_WEBP_PIXELS - 10**6 < 6528 * 4896 <= MAX_WEBP_PIXELS
    pillow_heif.register_heif_opener()
    for name, (picture, options) in made.items():
        picture.save(folder / name, **options)
    return {name: folder / name for name in made}


@pytest.fixture(scope="module")
def idle(server, tmp_path_factory, astronaut) -> float:
    """Memory of the app that has seen a photo, MB."""
    path = tmp_path_factory.mktemp("photo") / "photo.jpg"
    Image.fromarray(astronaut).save(path)
    for _ in range(3):
        assert '"age"' in ask(server, "predict", upload(server, path), False)
    return memory_mb(server.process.pid)


def test_any_one_picture_takes_so_much_and_gives_it_back(server, pictures, idle):
    for name, path in pictures.items():
        given = upload(server, path)
        with PeakMemory(server.process.pid) as peak:
            answer = ask(server, "predict", given, False)
        assert peak.mb - idle < MOST_MB, name
        width = 6528 if name == "photo.webp" else SIZE_WH[0]
        assert f'"width": {width}' in answer, (name, answer)
    time.sleep(5)
    assert memory_mb(server.process.pid) < 1.15 * idle


def test_several_at_once_do_not_add_up(server, pictures, idle):
    given = [upload(server, path) for name, path in pictures.items() if name != "photo.webp"]
    with PeakMemory(server.process.pid) as peak, ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(ask, server, "predict", one, False) for one in given[:4]]
        answers.append(pool.submit(ask, server, "predict_many", given))
        assert all(f'"width": {SIZE_WH[0]}' in answer.result() for answer in answers)
    assert peak.mb - idle < MOST_MB
    time.sleep(5)
    assert memory_mb(server.process.pid) < 1.15 * idle
