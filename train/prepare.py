"""From downloaded data sets to one split, duplicate-aware Hugging Face data set of faces.

    python -m train.prepare --utkface UTKFace-part1.tar.gz UTKFace-part2.tar.gz \\
        --fairface fairface-train.parquet fairface-val.parquet \\
        --all_age_faces all-age-faces.parquet --out data

Pictures pass through one at a time and lie on disk as Arrow, in the files' own bytes; of whole
photos the face is cut out as the app does it. What is held in memory for each is its name, its
labels and an 18-byte hash.
"""

import io
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, make_dataclass, replace
from pathlib import Path

import numpy as np
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
from train.data.sources.picture import MISSING, Picture, Report
from train.data.sources.registry import SOURCES
from train.data.splits import (
    OMITTED,
    SPLITS,
    assign,
    balanced_lists,
    read_lists,
    write_lists,
)


@dataclass
class _Options:
    """What `train.prepare` takes beside the pictures."""

    out: str = field(metadata={"help": "Folder to write; replaced when the run ends well."})
    detector: str | None = field(
        default=None,
        metadata={"help": "Face detector for whole photos, as for `python -m age_model`."},
    )
    write_split_lists: bool = field(
        default=False,
        metadata={"help": "Add the new files to the committed lists in train/data/split_lists."},
    )

    def __post_init__(self) -> None:
        if not any(self.paths.values()):
            options = " or ".join(f"--{option} PATH..." for option in OPTIONS)
            raise InputError(f"expected pictures: give {options}")
        given = [path for paths in self.paths.values() for path in paths]
        if missing := [path for path in given if not Path(path).exists()]:
            raise InputError(f"no such file or folder: {', '.join(missing)}")

    @property
    def paths(self) -> dict[str, list[str]]:
        """The paths given for each source, by its key."""
        return {source.key: getattr(self, option) for option, source in OPTIONS.items()}


# An option for each source: --utkface, --all_age_faces and so on.
OPTIONS = {key.replace("-", "_"): source for key, source in SOURCES.items()}
PrepareArguments = make_dataclass(
    "PrepareArguments",
    [
        (option, list[str], field(default_factory=list, metadata={"help": source.help}))
        for option, source in OPTIONS.items()
    ],
    bases=(_Options,),
    namespace={"__doc__": _Options.__doc__},
)


def prepare(args: _Options) -> dict:
    """Read, check, find duplicates, split and save. Returns what `report.json` holds."""
    report = Report()
    with atomic_folder(Path(args.out), may_replace=_is_prepared) as folder:
        scan = folder / "scan.arrow"
        hashes, official = _scan(_pictures(args, report), scan, report)
        if not len(hashes):
            raise InputError("expected at least one good picture, found none; see the paths given")
        rows = Dataset.from_file(str(scan))
        labels = rows.remove_columns("image").to_pandas()
        pairs = find_pairs(hashes)
        clusters = cluster_ids(len(rows), pairs)
        points = labels["age_low"].where(labels["age_type"] == "point", MISSING).to_numpy()
        files = labels["file"].tolist()
        known = read_lists()
        if args.write_split_lists:
            known |= _balanced(labels, points, clusters, known)
        splits = assign(
            files,
            labels["source"].tolist(),
            official,
            points,
            clusters,
            known,
        )
        conflicts = _save(rows, labels, points, clusters, np.array(splits), folder)
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
                {**c, "members": [files[i] for i in c["members"]]} for c in conflicts
            ],
        }
        (folder / "report.json").write_text(json.dumps(summary, indent=1))
        sources = {key: SOURCES[key].to_dict() for key in sorted(set(labels["source"]))}
        (folder / "sources.json").write_text(json.dumps(sources, indent=1, ensure_ascii=False))
        data_report.write(folder / "report", rows, labels, clusters, summary)
        scan.unlink()
    if args.write_split_lists:
        write_lists({**read_lists(), **dict(zip(files, splits, strict=True))})
    return summary


def _is_prepared(folder: Path) -> bool:
    return (folder / "dataset_dict.json").is_file() and (folder / "report.json").is_file()


def _pictures(args: _Options, report: Report) -> Iterator[Picture]:
    """The good pictures of all sources; whole photos as crops of their one face."""
    for key, paths in args.paths.items():
        source = SOURCES[key]
        if not paths:
            continue
        detector = None if source.cropped else load_detector(args.detector)
        for picture in source.read(list(map(Path, paths)), report):
            if detector is None:
                yield picture
                continue
            try:
                face = cropped(picture.image["bytes"], detector)
            except ValueError as problem:
                report.omit(picture.file, str(problem))
            else:
                yield replace(picture, image={**picture.image, "bytes": face})


def _scan(
    pictures: Iterator[Picture], path: Path, report: Report
) -> tuple[np.ndarray, list[str | None]]:
    """Write the good pictures to an Arrow file; return their (N, 18) hashes and official splits."""
    hashes, official = bytearray(), []
    with ArrowWriter(path=str(path), features=FEATURES, writer_batch_size=500) as writer:
        for picture in tqdm(pictures, desc="reading", unit="picture"):
            try:
                with PILImage.open(io.BytesIO(picture.image["bytes"])) as image:
                    digest = perceptual_hash(image.convert("RGB"))
            except (OSError, ValueError, SyntaxError, PILImage.DecompressionBombError):
                empty = not picture.image["bytes"]
                report.omit(picture.file, "empty or unreadable file" if empty else "not a picture")
                continue
            row = asdict(picture)
            official.append(row.pop("official_split"))
            hashes += digest
            writer.write(row)
        writer.finalize()
    return np.frombuffer(bytes(hashes), np.uint8).reshape(-1, HASH_BYTES), official


def _balanced(labels, points, clusters, known: dict[str, str]) -> dict[str, str]:
    """Places in validation and test for the sources that no list knows yet and that want it so."""
    placed: dict[str, str] = {}
    for key in sorted(set(labels["source"])):
        here = (labels["source"] == key).to_numpy()
        files = labels["file"][here].tolist()
        if SOURCES[key].balanced_decades and not known.keys() & set(files):
            placed |= balanced_lists(files, key, points[here], clusters[here])
    return placed


def _save(rows, labels, points, clusters, splits, folder: Path) -> list[dict]:
    """Save the three splits, the training part with its labels resolved; return the conflicts."""
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
        parts[split] = part.cast_column("image", Image())
    DatasetDict(parts).save_to_disk(str(folder), max_shard_size="256MB")
    return conflicts


def _with_labels(rows: Dataset, labels: dict[str, np.ndarray]) -> Dataset:
    """The same pictures, not copied, under other labels."""
    features = Features({name: FEATURES[name] for name in labels})
    beside = Dataset.from_dict({k: v.tolist() for k, v in labels.items()}, features=features)
    return concatenate_datasets([rows.remove_columns(list(labels)), beside], axis=1)


def main(argv: list[str] | None = None) -> None:
    """Command line of `python -m train.prepare`."""
    run_command("train.prepare", PrepareArguments, _prepare_and_print, argv)


def _prepare_and_print(args: _Options) -> None:
    summary = prepare(args)
    for split, counts in summary["pictures"].items():
        print(f"{split:>10}: " + ", ".join(f"{n} {source}" for source, n in counts.items()))
    for reason, files in summary["problems"].items():
        print(f"omitted: {len(files)} ({reason}), for example {files[0]}")
    for group, count in summary["repaired_groups"].items():
        print(f"repaired: {count} age groups that a spreadsheet had turned into {group!r}")
    print(f"report: {Path(args.out) / 'report' / 'index.html'}")


if __name__ == "__main__":
    main()
