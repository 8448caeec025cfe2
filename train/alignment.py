"""`python -m train.alignment`: train the network that levels the crops of boxes without landmarks.

Aligned faces of the training split are moved by random similarities, and the network says by which
-> alignment.safetensors, and alignment.json with the error of a detector's crops before and after:
on validation pictures pasted as `train.crop_geometry` pastes them, and in whole photos, where
libfacedetection's landmarks say where the face is.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import datasets
import numpy as np
import torch
from safetensors.torch import save_file
from tqdm import tqdm

from age_model.faces.alignment import (
    SIDE,
    WEIGHTS,
    Alignment,
    AlignmentNetwork,
    correction,
    load_alignment,
)
from age_model.faces.crop import warp
from age_model.faces.detector import Detector, load_detector
from age_model.images.load import load_image
from age_model.results import Faces
from train.console.command import run_command
from train.crop_geometry import CORNERS, SIDES, corner_error, found_face, pasted
from train.data.prepared import load_prepared
from train.data.sources.all_age_faces import read_all_age_faces
from train.data.sources.picture import Report
from train.evaluation.results_file import rounded
from train.face_check import aligned_faces
from train.stress.corruptions import rotated

# How far a crop may be off: degrees, factor of scale, sides of the crop.
TURN, SCALE, SHIFT = 35.0, 1.25, 0.12
KEPT_SIDE = 100  # pixels of the pictures in memory
LEARNING_RATE = 2e-3
WHEN = ("before", "after")
PHOTO_STEP, PHOTO_SIDE = 80, 500
LIGHT, GREY = 0.3, 0.2  # strength of the changes of light; share of pictures without colours


@dataclass
class AlignmentArguments:
    """What to train on, how long, and where to write it."""

    data: str = field(metadata={"help": "Data set that train.prepare wrote: aligned faces."})
    photos: str = field(metadata={"help": "All-Age-Faces, folder or .parquet: whole photos."})
    out: str = field(default=str(WEIGHTS), metadata={"help": "File of weights to write."})
    detector: str = field(default="haar", metadata={"help": "Whose crops to measure it on."})
    max_faces: int = field(default=3000, metadata={"help": "Aligned faces to train on."})
    measured_faces: int = field(
        default=120, metadata={"help": "Pictures of each kind to measure on."}
    )
    steps: int = field(default=1500, metadata={"help": "Steps; 0 measures what --out holds."})
    batch_size: int = field(default=64, metadata={"help": "Faces in a step."})
    seed: int = field(default=0, metadata={"help": "Seed of all that is drawn at random."})


def moved(picture_rgb: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A crop that is off, (SIDE, SIDE, 3) uint8, and the (4,) numbers that correct it."""
    angle = np.deg2rad(rng.uniform(-TURN, TURN))
    scale = np.exp(rng.uniform(-1, 1) * np.log(SCALE))
    turn = scale * np.exp(1j * angle)
    numbers = np.array([turn.real - 1, turn.imag, *rng.uniform(-SHIFT, SHIFT, 2)])
    offered = cv2.invertAffineTransform(correction(numbers))
    height, width = picture_rgb.shape[:2]
    crop = warp(picture_rgb, offered @ np.diag([1 / width, 1 / height, 1.0]), SIDE)
    return crop, numbers


def trained(faces: list[np.ndarray], arguments: AlignmentArguments) -> AlignmentNetwork:
    """The network after training: least distance of the corners from where they belong."""
    torch.manual_seed(arguments.seed)
    rng = np.random.default_rng(arguments.seed)
    network = AlignmentNetwork().train()
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, arguments.steps, pct_start=0.1
    )
    for step in (progress := tqdm(range(arguments.steps), desc="training")):
        drawn = [moved(faces[i], rng) for i in rng.integers(0, len(faces), arguments.batch_size)]
        crops, numbers = (np.stack(values) for values in zip(*drawn, strict=True))
        got = network(_in_another_light(crops, rng))
        loss = corner_distance(got, torch.from_numpy(numbers).float()).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            progress.set_postfix(error=f"{100 * loss.item():.1f}%")
    return network.eval()


