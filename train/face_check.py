"""`python -m train.face_check`: train the network that says whether a detector's crop shows a face.

Faces: aligned pictures of the prepared data, moved and degraded. No faces: parts of photos away
from their faces, pictures without any, what detectors take for faces there at low thresholds, faces
scrambled or seen too near, and crops made from nothing -> face_check.safetensors with the
threshold, face_check.json with the ROC of each detector on crops that were not trained on.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch
from safetensors.torch import save_file
from scipy.stats import mannwhitneyu
from torch.nn import functional as F
from tqdm import tqdm

from age_model.faces.crop import crop_face
from age_model.faces.detector import Detector, available_detectors
from age_model.faces.face_check import (
    SIDE,
    THRESHOLD,
    WEIGHTS,
    FaceCheck,
    FaceCheckNetwork,
)
from age_model.images.files import picture_files
from age_model.images.load import load_image
from train.console.command import run_command
from train.data.prepared import load_prepared
from train.data.sources.all_age_faces import read_all_age_faces
from train.data.sources.picture import Report
from train.evaluation.predict import encoded
from train.evaluation.results_file import rounded
from train.stress import face_check_crops
from train.stress.synthetic_photos import pasted_photo

# The threshold: what is rather no face than one, unless this loses more of the true faces than
# FACES_LOST. A higher one would lose faces behind masks, and hands before them.
EVEN, FACES_LOST = 0.5, 0.005
SURE = 0.45  # of a detector with landmarks: what scores less, with no face beside it, is none
LOOSE = {"SCORE_THRESHOLD": 0.2, "MIN_NEIGHBORS": 1}  # attributes of detectors that offer more
SPLITS = ("train", "validation", "test")
PHOTOS_OF_FOUR = {"train": (0, 1), "validation": (2,), "test": (3,)}  # by their number modulo 4
AWAY, MADE, VIEWS, LEARNING_RATE = 6, 6000, 8, 2e-3


@dataclass
class FaceCheckArguments:
    """What to train on, how long, and where to write it."""

    data: str = field(metadata={"help": "Data set that train.prepare wrote: aligned faces."})
    photos: str = field(metadata={"help": "All-Age-Faces, folder or .parquet: whole photos."})
    faceless: str = field(metadata={"help": "Folder of pictures that show no face."})
    out: str = field(default=str(WEIGHTS), metadata={"help": "File of weights to write."})
    max_faces: int = field(default=12000, metadata={"help": "Aligned faces to train on."})
    max_photos: int = field(default=600, metadata={"help": "Photos to take crops from."})
    measured_faces: int = field(default=250, metadata={"help": "Faces to measure on, a split."})
    steps: int = field(default=1200, metadata={"help": "Steps of training."})
    batch_size: int = field(default=256, metadata={"help": "Crops in a step, half of them faces."})
    seed: int = field(default=0, metadata={"help": "Seed of all that is drawn at random."})


@dataclass(frozen=True)
class Crops:
    """Crops without a face, by where they come from; (S, S, 3) uint8 each.

    Attributes:
        ordinary: parts of photos, made ones, scrambled faces.
        alarms: what detectors took for faces, by the detector's kind.
    """

    ordinary: list[np.ndarray]
    alarms: dict[str, list[np.ndarray]]


def loosened(detectors: list[Detector]) -> list[Detector]:
    """The detectors, changed to offer what they are unsure of too."""
    for detector in detectors:
        for name, value in LOOSE.items():
            if hasattr(detector, name):
                setattr(detector, name, value)
    return detectors


def aligned_faces(table: datasets.Dataset, count: int, rng: np.random.Generator) -> list:
    """Up to `count` of the aligned pictures, (H, W, 3) uint8 each, drawn at random."""
    rows = np.sort(rng.permutation(len(table))[:count])
    return [load_image(encoded(table[int(i)]["image"])) for i in rows]


def crops_without_faces(
    arguments: FaceCheckArguments, split: str, faces: list, rng: np.random.Generator
) -> Crops:
    """What is no face: from photos, from pictures without any, from faces, and made."""
    detectors = loosened(available_detectors())
    sure: Any
    (sure,) = [d for d in available_detectors() if d.kind == "libfacedetection"]
    sure.SCORE_THRESHOLD = SURE
    crops = Crops([], {detector.kind: [] for detector in detectors})
    for photo_rgb in tqdm(_photos(arguments, split), desc=f"{split} photos"):
        found = sure.detect(photo_rgb)
        crops.ordinary.extend(face_check_crops.away_from(found, photo_rgb, rng, AWAY))
        _add_alarms(crops, detectors, photo_rgb, found)
    for picture_rgb in tqdm(_faceless(arguments, split), desc=f"{split} without faces"):
        for _ in range(VIEWS):
            view = _view(picture_rgb, rng)
            none = sure.detect(view)[:0]
            crops.ordinary.extend(face_check_crops.away_from(none, view, rng, AWAY))
            _add_alarms(crops, detectors, view, none)
    share = 1 if split == "train" else 0.2
    crops.ordinary.extend(face_check_crops.made(rng) for _ in range(int(share * MADE)))
    for _ in tqdm(range(int(share * MADE / 20)), desc=f"{split} made"):
        rows = [np.hstack([face_check_crops.made(rng) for _ in range(4)]) for _ in range(4)]
        mosaic = np.vstack(rows)
        _add_alarms(crops, detectors, mosaic, sure.detect(mosaic)[:0])
    for make in (face_check_crops.scrambled, face_check_crops.part):
        drawn = rng.integers(0, len(faces), int(share * MADE / 2))
        crops.ordinary.extend(make(faces[i], rng) for i in drawn)
    return crops


def _add_alarms(crops: Crops, detectors: list, picture_rgb: np.ndarray, faces) -> None:
    for kind, crop in face_check_crops.false_alarms(detectors, picture_rgb, faces):
        crops.alarms[kind].append(crop)


def _photos(arguments: FaceCheckArguments, split: str) -> list[np.ndarray]:
    count = round(arguments.max_photos * (1 if split == "train" else 0.3))
    found = []
    for i, picture in enumerate(read_all_age_faces([Path(arguments.photos)], Report())):
        if (i // 8) % 4 in PHOTOS_OF_FOUR[split] and i % 8 == 0:
            found.append(load_image(picture.image["bytes"]))
        if len(found) == count:
            break
    return found


def _faceless(arguments: FaceCheckArguments, split: str) -> list[np.ndarray]:
    paths = sorted(path for path, _ in picture_files([arguments.faceless]))
    return [load_image(path) for i, path in enumerate(paths) if i % 4 in PHOTOS_OF_FOUR[split]]


def _view(picture_rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A part of a picture, of 160 to 480 pixels or all there is."""
    height, width = picture_rgb.shape[:2]
    side = int(min(height, width, np.exp(rng.uniform(np.log(160), np.log(480)))))
    top, left = (int(rng.integers(0, n - side + 1)) for n in (height, width))
    return np.ascontiguousarray(picture_rgb[top : top + side, left : left + side])


