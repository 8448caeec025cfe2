"""How long the model and a whole photo take on this machine, beside what other demos load."""

import argparse
import io
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessorPil, pipeline

from age_model.bench.client import PORTRAIT
from age_model.predictor import AgePredictor

PHOTO_WH = (1280, 960)
CROWD = 50  # people in the other photo: as many as an answer may hold
CROPS = 500
CROP_SIDE = 200  # pixels, as UTKFace's


def add_options(parser: argparse.ArgumentParser) -> None:
    """What `python -m age_model.bench model` takes."""
    parser.add_argument("--model", help="folder or Hub id in place of the embedded model")
    parser.add_argument("--repeats", type=int, default=50, help="default: %(default)s")


def run(options: argparse.Namespace) -> None:
    """Measure and print, everything in one process, one after the other."""
    if options.repeats < 3:
        raise ValueError(f"expected --repeats of at least 3, got {options.repeats}")
    predictor = AgePredictor.from_pretrained(options.model)
    photo, crop = _photo(), _crop()
    print(f"{predictor.model_name}, {torch.get_num_threads()} threads, {predictor.detector_name}")
    face = _median_ms(lambda: predictor.predict_crops([crop]), options.repeats)
    print(f"one face crop, alone:                {face:8.1f} ms")
    print(f"{CROPS} face crops, in batches:        {batch_rate(predictor):8.0f} faces/s")
    faces = predictor(photo)
    if len(faces) != 1:
        raise ValueError(f"expected one face in {PORTRAIT.name}, got {len(faces)}")
    ours = _median_ms(lambda: predictor(photo), options.repeats)
    print(f"photo of 1280x960, file to answer:   {ours:8.1f} ms")
    crowd = _crowd(photo, faces.box_xyxy[0])
    many = _median_ms(lambda: predictor(crowd), max(3, options.repeats // 10))
    print(f"such a photo with {len(predictor(crowd))} faces:         {many:8.1f} ms")
    other = _other_demo()
    theirs = _median_ms(lambda: other(Image.open(io.BytesIO(photo))), max(3, options.repeats // 5))
    print(
        f"the same through ViT-B/16 at 224 px: {theirs:8.1f} ms, {theirs / ours:.1f} times as long"
    )


def batch_rate(predictor: AgePredictor, crops: int = CROPS) -> float:
    """Faces a second of so many crops, cut out and decoded already."""
    crop = _crop()
    start = time.perf_counter()
    predictor.predict_crops([crop] * crops)
    return crops / (time.perf_counter() - start)


def _photo() -> bytes:
    """A JPEG of 1280x960 pixels with one face."""
    with Image.open(PORTRAIT) as opened:
        portrait = opened.convert("RGB")
        height = PHOTO_WH[1]
        portrait = portrait.resize((round(portrait.width * height / portrait.height), height))
        photo = Image.new("RGB", PHOTO_WH, "grey")
        photo.paste(portrait, ((PHOTO_WH[0] - portrait.width) // 2, 0))
    return _jpeg(photo)


def _crowd(photo: bytes, box_xyxy: np.ndarray) -> bytes:
    """A JPEG of 1280x960 pixels with CROWD copies of the one face in `photo`."""
    across, down = 10, CROWD // 10
    tile_wh = PHOTO_WH[0] // across, PHOTO_WH[1] // down
    left, top, right, bottom = box_xyxy
    # Twice the box, in the shape of a tile.
    scale = 2 * (right - left) / tile_wh[0]
    reach = np.array(tile_wh) / 2 * scale
    middle = np.array([left + right, top + bottom]) / 2
    with Image.open(io.BytesIO(photo)) as whole:
        tile = whole.crop((*(middle - reach), *(middle + reach))).resize(tile_wh)
    crowd = Image.new("RGB", PHOTO_WH)
    for i in range(CROWD):
        crowd.paste(tile, (i % across * tile_wh[0], i // across * tile_wh[1]))
    return _jpeg(crowd)


def _jpeg(picture: Image.Image) -> bytes:
    with io.BytesIO() as buffer:
        picture.save(buffer, "JPEG", quality=90)
        return buffer.getvalue()


def _crop() -> np.ndarray:
    """(200, 200, 3) uint8: how long it takes does not depend on what it shows."""
    with Image.open(PORTRAIT) as portrait:
        return np.asarray(portrait.convert("RGB").resize((CROP_SIDE, CROP_SIDE)))


def _other_demo() -> Callable[..., Any]:
    """What demos of age classifiers commonly load: a ViT-B/16, here with random weights."""
    return pipeline(
        "image-classification",
        model=ViTForImageClassification(ViTConfig()).eval(),
        image_processor=ViTImageProcessorPil(),
        device="cpu",
    )


def _median_ms(action: Callable[[], object], repeats: int) -> float:
    """Median milliseconds of `action`, after a warm-up."""
    taken = []
    for i in range(repeats + 3):
        start = time.perf_counter()
        action()
        if i >= 3:
            taken.append(1000 * (time.perf_counter() - start))
    return statistics.median(taken)