def corner_distance(got: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
    """(N,) mean distance of a crop's corners under two corrections, (N, 4) each, in sides."""
    apart = torch.view_as_complex((got - true).reshape(-1, 2, 2).contiguous())
    corners = torch.from_numpy((CORNERS - 0.5) @ np.array([1, 1j])).to(torch.complex64)
    return (apart[:, :1] * corners + apart[:, 1:]).abs().mean(dim=1)


def _in_another_light(crops: np.ndarray, rng: np.random.Generator) -> torch.Tensor:
    pictures = torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255
    light = torch.from_numpy(rng.uniform(1 - LIGHT, 1 + LIGHT, (len(crops), 3, 1, 1))).float()
    grey = torch.from_numpy(rng.random(len(crops)) < GREY)
    pictures[grey] = pictures[grey].mean(dim=1, keepdim=True)
    return (pictures * light).clamp(0, 1)


def errors_of(alignment: Alignment, faces: Faces, image_rgb: np.ndarray, true: np.ndarray) -> tuple:
    """The error of the one face's crop without and with the alignment, in % of its side."""
    aligned = alignment.aligned(image_rgb, faces)
    return corner_error(faces.to_crop[0], true), corner_error(aligned.to_crop[0], true)


def on_pasted(
    alignment: Alignment, detector: Detector, pictures: list[np.ndarray], degrees: float
) -> list[tuple]:
    """The errors of the faces that are found in pasted pictures."""
    rng, errors = np.random.default_rng(1), []
    for picture in tqdm(pictures, desc=f"pasted, tilted by up to {degrees}"):
        canvas_rgb, to_crop = pasted(picture, rng, degrees, SIDES)
        faces, i = found_face(detector, canvas_rgb, to_crop)
        if i is not None:
            errors.append(errors_of(alignment, faces[i], canvas_rgb, to_crop))
    return errors


def on_photos(
    alignment: Alignment, detector: Detector, photos: list[np.ndarray], degrees: float
) -> list[tuple]:
    """The errors of the faces found in photos in which libfacedetection finds exactly one."""
    rng, errors = np.random.default_rng(2), []
    reference = load_detector("libfacedetection")
    for photo_rgb in tqdm(photos, desc=f"photos, tilted by up to {degrees}"):
        tilted_rgb = rotated(photo_rgb, rng.uniform(-degrees, degrees))
        known = reference.detect(tilted_rgb)
        if len(known) != 1:
            continue
        faces, i = found_face(detector, tilted_rgb, known.to_crop[0])
        if i is not None:
            errors.append(errors_of(alignment, faces[i], tilted_rgb, known.to_crop[0]))
    return errors


def summary(errors: list[tuple], n: int) -> dict:
    """Median and 90% quantile of N (before, after) errors."""
    median, high = np.percentile(errors, [50, 90], axis=0)
    return {
        "n": n,
        "found": len(errors),
        "before": {"median": float(median[0]), "p90": float(high[0])},
        "after": {"median": float(median[1]), "p90": float(high[1])},
    }


def alignment(arguments: AlignmentArguments) -> dict:
    """Train, measure, write; returns the content of alignment.json."""
    rng = np.random.default_rng(arguments.seed)
    splits, out = load_prepared(arguments.data), Path(arguments.out)
    faces = _of_utkface(splits["train"], arguments.max_faces, rng)
    if arguments.steps:
        small = [
            cv2.resize(face, (KEPT_SIDE, KEPT_SIDE), interpolation=cv2.INTER_AREA) for face in faces
        ]
        network = trained(small, arguments)
        save_file({k: v.contiguous() for k, v in network.state_dict().items()}, out)
    loaded, detector = load_alignment(out), load_detector(arguments.detector)
    pictures = _of_utkface(splits["validation"], arguments.measured_faces, rng)
    photos = _photos(arguments)
    content: dict = {"detector": detector.name, "pasted": {}, "photos": {}}
    for degrees in (0, 20):
        for kind, measure, shown in (
            ("pasted", on_pasted, pictures),
            ("photos", on_photos, photos),
        ):
            errors = measure(loaded, detector, shown, degrees)
            content[kind][f"tilted by up to {degrees}"] = summary(errors, len(shown))
    content = rounded(content)
    text = json.dumps(content, indent=2)
    out.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    return content


def _photos(arguments: AlignmentArguments) -> list[np.ndarray]:
    """Every PHOTO_STEPth of the photos, at most PHOTO_SIDE pixels a side."""
    photos: list[np.ndarray] = []
    for i, picture in enumerate(read_all_age_faces([Path(arguments.photos)], Report())):
        if len(photos) == arguments.measured_faces:
            break
        if i % PHOTO_STEP == 0:
            photo_rgb = load_image(picture.image["bytes"])
            factor = min(1.0, PHOTO_SIDE / max(photo_rgb.shape))
            photos.append(
                cv2.resize(photo_rgb, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
            )
    return photos


def markdown(content: dict) -> str:
    """The rows of alignment.json for a table: median, 90% below, without and with the alignment."""
    return "\n".join(
        f"| {kind}, {name} | {row['found']} of {row['n']} | "
        + " | ".join(f"{row[when]['median']:.1f}, {row[when]['p90']:.1f}" for when in WHEN)
        + " |"
        for kind in ("pasted", "photos")
        for name, row in content[kind].items()
    )


def _of_utkface(table: datasets.Dataset, count: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Pictures of UTKFace only: its alignment is the one that the network is to reproduce."""
    rows = np.flatnonzero(np.asarray(table["source"][:]) == "utkface")
    return aligned_faces(table.select(rows), count, rng)


def _run(arguments: AlignmentArguments) -> None:
    print(markdown(alignment(arguments)))


def main(argv: list[str] | None = None) -> None:
    """Command line of `python -m train.alignment`."""
    run_command("train.alignment", AlignmentArguments, _run, argv)


if __name__ == "__main__":
    main()
