"""AgePredictor: from a picture to the ages of the faces in it."""

import functools
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from age_model.faces.crop import CROP_SIZE, crop_face
from age_model.faces.detector import Detector, load_detector
from age_model.faces.face_check import load_face_check
from age_model.images.load import Source, load_image
from age_model.network.calibration import Calibration
from age_model.network.decode import decode, softmax
from age_model.network.explain import Explanation, explain
from age_model.network.loading import EMBEDDED, EMBEDDED_NAME, load_model
from age_model.network.modeling import AgeViT
from age_model.network.precision import quick_dtype
from age_model.network.preprocessing import normalize, resize
from age_model.network.reports import read_results
from age_model.quality.warnings import Limit, face_warnings, measure_face, read_limits
from age_model.results import FaceAges, Faces

# Faces that go through the network together: with more, what is between its layers outgrows the
# processor's caches (`python -m age_model.bench model`).
BATCH_SIZE = 32


class AgePredictor:
    """Says how old the people in a picture look. Safe to call from several threads.

    Attributes:
        model_name: the checkpoint as it was asked for, or "age_model/checkpoint".
        detector_name: the face detector and its weights.
        limitation: what people should know of this detector, a sentence or two; None for nothing.
        image_size: side of the network's input, pixels.
        patch_size: side of the squares that the network cuts its input into, pixels.
        calibration: what the checkpoint knows about its errors; applied to every answer.
    """

    def __init__(self, model: AgeViT, detector: Detector, model_name: str):
        self.model_name = model_name
        self.detector_name = detector.name
        self.image_size = model.config.image_size
        self.patch_size = model.config.patch_size
        self.calibration = Calibration.from_config(model.config)
        self.limitation = detector.limitation
        self._model = model.to(quick_dtype())
        self._detector = detector
        self._face_check = load_face_check()

    @classmethod
    def from_pretrained(
        cls,
        model: str | os.PathLike[str] | None = None,
        detector: str | None = None,
        revision: str | None = None,
    ) -> "AgePredictor":
        """Load the network and a face detector.

        Args:
            model: folder of a checkpoint or its name on the Hugging Face Hub, also as
                "NAME@REVISION". None: the environment variable AGE_MODEL_ID, else the checkpoint
                inside this package.
            detector: see `faces.detector.load_detector`.
            revision: branch, tag or commit on the Hub; None takes the main branch.

        Raises:
            loading.UnreachableError: a name on the Hub, which does not answer.
            ValueError: no such checkpoint or detector, or a checkpoint that does not answer in
                ages.
        """
        chosen = model or os.environ.get("AGE_MODEL_ID")
        name = os.fspath(chosen or EMBEDDED)
        if revision is None and "@" in name and not os.path.isdir(name):
            name, revision = name.rsplit("@", 1)
        network = load_model(name, revision)
        shown = EMBEDDED_NAME if name == os.fspath(EMBEDDED) else os.fspath(chosen or EMBEDDED)
        return cls(network, load_detector(detector), shown)

    @property
    def results(self) -> dict[str, Any]:
        """What was measured about the checkpoint; see `network.reports.read_results`."""
        return read_results(Path(self._model.name_or_path))

    @functools.cached_property
    def limits(self) -> tuple[Limit, ...]:
        """From where on a photo is too bad to say nothing; see `quality.warnings.read_limits`."""
        return read_limits(Path(self._model.name_or_path), self._detector.kind)

    def __call__(self, image: Source) -> FaceAges:
        """Ages of all faces in a picture, largest first; empty where no face is found.

        Args:
            image: path, bytes, Pillow picture or RGB array; see `images.load.load_image`.

        Raises:
            ImageError: the picture cannot be read.
        """
        return self.examine(image)[0]

    def examine(self, image: Source) -> tuple[FaceAges, list[np.ndarray]]:
        """As a call, with what the network saw of each face: (S, S, 3) uint8, S its input's side.

        Args:
            image: as for a call.

        Raises:
            ImageError: the picture cannot be read.
        """
        image_rgb = load_image(image)
        faces, crops = self._find(image_rgb)
        warnings = tuple(
            face_warnings(measure_face(crop, faces, i, image_rgb.shape[1::-1]), self.limits)
            for i, crop in enumerate(crops)
        )
        ages = replace(self._ages(crops, faces), warnings=warnings)
        return ages, [resize(crop, self.image_size) for crop in crops]

    def predict_frame(self, image_rgb: np.ndarray) -> FaceAges:
        """Ages of the largest faces in one frame of a live picture, found by a quicker search.

        Args:
            image_rgb: (H, W, 3) uint8; `faces.detector.Detector.detect` says what `quick` omits.
        """
        faces, crops = self._find(image_rgb, quick=True)
        return self._ages(crops, faces)

    def _find(self, image_rgb: np.ndarray, quick: bool = False) -> tuple[Faces, list[np.ndarray]]:
        """The faces of a picture, each with its (CROP_SIZE, CROP_SIZE, 3) uint8 crop.

        What the detector offers and the face check does not take for a face is only counted.
        """
        offered = self._detector.detect(image_rgb, quick)
        crops = [crop_face(image_rgb, offered, i, CROP_SIZE) for i in range(len(offered))]
        is_face = self._face_check.accepts(crops)
        faces = replace(offered[is_face], rejected=int((~is_face).sum()))
        return faces, [crop for crop, kept in zip(crops, is_face, strict=True) if kept]

    def _ages(self, crops: list[np.ndarray], faces: Faces) -> FaceAges:
        inputs = [resize(crop, self.image_size) for crop in crops]
        ages = self._predict(inputs, faces.box_xyxy, faces.score)
        return replace(ages, omitted=faces.omitted, rejected=faces.rejected)

    def predict_crops(self, crops: Sequence[Source], batch_size: int = BATCH_SIZE) -> FaceAges:
        """Ages of faces that are cropped and aligned already, one row a crop, in their order.

        Args:
            crops: pictures of one face each, framed as in UTKFace; see `images.load.load_image`.
            batch_size: crops in memory at once.

        Returns:
            FaceAges whose boxes are the whole crops and whose scores are NaN.

        Raises:
            ImageError: a crop cannot be read.
        """
        results = []
        for start in range(0, len(crops), batch_size):
            inputs, boxes = [], []
            for crop in crops[start : start + batch_size]:
                image_rgb = load_image(crop)
                boxes.append((0, 0, *image_rgb.shape[1::-1]))
                inputs.append(resize(image_rgb, self.image_size))
            score = np.full(len(boxes), np.nan, np.float32)
            results.append(self._predict(inputs, np.array(boxes, np.float32), score))
        return FaceAges.concatenate(results)

    def explain(self, image: Source, face: int = 0) -> Explanation:
        """What moved the estimate of one face of a picture.

        Args:
            image: as for a call.
            face: which one, 0 being the first that a call answers with.

        Raises:
            ImageError: the picture cannot be read.
            ValueError: there is no such face in it.
        """
        image_rgb = load_image(image)
        faces, crops = self._find(image_rgb)
        if face not in range(len(faces)):
            raise ValueError(
                f"expected a face from 0 to below {len(faces)}, got {face}: choose another"
            )
        to_crop = faces.to_crop[face]
        return self.explain_crop(
            crops[face], faces.landmarks_xy[face] @ to_crop[:, :2].T + to_crop[:, 2]
        )

    def explain_crop(self, crop: Source, landmarks_xy: np.ndarray | None = None) -> Explanation:
        """What moved the estimate of a face that is cropped and aligned already.

        Args:
            crop: as one of those for `predict_crops`.
            landmarks_xy: see `network.explain.explain`.

        Raises:
            ImageError: the crop cannot be read.
        """
        crop_rgb = resize(load_image(crop), self.image_size)
        return explain(
            lambda crops: self.predict_crops(crops).age_years,
            crop_rgb,
            self.patch_size,
            landmarks_xy,
        )

    @torch.inference_mode()
    def _predict(self, inputs: list[np.ndarray], boxes: np.ndarray, score: np.ndarray) -> FaceAges:
        """The answer for (image_size, image_size, 3) uint8 inputs."""
        if not inputs:
            return FaceAges.empty()
        output = self._model(normalize(np.stack(inputs)).to(self._model.dtype))
        ages = decode(output.logits.float().numpy(), self.calibration)
        return FaceAges(
            box_xyxy=boxes,
            score=score,
            age_years=ages.years,
            interval_years=ages.interval_years,
            age_probabilities=ages.probabilities,
            group_probabilities=ages.group_probabilities,
            gender_probabilities=softmax(
                output.gender_logits.float().numpy(), self.calibration.gender_temperature
            ),
            ethnicity_probabilities=softmax(
                output.ethnicity_logits.float().numpy(), self.calibration.ethnicity_temperature
            ),
        )