def trained(
    faces: np.ndarray, others: np.ndarray, weights: np.ndarray, arguments: FaceCheckArguments
) -> FaceCheckNetwork:
    """The network after training.

    Args:
        faces, others: (N, S, S, 3) and (M, S, S, 3) uint8 crops.
        weights: (M,) how often each of the others is drawn.
    """
    torch.manual_seed(arguments.seed)
    rng = np.random.default_rng(arguments.seed)
    network = FaceCheckNetwork().train()
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, arguments.steps, pct_start=0.1
    )
    half = arguments.batch_size // 2
    labels = torch.cat([torch.ones(half), torch.zeros(half)])
    shares = weights / weights.sum()
    for _ in tqdm(range(arguments.steps), desc="training"):
        drawn = faces[rng.integers(0, len(faces), half)]
        against = others[rng.choice(len(others), half, p=shares)]
        logits = network(_augmented(np.concatenate([drawn, against]), rng))
        loss = F.binary_cross_entropy_with_logits(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return network.eval()


def _augmented(crops: np.ndarray, rng: np.random.Generator) -> torch.Tensor:
    """(N, 3, SIDE, SIDE) in 0..1: the batch flipped at random, in another light each."""
    pictures = torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255
    pictures = F.interpolate(pictures, size=SIDE, mode="area")
    flip = torch.from_numpy(rng.random(len(crops)) < 0.5)
    pictures[flip] = pictures[flip].flip(-1)
    light = torch.from_numpy(rng.uniform(0.6, 1.4, (len(crops), 3, 1, 1))).float()
    light = 0.3 * light + 0.7 * light.mean(dim=1, keepdim=True)
    shift = torch.from_numpy(rng.uniform(-0.15, 0.15, (len(crops), 1, 1, 1))).float()
    return (pictures * light + shift).clamp(0, 1)


def detected_faces(detector: Detector, faces: list, degrees: float, seed: int) -> list[np.ndarray]:
    """The crops of a detector of aligned faces that were pasted into larger pictures."""
    crops = []
    for i, face_rgb in enumerate(faces):
        rng = np.random.default_rng([seed, i])
        photo_rgb, square = pasted_photo(face_rgb, rng, degrees)
        found = detector.detect(photo_rgb)
        middle = found.box_xyxy.reshape(-1, 2, 2).mean(axis=1) - square.reshape(2, 2).mean(axis=0)
        near = np.hypot(*middle.T) / (square[2] - square[0])
        if len(found) and near.min() < 0.3:
            crops.append(crop_face(photo_rgb, found, int(near.argmin()), 200))
    return crops


def roc_area(faces: np.ndarray, others: np.ndarray) -> float:
    """Probability that a face scores higher than what is none."""
    return float(mannwhitneyu(faces, others).statistic) / (len(faces) * len(others))


def face_check(arguments: FaceCheckArguments) -> dict:
    """Train, choose the threshold, measure, write; returns the content of face_check.json."""
    rng = np.random.default_rng(arguments.seed)
    splits = load_prepared(arguments.data)
    faces = aligned_faces(splits["train"], arguments.max_faces, rng)
    none = crops_without_faces(arguments, "train", faces, rng)
    positive = np.stack([face_check_crops.moved(face, rng) for face in faces for _ in range(2)])
    alarms = [crop for crops in none.alarms.values() for crop in crops]
    weights = np.repeat([1.0, 3.0], [len(none.ordinary), len(alarms)])
    print(f"{len(positive)} faces, {len(none.ordinary)} others, {len(alarms)} false alarms")
    others = np.stack([*none.ordinary, *alarms])
    network = trained(positive, others, weights, arguments)
    check = FaceCheck(network, 0.0)
    content: dict = {"trained_on": {"faces": len(positive), "others": len(none.ordinary),
                                    "false_alarms": len(alarms)}}  # fmt: skip
    measured = {split: _scored(check, arguments, split, splits, rng) for split in SPLITS[1:]}
    of_faces = [scores["faces"] for scores in measured["validation"].values()]
    check.threshold = float(min(EVEN, *(np.quantile(scores, FACES_LOST) for scores in of_faces)))
    content["threshold"] = check.threshold
    for split, by_detector in measured.items():
        content[split] = {k: _numbers(check.threshold, s) for k, s in by_detector.items()}
    _write(Path(arguments.out), network, content)
    return content


def _scored(
    check: FaceCheck, arguments: FaceCheckArguments, split: str, splits: dict,
    rng: np.random.Generator,
) -> dict[str, dict[str, np.ndarray]]:  # fmt: skip
    """The scores of each detector's crops of faces, and of its false alarms."""
    table = splits[split]
    rows = np.flatnonzero(np.asarray(table["source"][:]) == "utkface")
    faces = aligned_faces(table.select(rows), arguments.measured_faces, rng)
    none = crops_without_faces(arguments, split, faces, rng)
    return {
        detector.kind: {
            "faces": check.scores(detected_faces(detector, faces, 20, arguments.seed)),
            "false alarms": check.scores(none.alarms[detector.kind]),
            "others": check.scores(none.ordinary),
        }
        for detector in available_detectors()
    }


def _numbers(threshold: float, scores: dict[str, np.ndarray]) -> dict:
    faces, alarms, others = scores.values()
    return {
        "faces": len(faces),
        "faces_lost": float((faces < threshold).mean()),
        "false_alarms": len(alarms),
        "false_alarms_accepted": float((alarms >= threshold).mean()),
        "roc_area": roc_area(faces, alarms),
        "others": len(others),
        "others_accepted": float((others >= threshold).mean()),
    }


def _write(out: Path, network: FaceCheckNetwork, content: dict) -> None:
    state = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    save_file(state, out, {THRESHOLD: repr(content["threshold"])})
    text = json.dumps(rounded(content), indent=2)
    out.with_suffix(".json").write_text(text + "\n", encoding="utf-8")


def _run(arguments: FaceCheckArguments) -> None:
    content = face_check(arguments)
    print(json.dumps(content, indent=2))


def main(argv: list[str] | None = None) -> None:
    """Command line of `python -m train.face_check`."""
    run_command("train.face_check", FaceCheckArguments, _run, argv)


if __name__ == "__main__":
    main()
