"""Which picture trains, which selects, which tests: decided once, by file name and duplicates.

The lists in `train/data/split_lists/` hold the known files; they were written by `write_lists` and
are data under version control. A file they do not know is placed by a hash of its name. In both
cases a cluster of near-duplicates stays in one split:

- A cluster with a picture of a source's official validation set belongs to test. Those pictures are
  all kept (2,500 of FairFace is what others report on); the cluster's other members are omitted.
- A cluster whose known point ages lie more than MAX_AGE_CONFLICT years apart belongs to training: a
  label that its own twin contradicts can measure nothing.
- Any other cluster goes where its first member (by name) goes. In validation and test that member
  alone is kept, so that no face counts twice.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from train.data.sources.registry import SOURCES

SPLITS = ("train", "validation", "test")
OMITTED = "omitted"
LIST_FOLDER = Path(__file__).parent / "split_lists"

MAX_AGE_CONFLICT = 5  # years


def hash_split(file: str, source: str) -> str:
    """Split of a file that no list knows: the same on every machine and in every order of files."""
    place = int(hashlib.sha256(file.encode()).hexdigest()[:8], 16) / 0x100000000
    test, validation = SOURCES[source].test_share, SOURCES[source].validation_share
    if place < test:
        return "test"
    return "validation" if place < test + validation else "train"


def read_lists(folder: Path = LIST_FOLDER) -> dict[str, str]:
    """Splits by file name, for the files that the committed lists know; empty without lists."""
    known: dict[str, str] = {}
    for split in (*SPLITS, OMITTED):
        path = folder / f"{split}.txt"
        if path.is_file():
            known.update(dict.fromkeys(path.read_text().split("\n")[:-1], split))
    return known


def write_lists(splits: dict[str, str], folder: Path = LIST_FOLDER) -> None:
    """Write one sorted list of file names for each split, and one for what is omitted.

    Args:
        splits: file -> split.
        folder: where to; its older lists are replaced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for split in (*SPLITS, OMITTED):
        names = sorted(file for file, place in splits.items() if place == split)
        (folder / f"{split}.txt").write_text("".join(f"{name}\n" for name in names))


def balanced_lists(
    files: Sequence[str], source: str, age_years: np.ndarray, clusters: np.ndarray
) -> dict[str, str]:
    """Splits by file name for a source that is measured on as many pictures of each decade.

    Args:
        files: (N,) names of the source's pictures.
        source: a key of `SOURCES` with `balanced_decades`.
        age_years: (N,) int; -1 for a picture without a point label, which goes to training.
        clusters: (N,) int, near-duplicates share a number; pictures that have some go to training.
    """
    chosen = dict.fromkeys(files, "train")
    balanced = SOURCES[source].balanced_decades
    if balanced is None:
        raise ValueError(f"{source}: expected a source with balanced_decades")
    validation, test = balanced
    order = sorted(range(len(files)), key=lambda i: hashlib.sha256(files[i].encode()).digest())
    for decade in range(0, 100, 10):
        rows = [i for i in order if decade <= age_years[i] < decade + 10]
        single = [i for i in rows if (clusters == clusters[i]).sum() == 1]
        if len(single) < validation + test:
            continue  # too few to give any away
        chosen |= {files[i]: "test" for i in single[:test]}
        chosen |= {files[i]: "validation" for i in single[test : test + validation]}
    return chosen


def assign(
    files: Sequence[str],
    sources: Sequence[str],
    official: Sequence[str | None],
    point_age_years: np.ndarray,
    clusters: np.ndarray,
    known: dict[str, str],
) -> list[str]:
    """Split of each of N pictures.

    Args:
        files, sources, official: as in `sources.Picture`.
        point_age_years: (N,) int; -1 for a picture without a point label.
        clusters: (N,) int, near-duplicates share a number.
        known: what `read_lists` returned.

    Returns:
        N names out of SPLITS and OMITTED.
    """
    order = np.lexsort((np.asarray(files), clusters))  # by cluster, then by name
    starts = np.flatnonzero(np.diff(clusters[order], prepend=-1))
    splits = [OMITTED] * len(files)
    for members in np.split(order, starts[1:]):
        split, kept = _place(members, files, sources, official, point_age_years, known)
        for i in kept:
            splits[i] = split
    return splits


def _place(members, files, sources, official, point_age_years, known) -> tuple[str, list[int]]:
    """The split of one cluster, and the members that are kept in it."""
    tests = [i for i in members if official[i] == "val"]
    if tests:
        return "test", tests
    ages = [age for age in point_age_years[members] if age >= 0]
    if ages and max(ages) - min(ages) > MAX_AGE_CONFLICT and not _measured(members, files, known):
        return "train", list(members)
    # A file that the lists already measure with keeps its place, whatever came to join its cluster.
    first = next(iter(_measured(members, files, known)), members[0])
    split = known.get(files[first]) or hash_split(files[first], sources[first])
    if split == "train":
        return "train", list(members)
    # A file that the lists omit is the twin of a measured one, also where that one is not here.
    return split, [first] if split != OMITTED else []


def _measured(members, files, known) -> list[int]:
    return [i for i in members if known.get(files[i]) in ("validation", "test")]
