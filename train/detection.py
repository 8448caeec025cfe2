"""`python -m train.detection`: how many faces each detector finds, by condition.

Each UTKFace picture of a split is made worse (small, dark, partly covered, turned), pasted into a
larger one and searched for -> detection.json, and a Markdown table on standard output. A face
counts as found where a box's middle is near the pasted picture's, and as kept where the face check
accepts its crop.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from age_model.faces.crop import crop_face
from age_model.faces.detector import Detector, available_detectors
from age_model.faces.face_check import FaceCheck, load_face_check
from age_model.images.load import load_image
from age_model.labels import ETHNICITIES
from train.console.command import run_command
from train.console.output import shown_name
from train.end_to_end import index_of
from train.evaluation.predict import encoded
from train.evaluation.results_file import rounded
from train.stress.corruptions import blurred, darkened, jpeg, occluded
from train.stress.measurement import MeasureArguments, drawn_pictures
from train.stress.synthetic_photos import pasted_photo

CROP_SIZE = 200  # pixels, of the crop that the face check sees
ORDINARY = (100, 200)  # pixels, of the pasted picture
Picture = np.ndarray


@dataclass(frozen=True)
class Condition:
    """How a face is pasted.

    Attributes:
        name: for readers.
        worsen: from the aligned picture to the one that is pasted.
        sides: of the pasted picture, pixels.
        degrees: it is turned in its plane by up to so many.
        only: perceived ethnicity of the faces that are measured; None for all.
    """

    name: str
    worsen: Callable[[Picture], Picture] = lambda picture: picture
    sides: tuple[int, int] = ORDINARY
    degrees: float = 0.0
    only: str | None = None


def _noisy_dark(picture: Picture, factor: float) -> Picture:
    """In dim light, with the noise that a camera has there."""
    noise = np.random.default_rng(0).normal(0, 4, picture.shape)
    return np.clip(darkened(picture, factor) + noise, 0, 255).astype(np.uint8)


CONDITIONS = (
    Condition("ordinary"),
    Condition("60 pixels", sides=(60, 60)),
    Condition("40 pixels", sides=(40, 40)),
    Condition("30 pixels", sides=(30, 30)),
    Condition("20 pixels", sides=(20, 20)),
    Condition("turned by up to 20 degrees", degrees=20),
    Condition("turned by up to 45 degrees", degrees=45),
    Condition("mask: lower part covered", lambda p: occluded(p, (0.15, 0.55, 0.85, 0.95))),
    Condition("dark glasses: eyes covered", lambda p: occluded(p, (0.12, 0.22, 0.88, 0.36))),
    Condition("hat: forehead covered", lambda p: occluded(p, (0.0, 0.0, 1.0, 0.22))),
    Condition("one half covered", lambda p: occluded(p, (0.0, 0.0, 0.5, 1.0))),
    Condition("dim light (a quarter)", lambda p: _noisy_dark(p, 0.25)),
    Condition("dim light, perceived Black", lambda p: _noisy_dark(p, 0.25), only="Black"),
    Condition("blurred (sigma 4 of 200)", lambda p: blurred(p, 4)),
    Condition("JPEG, quality 10", lambda p: jpeg(p, 10)),
)


@dataclass
class DetectionArguments:
    """What to measure, on how many pictures, and where to write it."""

    data: str = field(metadata={"help": "Data set that train.prepare wrote."})
    out: str = field(metadata={"help": "File to write, such as detection.json."})
    split: str = field(default="test", metadata={"help": "Split of the data set to measure."})
    max_pictures: int = field(
        default=60, metadata={"help": "Measure so many of the split's pictures, drawn by the seed."}
    )
    seed: int = field(default=0, metadata={"help": "Seed of all that is drawn at random."})

    def command(self) -> str:
        """The command line that gives the same numbers, without this machine's folders."""
        return (
            f"python -m train.detection --data {shown_name(self.data)} --out "
            f"{shown_name(self.out)} --split {self.split} --max_pictures {self.max_pictures} "
            f"--seed {self.seed}"
        )

    def of_utkface(self) -> MeasureArguments:
        """The pictures to draw, in the form that other measurements have it."""
        return MeasureArguments(
            "", self.data, self.out, split=self.split, seed=self.seed, source="utkface",
            max_pictures=self.max_pictures,
        )  # fmt: skip


def found_and_kept(
    detector: Detector, check: FaceCheck, faces: list[Picture], condition: Condition, seed: int
) -> dict:
    """How many of the faces a detector finds, and how many of those the face check accepts."""
    crops, others = [], 0
    for i, face_rgb in enumerate(faces):
        rng = np.random.default_rng([seed, i])
        photo_rgb, square_xyxy = pasted_photo(
            condition.worsen(face_rgb), rng, condition.degrees, condition.sides, (640, 480)
        )
        offered = detector.detect(photo_rgb)
        index = index_of(offered, square_xyxy)
        others += len(offered) - (index is not None)
        if index is not None:
            crops.append(crop_face(photo_rgb, offered, index, CROP_SIZE))
    kept = int(check.accepts(crops).sum())
    return {"n": len(faces), "found": len(crops), "kept": kept, "other_faces": others}


def detection(arguments: DetectionArguments) -> dict:
    """Measure and write everything; returns the content of detection.json."""
    table, of = drawn_pictures(arguments.of_utkface())
    pictures = [load_image(encoded(row["image"])) for row in table]
    ethnicity = np.asarray(table["ethnicity"][:])
    check = load_face_check()
    content: dict = {
        "command": arguments.command(),
        "data": {"n": len(pictures), "drawn_from": of},
        "face_check_threshold": check.threshold,
        "conditions": {},
    }
    detectors = available_detectors()
    content["detectors"] = {detector.kind: detector.name for detector in detectors}
    for condition in tqdm(CONDITIONS, desc="conditions"):
        here = np.ones(len(pictures), bool)
        if condition.only:
            here = ethnicity == ETHNICITIES.index(condition.only)
        faces = [picture for picture, taken in zip(pictures, here, strict=True) if taken]
        content["conditions"][condition.name] = {
            detector.kind: found_and_kept(detector, check, faces, condition, arguments.seed)
            for detector in detectors
        }
    text = json.dumps(rounded(content), indent=2)
    Path(arguments.out).write_text(text + "\n", encoding="utf-8")
    return content


def markdown(content: dict) -> str:
    """A table of detection.json: the share found, and with the face check; a column a detector."""
    kinds = list(content["detectors"])
    lines = ["| faces | n | " + " | ".join(kinds) + " |", "|---" * (len(kinds) + 2) + "|"]
    for name, row in content["conditions"].items():
        cells = [
            f"{r['found'] / max(r['n'], 1):.0%}, {r['kept'] / max(r['n'], 1):.0%}"
            for r in row.values()
        ]
        lines.append(f"| {name} | {row[kinds[0]]['n']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _run(arguments: DetectionArguments) -> None:
    print(markdown(detection(arguments)))


def main(argv: list[str] | None = None) -> None:
    """Command line of `python -m train.detection`."""
    run_command("train.detection", DetectionArguments, _run, argv)


if __name__ == "__main__":
    main()
