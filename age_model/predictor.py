"""AgePredictor: from a picture to the ages of the faces in it."""

import functools
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from age_model.faces.crop import CROP_SIZE, crop_face
from age_model.faces.detector import Detector, load_detector
from age_model.faces.face_check import load_face_check
from age_model.faces.find import find_faces
from age_model.images.load import Source, load_image
from age_model.labels import AgeGroup
from age_model.network.answers import trained_attributes
from age_model.network.calibration import Calibration
from age_model.network.decode import decode, softmax
from age_model.network.deletion import Deletion, read_deletion
from age_model.network.explain import Explanation, explain
from age_model.network.loading import EMBEDDED, EMBEDDED_NAME, load_model
from age_model.network.modeling import AgeNetwork, AgeOutput, architecture, patch_side
from age_model.network.precision import choose_device, to_device
from age_model.network.preprocessing import read_preprocessing
from age_model.network.reports import read_results, read_robustness
from age_model.quality.warnings import Limit, face_warnings, measure_face, read_limits
from age_model.results import FaceAges, Faces

# Faces that go through the network together: with more, what is between its layers outgrows the
# processor's caches (`python -m age_model.bench model`).
BATCH_SIZE = 32
GPU_BATCH_SIZE = 256  # enough to keep one busy


@dataclass(frozen=True, eq=False)
class FoundFaces:
    """The N faces of a picture before their ages: what `AgePredictor.estimate` takes.

    Attributes:
        inputs: N of (S, S, 3) uint8, what the network is to see of each; S its input's side.
        box_xyxy, score, warnings, omitted, rejected: as those of `results.FaceAges`.
    """

    inputs: list[np.ndarray]
    box_xyxy: np.ndarray
    score: np.ndarray
    warnings: tuple[tuple[str, ...], ...] = ()
    omitted: int = 0
    rejected: int = 0


