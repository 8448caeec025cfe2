"""From downloaded data sets to one split, duplicate-aware Hugging Face data set of faces.

    python -m train.prepare --utkface UTKFace-part1.tar.gz UTKFace-part2.tar.gz \\
        --fairface fairface-train.parquet fairface-val.parquet \\
        --all_age_faces all-age-faces.parquet --out data
    python -m train.prepare --source my-photos --crop --out data

Pictures pass through one at a time and lie on disk as Arrow, in the files' own bytes; of whole
photos the face is cut out as the app does it. What is held in memory for each is its name, its
labels and an 18-byte hash.
"""

import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from datasets import Dataset, DatasetDict, Features, Image, concatenate_datasets
from datasets.arrow_writer import ArrowWriter
from PIL import Image as PILImage
from tqdm import tqdm

from age_model.faces.detector import load_detector
from age_model.records.atomic import atomic_folder
from train.console.command import run_command
from train.console.errors import InputError
from train.data import report as data_report
from train.data.duplicates import HASH_BYTES, cluster_ids, find_pairs, perceptual_hash
from train.data.face_crop import cropped
from train.data.label_conflicts import resolve
from train.data.prepared import FEATURES, FORMAT
from train.data.sources.arguments import PrepareArguments, PrepareOptions
from train.data.sources.picture import MISSING, Picture, Report, Source, count_pictures
from train.data.splits import (
    OMITTED,
    SPLITS,
    Candidates,
    assign,
    balanced_lists,
    read_lists,
    same_subject,
    write_lists,
)


@dataclass(frozen=True)
class _Scan:
    """What is held in memory of the N good pictures.

    Attributes:
        hashes: (N, 18) uint8, of the pictures.
        official: their official splits, or None.
        subjects: who they show, or None.
    """

    hashes: np.ndarray
    official: list[str | None]
    subjects: list[str | None]


def prepare(args: PrepareOptions) -> dict:
    """Read, check, find duplicates, split and save. Returns what `report.json` holds.

    Raises:
        InputError: a path or a source cannot be used, or no picture is good enough to train on.
    """
    given = args.sources()
    report = Report()
    with atomic_folder(Path(args.out), may_replace=_is_prepared) as folder:
        arrow = folder / "scan.arrow"
        total = count_pictures([path for _, paths in given for path in paths])
        with tqdm(
            _pictures(given, args.detector, report), "reading", total, unit="picture"
        ) as pictures:
            scan = _scan(pictures, arrow, report)
        if not len(scan.hashes):
            raise InputError(
                f"expected good pictures, found none\n{_problem_lines(report.problems)}"
            )
        rows = Dataset.from_file(str(arrow))
        labels = rows.remove_columns("image").to_pandas()
        sources = {source.key: source for source, _ in given if source.key in set(labels["source"])}
        pairs = find_pairs(scan.hashes)[:, :2]
        clusters = cluster_ids(len(rows), pairs)
        splits = _splits(labels, scan, pairs, sources, args.write_split_lists)
        conflicts = _save(rows, labels, clusters, np.array(splits), folder)
        summary = {
            "format": FORMAT,
            "pictures": {
                split: dict(Counter(labels["source"][np.array(splits) == split]))
                for split in (*SPLITS, OMITTED)
            },
            **asdict(report),
            "duplicate_pairs": len(pairs),
            "duplicate_clusters": int((np.bincount(clusters) > 1).sum()),
            "conflicting_clusters": [
                {**c, "members": [labels["file"][i] for i in c["members"]]} for c in conflicts
            ],
        }
        _write_json(folder / "report.json", summary)
        subjects = np.array(scan.subjects, object)
        metadata = {
            key: source.to_dict() | _found(source, labels, subjects)
            for key, source in sorted(sources.items())
        }
        _write_json(folder / "sources.json", metadata)
        data_report.write(folder / "report", rows, labels, clusters, summary)
        arrow.unlink()
    if args.write_split_lists:
        write_lists({**read_lists(), **dict(zip(labels["file"], splits, strict=True))})
    return summary


def _write_json(path: Path, content: dict) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")


def _is_prepared(folder: Path) -> bool:
    return (folder / "dataset_dict.json").is_file() and (folder / "report.json").is_file()


def _pictures(
    given: list[tuple[Source, list[Path]]], detector_name: str | None, report: Report
) -> Iterator[Picture]:
    """The good pictures of all sources; whole photos as crops of their one face."""
    for source, paths in given:
        detector = None if source.cropped else load_detector(detector_name)
        for picture in source.read(paths, report):
            if detector is None:
                yield picture
                continue
            try:
                face = cropped(picture.image["bytes"], detector)
            except ValueError as problem:
                report.omit(picture.file, str(problem))
            else:
                yield replace(picture, image={**picture.image, "bytes": face})


def _scan(pictures: Iterable[Picture], path: Path, report: Report) -> _Scan:
    """Write the good pictures to an Arrow file, and keep what the splits need of them."""
    hashes = bytearray()
    official: list[str | None] = []
    subjects: list[str | None] = []
    with ArrowWriter(path=str(path), features=FEATURES, writer_batch_size=500) as writer:
        for picture in pictures:
            try:
                with PILImage.open(io.BytesIO(picture.image["bytes"])) as image:
                    digest = perceptual_hash(image.convert("RGB"))
            except (OSError, ValueError, SyntaxError, PILImage.DecompressionBombError):
                empty = not picture.image["bytes"]
                report.omit(picture.file, "empty or unreadable file" if empty else "not a picture")
                continue
            row = asdict(picture)
            official.append(row.pop("official_split"))
            subjects.append(row.pop("subject"))
            hashes += digest
            writer.write(row)
        writer.finalize()
    hashed = np.frombuffer(bytes(hashes), np.uint8).reshape(-1, HASH_BYTES)
    return _Scan(hashed, official, subjects)


