"""From UTKFace and FairFace as downloaded to one split, duplicate-aware Hugging Face data set.

    python -m train.prepare --utkface UTKFace-part1.tar.gz UTKFace-part2.tar.gz \\
        --fairface fairface-train.parquet fairface-val.parquet --out data

Pictures pass through one at a time and lie on disk as Arrow, in the files' own bytes. What is held in
memory for each is its name, its labels and an 18-byte hash.
"""

import io
import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np
from datasets import Dataset, DatasetDict, Features, Image, Value, concatenate_datasets
from datasets.arrow_writer import ArrowWriter
from PIL import Image as PILImage
from tqdm import tqdm
from transformers import HfArgumentParser

from age_model.records.atomic import atomic_folder
from train.console.errors import InputError
from train.data import report as data_report
from train.data.duplicates import HASH_BYTES, cluster_ids, find_pairs, perceptual_hash
from train.data.label_conflicts import resolve
from train.data.sources import MISSING, Picture, Report, read_fairface, read_utkface
from train.data.splits import LEFT_OUT, SPLITS, assign, read_lists, write_lists

FORMAT = 1  # of the prepared folder; training refuses another
FEATURES = Features(
    {
        "file": Value("string"),
        "source": Value("string"),
        "image": Image(decode=False),
        "age_type": Value("string"),
        "age_low": Value("int32"),
        "age_high": Value("int32"),
        "gender": Value("int8"),
        "ethnicity": Value("int8"),
    }
)


@dataclass
class PrepareArguments:
    """What `train.prepare` takes."""

    out: str = field(metadata={"help": "Folder to write; replaced when the run ends well."})
    utkface: list[str] = field(
        default_factory=list, metadata={"help": "UTKFace: folders and .tar.gz files."}
    )
    fairface: list[str] = field(
        default_factory=list,
        metadata={"help": "FairFace: .parquet files, label .csv files, or folders of these."},
    )
    write_split_lists: bool = field(
        default=False,
        metadata={"help": "Rewrite the committed lists in train/splits from these files."},
    )

    def __post_init__(self) -> None:
        if not self.utkface and not self.fairface:
            raise InputError(
                "expected pictures: give --utkface PATH..., --fairface PATH..., or both"
            )
        missing = [path for path in self.utkface + self.fairface if not Path(path).exists()]
        if missing:
            raise InputError(f"no such file or folder: {', '.join(missing)}")


def prepare(args: PrepareArguments) -> dict:
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
        splits = assign(
            files,
            labels["source"].tolist(),
            official,
            points,
            clusters,
            {} if args.write_split_lists else read_lists(),
        )
        conflicts = _save(rows, labels, points, clusters, np.array(splits), folder)
        summary = {
            "format": FORMAT,
            "pictures": {
                split: dict(Counter(labels["source"][np.array(splits) == split]))
                for split in (*SPLITS, LEFT_OUT)
            },
            **asdict(report),
            "duplicate_pairs": len(pairs),
            "duplicate_clusters": int((np.bincount(clusters) > 1).sum()),
            "conflicting_clusters": [
                {**c, "members": [files[i] for i in c["members"]]} for c in conflicts
            ],
        }
        (folder / "report.json").write_text(json.dumps(summary, indent=1))
        data_report.write(folder / "report", rows, labels, clusters, summary)
        scan.unlink()
    if args.write_split_lists:
        write_lists(files, splits)
    return summary


def _is_prepared(folder: Path) -> bool:
    return (folder / "dataset_dict.json").is_file() and (folder / "report.json").is_file()


def _pictures(args: PrepareArguments, report: Report) -> Iterator[Picture]:
    utkface, fairface = map(Path, args.utkface), map(Path, args.fairface)
    return chain(read_utkface(list(utkface), report), read_fairface(list(fairface), report))


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
                report.leave_out(
                    picture.file, "empty or unreadable file" if empty else "not a picture"
                )
                continue
            row = asdict(picture)
            official.append(row.pop("official_split"))
            hashes += digest
            writer.write(row)
        writer.finalize()
    return np.frombuffer(bytes(hashes), np.uint8).reshape(-1, HASH_BYTES), official


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


def main() -> None:
    """Command line of `python -m train.prepare`."""
    try:
        (args,) = HfArgumentParser(PrepareArguments).parse_args_into_dataclasses()
        summary = prepare(args)
    except (InputError, OSError) as error:
        sys.exit(f"train.prepare: {error}")
    for split, counts in summary["pictures"].items():
        print(f"{split:>10}: " + ", ".join(f"{n} {source}" for source, n in counts.items()))
    for reason, files in summary["problems"].items():
        print(f"left out: {len(files)} ({reason}), for example {files[0]}")
    for group, count in summary["repaired_groups"].items():
        print(f"repaired: {count} age groups that a spreadsheet had turned into {group!r}")
    print(f"report: {Path(args.out) / 'report' / 'index.html'}")


if __name__ == "__main__":
    main()
