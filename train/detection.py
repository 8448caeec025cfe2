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

import datasets
import numpy as np
from tqdm import tqdm

from age_model.faces.crop import crop_face
from age_model.faces.detector import Detector, available_detectors
from age_model.faces.face_check import FaceCheck, load_face_check
from age_model.faces.find import find_faces
from age_model.faces.landmark_detector import LandmarkDetector
from age_model.images.load import load_image
from age_model.labels import ETHNICITIES
from train.console.command import run_command
from train.console.output import shown_name
from train.end_to_end import index_of
from train.evaluation.predict import encoded
from train.evaluation.results_file import rounded
from train.stress.corruptions import blurred, darkened, jpeg, occluded
from train.stress.measurement import MeasureArguments, drawn_pictures
from train.stress.pose import head_yaw
from train.stress.synthetic_photos import pasted_photo
from train.stress.wearing import in_sunglasses, masked, under_a_hat

CROP_SIZE = 200  # pixels, of the crop that the face check sees
CANVAS_WH = (480, 360)  # pixels, of the larger picture; no detector makes it smaller
ORDINARY = (90, 180)  # pixels, of the pasted picture
START, END = "<!-- detection:start -->", "<!-- detection:end -->"  # around the table in a page
Picture = np.ndarray


@dataclass(frozen=True)
class Condition:
    """How a face is pasted, and which faces are.

    Attributes:
        name: for readers.
        worsen: from the aligned picture to the one that is pasted.
        sides: of the pasted picture, pixels.
        degrees: it is turned in its plane by up to so many.
        ethnicity: as it is labelled in the data; None for all faces.
        yaw: of the head in the aligned picture, degrees from and below; None for all faces.
    """

    name: str
    worsen: Callable[[Picture], Picture] = lambda picture: picture
    sides: tuple[int, int] = ORDINARY
    degrees: float = 0.0
    ethnicity: str | None = None
    yaw: tuple[float, float] | None = None


def _dim(picture: Picture) -> Picture:
    """With a sixth of the light, and the noise that a camera has there."""
    noise = np.random.default_rng(0).normal(0, 4, picture.shape)
    return np.clip(darkened(picture, 1 / 6) + noise, 0, 255).astype(np.uint8)


CONDITIONS = (
    Condition("ordinary"),
    Condition("40 pixels wide", sides=(40, 40)),
    Condition("30 pixels wide", sides=(30, 30)),
    Condition("20 pixels wide", sides=(20, 20)),
    Condition("tilted by up to 20 degrees", degrees=20),
    Condition("tilted by up to 45 degrees", degrees=45),
    Condition("turned to the side by 20 to 30 degrees", yaw=(20, 30)),
    Condition("turned to the side by 30 to 45 degrees", yaw=(30, 45)),
    Condition("turned to the side by 45 degrees or more", yaw=(45, 90)),
    Condition("in sunglasses", in_sunglasses),
    Condition("behind a mask", masked),
    Condition("under a hat", under_a_hat),
    Condition("one half covered", lambda p: occluded(p, (0.0, 0.0, 0.5, 1.0))),
    Condition("in dim light", _dim),
    Condition("labelled Black", ethnicity="Black"),
    Condition("labelled Black, in dim light", _dim, ethnicity="Black"),
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
        default=150,
        metadata={"help": "Pictures of a condition at most, drawn by the seed."},
    )
    max_searched: int = field(
        default=1000,
        metadata={"help": "Pictures to look among for those of a condition."},
    )
    docs: str | None = field(
        default=None, metadata={"help": "Page to write the table into, such as docs/detectors.md."}
    )
    seed: int = field(default=0, metadata={"help": "Seed of all that is drawn at random."})

    def command(self) -> str:
        """The command line that gives the same numbers, without this machine's folders."""
        return (
            f"python -m train.detection --data {shown_name(self.data)} --out "
            f"{shown_name(self.out)} --split {self.split} --max_pictures {self.max_pictures} "
            f"--max_searched {self.max_searched} --seed {self.seed}"
        )

    def of_utkface(self) -> MeasureArguments:
        """The pictures to draw from, in the form that other measurements have it."""
        return MeasureArguments(
            "", self.data, self.out, split=self.split, seed=self.seed, source="utkface",
            max_pictures=self.max_searched,
        )  # fmt: skip


@dataclass(frozen=True)
class Pool:
    """Aligned pictures with what conditions choose among them by.

    Attributes:
        table: N rows of a split, in an order drawn at random.
        ethnicity: (N,) indices of `labels.ETHNICITIES`.
        yaw: (N,) degrees to either side; NaN where it is not known.
    """

    table: datasets.Dataset
    ethnicity: np.ndarray
    yaw: np.ndarray

    def faces(self, condition: Condition, count: int) -> list[Picture]:
        """Up to `count` of the pictures that a condition is about."""
        fits = np.ones(len(self.table), bool)
        if condition.ethnicity:
            fits &= self.ethnicity == ETHNICITIES.index(condition.ethnicity)
        if condition.yaw:
            fits &= (self.yaw >= condition.yaw[0]) & (self.yaw < condition.yaw[1])
        return [
            load_image(encoded(self.table[int(i)]["image"])) for i in np.flatnonzero(fits)[:count]
        ]