def _splits(
    labels: pd.DataFrame,
    scan: _Scan,
    pairs: np.ndarray,
    sources: dict[str, Source],
    balance: bool,
) -> list[str]:
    """The split of each picture; see `train.data.splits`."""
    known = read_lists()
    candidates = Candidates(
        files=labels["file"].tolist(),
        sources=labels["source"].tolist(),
        official=scan.official,
        subjects=scan.subjects,
        point_age_years=_point_ages(labels),
        clusters=cluster_ids(len(labels), pairs),
        groups=cluster_ids(len(labels), np.concatenate([pairs, same_subject(scan.subjects)])),
    )
    if balance:
        known |= _balanced(candidates, known, sources)
    return assign(candidates, {key: source.shares for key, source in sources.items()}, known)


def _balanced(
    candidates: Candidates, known: dict[str, str], sources: dict[str, Source]
) -> dict[str, str]:
    """Places in validation and test for the sources that no list knows yet and that want it so."""
    placed: dict[str, str] = {}
    for key, source in sorted(sources.items()):
        here = np.array(candidates.sources) == key
        files = np.array(candidates.files)[here].tolist()
        if source.balanced_decades and not known.keys() & set(files):
            placed |= balanced_lists(
                files,
                source.balanced_decades,
                candidates.point_age_years[here],
                candidates.clusters[here],
            )
    return placed


def _found(source: Source, labels: pd.DataFrame, subjects: np.ndarray) -> dict:
    """What its pictures say of a source: which labels there are, and whether people are known."""
    mine = labels[labels["source"] == source.key]
    kinds = {
        "age in years": (mine["age_type"] == "point").any(),
        "age group": (mine["age_type"] == "interval").any(),
        "gender": (mine["gender"] != MISSING).any(),
        "ethnicity": (mine["ethnicity"] != MISSING).any(),
    }
    found = {} if source.labels else {"labels": ", ".join(k for k, there in kinds.items() if there)}
    people = {subject for subject in subjects[mine.index] if subject}
    return found | ({"people": len(people)} if people else {})


def _save(rows, labels, clusters, splits, folder: Path) -> list[dict]:
    """Save the splits that have pictures, training with its labels resolved; return conflicts."""
    points = _point_ages(labels)
    ages, gender, ethnicity, conflicts = resolve(
        points, labels["gender"].to_numpy(), labels["ethnicity"].to_numpy(), clusters
    )
    resolved_age = np.where(points == MISSING, labels["age_low"], ages)
    point = points != MISSING
    for_training = {
        "age_type": np.where(point & (ages == MISSING), "none", labels["age_type"]),
        "age_low": resolved_age,
        "age_high": np.where(point, resolved_age, labels["age_high"]),
        "gender": gender,
        "ethnicity": ethnicity,
    }
    parts = {}
    for split in SPLITS:
        part = _with_labels(rows, for_training) if split == "train" else rows
        part = part.select(np.flatnonzero(splits == split))
        if len(part):
            parts[split] = part.cast_column("image", Image())
    DatasetDict(parts).save_to_disk(str(folder), max_shard_size="256MB")
    return conflicts


def _point_ages(labels: pd.DataFrame) -> np.ndarray:
    """(N,) int years, -1 where a picture has no point label."""
    return labels["age_low"].where(labels["age_type"] == "point", MISSING).to_numpy()


def _with_labels(rows: Dataset, labels: dict[str, np.ndarray]) -> Dataset:
    """The same pictures, not copied, under other labels."""
    features = Features({name: FEATURES[name] for name in labels})
    beside = Dataset.from_dict({k: v.tolist() for k, v in labels.items()}, features=features)
    return concatenate_datasets([rows.remove_columns(list(labels)), beside], axis=1)


def _problem_lines(problems: dict[str, list[str]]) -> str:
    """Every file that is not used, by the reason."""
    return "\n".join(
        f"omitted: {len(files)}, {reason}\n" + "\n".join(f"    {file}" for file in files)
        for reason, files in problems.items()
    )


def main(argv: list[str] | None = None) -> None:
    """Command line of `python -m train.prepare`."""
    run_command("train.prepare", PrepareArguments, _prepare_and_print, argv)


def _prepare_and_print(args: PrepareOptions) -> None:
    summary = prepare(args)
    for split, counts in summary["pictures"].items():
        print(f"{split:>10}: " + ", ".join(f"{n} {source}" for source, n in counts.items()))
    if summary["problems"]:
        print(_problem_lines(summary["problems"]))
    for label, count in summary["unknown_labels"].items():
        print(f"missing: {count} pictures go without a label, because it is not known ({label})")
    for group, count in summary["repaired_groups"].items():
        print(f"repaired: {count} age groups that a spreadsheet had turned into {group!r}")
    for split in SPLITS:
        if not sum(summary["pictures"][split].values()):
            print(f"no picture is in the split {split!r}: give more, or a column `split`")
    print(f"report: {Path(args.out) / 'report' / 'index.html'}")


if __name__ == "__main__":
    main()
