"""What every reader gives: pictures, a report of the others, and the facts of its source."""

import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

from train.console.errors import InputError

PICTURE_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
MISSING = -1


@dataclass(frozen=True)
class Picture:
    """One labelled picture, as it is stored in the data set (but for the last two).

    Attributes:
        file: "SOURCE/NAME", such as "fairface/train/1.jpg", the picture's identity everywhere.
        source: the key of its `Source`.
        image: {"bytes": the original file's bytes, "path": its name}, as `datasets.Image` has it.
        age_type: "point" for a year, "interval" for a group, "none" where the age is not known.
        age_low, age_high: years, both ends included; equal for a point, -1 for none.
        gender: index in `labels.GENDERS`, -1 where missing.
        ethnicity: index in `labels.ETHNICITIES`, -1 where missing.
        official_split: "train", "validation" or "test" where the source says so, else None.
        subject: who it shows, where the source says so: a person stays within one split.
    """

    file: str
    source: str
    image: dict
    age_type: str
    age_low: int
    age_high: int
    gender: int
    ethnicity: int
    official_split: str | None
    subject: str | None = None


@dataclass
class Report:
    """What was found besides good pictures; becomes `report.json`.

    Attributes:
        problems: reason -> files omitted for it.
        repaired_groups: damaged group as found -> how many labels it was on.
        clipped_ages: files whose age is over MAX_AGE, which is stored as MAX_AGE.
        unknown_labels: such as "gender: x" -> how many pictures go without that label for it.
    """

    problems: dict[str, list[str]] = field(default_factory=dict)
    repaired_groups: dict[str, int] = field(default_factory=dict)
    clipped_ages: list[str] = field(default_factory=list)
    unknown_labels: dict[str, int] = field(default_factory=dict)

    def omit(self, file: str, reason: str) -> None:
        """Note that `file` is not used, and why."""
        self.problems.setdefault(reason, []).append(file)


@dataclass(frozen=True)
class Source:
    """A data set: how it is read, and what the splits, the training and the card must know of it.

    Attributes:
        key: its name in files, columns and options, such as "utkface".
        title: its name for people.
        labels: what its labels are, in words; "" for `train.prepare` to say what it found.
        licence, citation, url: for the card.
        notes: sentences for the card on what to know about its labels or splits; "" for none.
        hub_id: its id among the data sets of the Hugging Face Hub; "" for none.
        read: from paths and a report to its pictures.
        help: of its option of `train.prepare`.
        validation_share, test_share: of the pictures that neither a split list nor the source
            itself places, 0 to 1.
        cropped: whether the pictures are aligned faces; else `train.prepare` finds and crops them.
        label_sigma_per_year: width of the label distribution that the training makes of an age,
            per year of age (see `losses.soft_age_targets`); larger where labels are known to be
            noisy.
        balanced_decades: pictures of each decade that new split lists give to validation and to
            test; None: by the shares.
    """

    key: str
    title: str
    labels: str
    licence: str
    citation: str
    url: str
    read: Callable[[list[Path], Report], Iterator[Picture]]
    help: str
    validation_share: float = 0.1
    test_share: float = 0.1
    cropped: bool = True
    label_sigma_per_year: float = 0.03
    balanced_decades: tuple[int, int] | None = None
    notes: str = ""
    hub_id: str = ""

    @property
    def shares(self) -> dict[str, float]:
        """Share of the pictures for each split that is measured on; the others train."""
        return {"test": self.test_share, "validation": self.validation_share}

    def to_dict(self) -> dict:
        """What the prepared data set and the card keep of it."""
        kept = ("title", "labels", "licence", "cropped", "label_sigma_per_year")
        optional = ("citation", "url", "notes", "hub_id")
        found = {name: getattr(self, name) for name in optional if getattr(self, name)}
        return {name: getattr(self, name) for name in kept} | found


def count_pictures(paths: list[Path]) -> int | None:
    """About how many pictures there are to read, for a progress bar; None where it takes reading.

    Args:
        paths: folders, .parquet, .csv and .tar(.gz) files.
    """
    total = 0
    for path in paths:
        if path.is_dir():
            files = list(path.rglob("*"))
            total += sum(file.suffix.lower() in PICTURE_SUFFIXES for file in files)
            total += sum(_parquet_length(file) for file in files if file.suffix == ".parquet")
        elif path.suffix == ".parquet":
            total += _parquet_length(path)
        elif path.suffix == ".csv" and path.is_file():
            with path.open("rb") as lines:
                total += sum(1 for _ in lines) - 1
        elif path.is_file() and tarfile.is_tarfile(path):
            with tarfile.open(path) as archive:
                suffixes = (Path(name).suffix.lower() for name in archive.getnames())
                total += sum(suffix in PICTURE_SUFFIXES for suffix in suffixes)
        else:
            return None  # a data set on the Hub, or no such file
    return total


def _parquet_length(path: Path) -> int:
    return pq.ParquetFile(path).metadata.num_rows


def pictures_below(folder: Path) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of the pictures in a folder and below it, in the order of their paths."""
    for file in sorted(p for p in folder.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES):
        yield file.name, read_or_empty(file)


def read_or_empty(path: Path) -> bytes:
    """The file's bytes; none for a file that may not be read, which is reported as unreadable."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def parquet_rows(path: Path, columns: set[str]) -> Iterator[dict]:
    """The rows of a parquet file with an `image` column, whose bytes are added as "bytes"."""
    table = pq.ParquetFile(path)
    require_columns(path, table.schema_arrow.names, columns | {"image"})
    for batch in table.iter_batches(batch_size=256, columns=[*sorted(columns), "image"]):
        for row in batch.to_pylist():
            yield {**row, "bytes": (row["image"] or {}).get("bytes") or b""}


def require_columns(path: Path, got: Sequence[str], needed: set[str]) -> None:
    """Raise InputError unless all `needed` columns are among those that a file has."""
    if needed - set(got):
        raise InputError(
            f"{path}: expected the columns {', '.join(sorted(needed))}, "
            f"lacks {', '.join(sorted(needed - set(got)))}"
        )