def pool_of(table: datasets.Dataset, detectors: list[Detector], seed: int) -> Pool:
    """The pool of a table; the yaw as the last of the detectors with landmarks sees it."""
    table = table.select(np.random.default_rng(seed).permutation(len(table)))
    yaw = np.full(len(table), np.nan)
    with_landmarks = [d for d in detectors if isinstance(d, LandmarkDetector)]
    if with_landmarks:
        for i, image in enumerate(tqdm(table["image"], desc="yaw")):
            yaw[i] = head_yaw(with_landmarks[-1], load_image(encoded(image)))
    return Pool(table, np.asarray(table["ethnicity"][:]), yaw)


def found_and_kept(
    detectors: list[Detector], check: FaceCheck, faces: list[Picture], condition: Condition,
    seed: int,
) -> dict[str, dict]:  # fmt: skip
    """How many of the faces each detector finds, and how many of those the face check accepts.

    Returns:
        by the detector's kind: n, found, kept, and how many regions beside the faces it took for
        faces (other_faces) and the check accepted (other_kept).
    """
    counted = {
        d.kind: dict.fromkeys(("n", "found", "kept", "other_faces", "other_kept"), 0)
        for d in detectors
    }
    for i, face_rgb in enumerate(faces):
        rng = np.random.default_rng([seed, i])
        photo_rgb, square_xyxy = pasted_photo(
            condition.worsen(face_rgb), rng, condition.degrees, condition.sides, CANVAS_WH
        )
        for detector in detectors:
            offered = find_faces(detector, photo_rgb)
            index = index_of(offered, square_xyxy)
            crops = [crop_face(photo_rgb, offered, j, CROP_SIZE) for j in range(len(offered))]
            accepted = check.accepts(crops)
            found, kept = index is not None, index is not None and bool(accepted[index])
            numbers = counted[detector.kind]
            numbers["n"] += 1
            numbers["found"] += found
            numbers["kept"] += kept
            numbers["other_faces"] += len(offered) - found
            numbers["other_kept"] += int(accepted.sum()) - kept
    return counted


def detection(arguments: DetectionArguments) -> dict:
    """Measure and write everything; returns the content of detection.json.

    Raises:
        ValueError: no such data, or the page has no place for the table.
    """
    if arguments.docs:
        _with_table(Path(arguments.docs).read_text(encoding="utf-8"), "")  # fails before the work
    table, of = drawn_pictures(arguments.of_utkface())
    detectors = available_detectors()
    check = load_face_check()
    pool = pool_of(table, detectors, arguments.seed)
    content: dict = {
        "command": arguments.command(),
        "data": {"searched": len(table), "drawn_from": of},
        "face_check_threshold": check.threshold,
        "detectors": {detector.kind: detector.name for detector in detectors},
        "conditions": {},
    }
    for condition in tqdm(CONDITIONS, desc="conditions"):
        faces = pool.faces(condition, arguments.max_pictures)
        content["conditions"][condition.name] = found_and_kept(
            detectors, check, faces, condition, arguments.seed
        )
    content = rounded(content)
    text = json.dumps(content, indent=2)
    Path(arguments.out).write_text(text + "\n", encoding="utf-8")
    if arguments.docs:
        page = Path(arguments.docs)
        page.write_text(_with_table(page.read_text("utf-8"), markdown(content)), encoding="utf-8")
    return content


def markdown(content: dict) -> str:
    """A table of detection.json: the share found, and with the face check; a column a detector."""
    kinds = list(content["detectors"])
    lines = ["| faces | n | " + " | ".join(kinds) + " |", "|---" * (len(kinds) + 2) + "|"]
    totals = dict.fromkeys(kinds, (0, 0))
    for name, row in content["conditions"].items():
        n = max(row[kinds[0]]["n"], 1)
        cells = [f"{row[k]['found'] / n:.0%}, {row[k]['kept'] / n:.0%}" for k in kinds]
        lines.append(f"| {name} | {row[kinds[0]]['n']} | " + " | ".join(cells) + " |")
        for kind in kinds:
            others, kept = totals[kind]
            totals[kind] = others + row[kind]["other_faces"], kept + row[kind]["other_kept"]
    photos = sum(row[kinds[0]]["n"] for row in content["conditions"].values())
    cells = [f"{others}, {kept}" for others, kept in totals.values()]
    lines.append(f"| false faces, in all pictures | {photos} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _with_table(page: str, table: str) -> str:
    """The page with the table between START and END in place of what is there."""
    before, start, rest = page.partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise ValueError(f"expected the lines {START} and {END} in the page: add them")
    return f"{before}{START}\n{table}\n{END}{after}"


def _run(arguments: DetectionArguments) -> None:
    print(markdown(detection(arguments)))


def main(argv: list[str] | None = None) -> None:
    """Command line of `python -m train.detection`."""
    run_command("train.detection", DetectionArguments, _run, argv)


if __name__ == "__main__":
    main()