class AgePredictor:
    """Says how old the people in a picture look. Safe to call from several threads.

    Attributes:
        model_name: the checkpoint as it was asked for, or "age_model/checkpoint".
        detector_name: the face detector and its weights.
        limitation: what people should know of this detector, a sentence or two; None for nothing.
        architecture: the network's model type in transformers, such as "vit".
        preprocessing: how the network wants its input.
        patch_size: side of the squares that the network cuts its input into, pixels; of a network
            that cuts none, of those that `explain` blurs.
        calibration: what the checkpoint knows about its errors; applied to every answer.
        device: where the network runs; faces are found on the processor.
        batch_size: faces that go through the network together.
        attributes: those of `labels.ATTRIBUTES` that the network was taught and answers.
    """

    def __init__(
        self,
        model: AgeNetwork,
        detector: Detector,
        model_name: str,
        device: str | torch.device | None = "cpu",
    ):
        self.model_name = model_name
        self.detector_name = detector.name
        self.architecture = architecture(model.config)
        self.preprocessing = read_preprocessing(Path(model.name_or_path), model.config)
        self.patch_size = patch_side(model.config, self.image_size)
        self.attributes = trained_attributes(model.config)
        self.calibration = Calibration.from_config(model.config)
        self.limitation = detector.limitation
        self.device = choose_device(device)
        self.batch_size = BATCH_SIZE if self.device.type == "cpu" else GPU_BATCH_SIZE
        self._model = to_device(model, self.device)
        self._detector = detector
        self._face_check = load_face_check()

    @classmethod
    def from_pretrained(
        cls,
        model: str | os.PathLike[str] | None = None,
        detector: str | None = None,
        revision: str | None = None,
        device: str | torch.device | None = None,
    ) -> "AgePredictor":
        """Load the network and a face detector.

        Args:
            model: folder of a checkpoint or its name on the Hugging Face Hub, also as
                "NAME@REVISION". None: the environment variable AGE_MODEL_ID, else the checkpoint
                inside this package.
            detector: see `faces.detector.load_detector`.
            revision: branch, tag or commit on the Hub; None takes the main branch.
            device: "auto" (a GPU if there is one), "cuda", "cuda:1", "mps" or "cpu"; None: the
                environment variable AGE_DEVICE, else "auto".

        Raises:
            loading.UnreachableError: a name on the Hub, which does not answer.
            ValueError: no such checkpoint, detector or device, or a checkpoint that does not answer
                in ages.
        """
        chosen = model or os.environ.get("AGE_MODEL_ID")
        name = os.fspath(chosen or EMBEDDED)
        if revision is None and "@" in name and not os.path.isdir(name):
            name, revision = name.rsplit("@", 1)
        where = choose_device(device)  # before what takes longer
        network = load_model(name, revision)
        shown = EMBEDDED_NAME if name == os.fspath(EMBEDDED) else os.fspath(chosen or EMBEDDED)
        return cls(network, load_detector(detector), shown, where)

    @property
    def image_size(self) -> int:
        """Side of the network's input, pixels."""
        return self.preprocessing.size

    @property
    def age_groups(self) -> tuple[AgeGroup, ...]:
        """The age groups that it answers in, in rising order."""
        return self.calibration.groups

    @property
    def results(self) -> dict[str, Any]:
        """What was measured about the checkpoint; see `network.reports.read_results`."""
        return read_results(Path(self._model.name_or_path))

    @functools.cached_property
    def robustness(self) -> dict[str, Any] | None:
        """How bad photos change the errors; see `network.reports.read_robustness`."""
        return read_robustness(Path(self._model.name_or_path))

    @functools.cached_property
    def deletion(self) -> Deletion | None:
        """How well `explain` was measured to work; see `network.deletion.read_deletion`."""
        return read_deletion(Path(self._model.name_or_path))

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
        found = self.find(image)
        (ages,) = self.estimate([found])
        return ages, found.inputs

    def find(self, image: Source) -> FoundFaces:
        """The first half of a call: the faces, so that those of many pictures go on together.

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
        return self._found(faces, crops, warnings)

    def whole_crop(self, crop: Source) -> FoundFaces:
        """A face that is cropped and aligned already, as `find` would give it.

        Args:
            crop: as one of those for `predict_crops`.

        Raises:
            ImageError: the crop cannot be read.
        """
        image_rgb = load_image(crop)
        box = np.array([(0, 0, *image_rgb.shape[1::-1])], np.float32)
        # A copy also of one that has the right size: the caller may use its memory again.
        seen = np.array(self.preprocessing.resize(image_rgb))
        return FoundFaces([seen], box, np.full(1, np.nan, np.float32))

    def estimate(self, found: Sequence[FoundFaces]) -> list[FaceAges]:
        """The second half of a call, for several pictures: their ages, in batches of faces.

        Args:
            found: from `find` or `whole_crop`.

        Returns:
            one result a picture, in their order.
        """
        inputs = [one for picture in found for one in picture.inputs]
        boxes = np.concatenate([np.zeros((0, 4), np.float32), *(one.box_xyxy for one in found)])
        score = np.concatenate([np.zeros(0, np.float32), *(one.score for one in found)])
        starts = range(0, len(inputs), self.batch_size) or [0]
        ages = FaceAges.concatenate(
            self._predict(inputs[batch], boxes[batch], score[batch])
            for batch in (slice(start, start + self.batch_size) for start in starts)
        )
        results, end = [], 0
        for one in found:
            start, end = end, end + len(one.inputs)
            results.append(
                replace(
                    ages[start:end],
                    warnings=one.warnings,
                    omitted=one.omitted,
                    rejected=one.rejected,
                )
            )
        return results

    def predict_frame(self, image_rgb: np.ndarray) -> FaceAges:
        """Ages of the largest faces in one frame of a live picture, found by a quicker search.

        Args:
            image_rgb: (H, W, 3) uint8; `faces.detector.Detector.detect` says what `quick` omits.
        """
        (ages,) = self.estimate([self._found(*self._find(image_rgb, quick=True))])
        return ages

    def _find(self, image_rgb: np.ndarray, quick: bool = False) -> tuple[Faces, list[np.ndarray]]:
        """The faces of a picture, each with its (CROP_SIZE, CROP_SIZE, 3) uint8 crop.

        What the detector offers and the face check does not take for a face is only counted.
        """
        offered = find_faces(self._detector, image_rgb, quick)
        crops = [crop_face(image_rgb, offered, i, CROP_SIZE) for i in range(len(offered))]
        is_face = self._face_check.accepts(crops)
        faces = replace(offered[is_face], rejected=int((~is_face).sum()))
        return faces, [crop for crop, kept in zip(crops, is_face, strict=True) if kept]

    def _found(
        self, faces: Faces, crops: list[np.ndarray], warnings: tuple[tuple[str, ...], ...] = ()
    ) -> FoundFaces:
        return FoundFaces(
            inputs=[self.preprocessing.resize(crop) for crop in crops],
            box_xyxy=faces.box_xyxy,
            score=faces.score,
            warnings=warnings,
            omitted=faces.omitted,
            rejected=faces.rejected,
        )

    def predict_crops(self, crops: Sequence[Source], batch_size: int | None = None) -> FaceAges:
        """Ages of faces that are cropped and aligned already, one row a crop, in their order.

        Args:
            crops: pictures of one face each, framed as in UTKFace; see `images.load.load_image`.
            batch_size: crops in memory at once; None: `self.batch_size`.

        Returns:
            FaceAges whose boxes are the whole crops and whose scores are NaN.

        Raises:
            ImageError: a crop cannot be read.
        """
        results = []
        batch_size = batch_size or self.batch_size
        for start in range(0, len(crops), batch_size):
            results += self.estimate(list(map(self.whole_crop, crops[start : start + batch_size])))
        none = FaceAges.none_found(self.age_groups, self.attributes)
        return FaceAges.concatenate(results or [none])

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
        crop_rgb = self.preprocessing.resize(load_image(crop))
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
            return FaceAges.none_found(self.age_groups, self.attributes)
        pixels = self.preprocessing.normalize(np.stack(inputs), self.device)
        output = self._model(pixels.to(self._model.dtype))
        ages = decode(output.logits.float().cpu().numpy(), self.calibration)
        return FaceAges(
            box_xyxy=boxes,
            score=score,
            age_years=ages.years,
            interval_years=ages.interval_years,
            age_probabilities=ages.probabilities,
            group_probabilities=ages.group_probabilities,
            gender_probabilities=self._attribute("gender", output),
            ethnicity_probabilities=self._attribute("ethnicity", output),
            groups=self.age_groups,
        )

    def _attribute(self, name: str, output: AgeOutput) -> np.ndarray | None:
        """(B, C) float64 probabilities; None for what the network was not taught."""
        if name not in self.attributes:
            return None
        logits = output[f"{name}_logits"].float().cpu().numpy()
        return softmax(logits, getattr(self.calibration, f"{name}_temperature"))
