"""Which picture trains, which selects, which tests: decided once, by file name and duplicates.

The lists in `train/data/split_lists/` hold the known files; they were written by `write_lists` and
are data under version control. A source may have official splits; those that it lacks are drawn
from its training pictures, by a hash of the file's name or of the person, as are those of a source
without any. In all cases what must not be parted stays in one split: near-duplicates, and pictures
of the same person where a source tells people apart. Of such a group,

- a picture that is officially for test decides for all. Official test and validation pictures are
  all kept (2,500 of FairFace is what others report on); the group's other members are omitted.
- near-duplicates whose known point ages lie more than MAX_AGE_CONFLICT years apart send it to
  training: a label that its own twin contradicts can measure nothing.
- otherwise the first member (by name) decides. In validation and test the first one of each cluster
  of near-duplicates alone is kept, so that no picture counts twice.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SPLITS = ("train", "validation", "test")
OMITTED = "omitted"
LIST_FOLDER = Path(__file__).parent / "split_lists"

MAX_AGE_CONFLICT = 5  # years


@dataclass(frozen=True)
class Candidates:
    """What decides on the splits of N pictures.

    Attributes:
        files, sources: as in `sources.Picture`.
        official: the split that the source itself names, or None.
        subjects: who is shown, or None.
        point_age_years: (N,) int; -1 for a picture without a point label.
        clusters: (N,) int, near-duplicates share a number.
        groups: (N,) int, pictures that must stay in one split share a number: near-duplicates, and
            those of the same person.
    """

    files: Sequence[str]
    sources: Sequence[str]
    official: Sequence[str | None]
    subjects: Sequence[str | None]
    point_age_years: np.ndarray
    clusters: np.ndarray
    groups: np.ndarray


def same_subject(subjects: Sequence[str | None]) -> np.ndarray:
    """(P, 2) int64 pairs of indices that link all pictures of each person, in the order given."""
    last: dict[str, int] = {}
    pairs = []
    for i, subject in enumerate(subjects):
        if subject is not None:
            pairs += [(last[subject], i)] if subject in last else []
            last[subject] = i
    return np.array(pairs, np.int64).reshape(-1, 2)


def hash_split(name: str, shares: Mapping[str, float]) -> str:
    """Split of what no list knows: the same on every machine and in every order of files.

    Args:
        name: of the file or the person.
        shares: by split, 0 to 1; the rest trains.
    """
    place, bound = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) / 0x100000000, 0.0
    for split, share in shares.items():
        bound += share
        if place < bound:
            return split
    return "train"


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
    files: Sequence[str], quotas: tuple[int, int], age_years: np.ndarray, clusters: np.ndarray
) -> dict[str, str]:
    """Splits by file name for a source that is measured on as many pictures of each decade.

    Args:
        files: (N,) names of the source's pictures.
        quotas: pictures of each decade for validation and for test.
        age_years: (N,) int; -1 for a picture without a point label, which goes to training.
        clusters: (N,) int, near-duplicates share a number; pictures that have some go to training.
    """
    chosen = dict.fromkeys(files, "train")
    validation, test = quotas
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
    pictures: Candidates, shares: Mapping[str, Mapping[str, float]], known: Mapping[str, str]
) -> list[str]:
    """Split of each of N pictures.

    Args:
        pictures: what decides.
        shares: of each source, by split; see `sources.Source.shares`.
        known: what `read_lists` returned.

    Returns:
        N names out of SPLITS and OMITTED.
    """
    official = set(zip(pictures.sources, pictures.official, strict=True))
    drawn = {
        source: {split: share for split, share in shares[source].items()
                 if (source, split) not in official}
        for source in set(pictures.sources)
    }  # fmt: skip
    order = np.lexsort((np.asarray(pictures.files), pictures.groups))  # by group, then by name
    starts = np.flatnonzero(np.diff(pictures.groups[order], prepend=-1))
    splits = [OMITTED] * len(pictures.files)
    for members in np.split(order, starts[1:]):
        split, kept = _place(members.tolist(), pictures, drawn, known)
        for i in kept:
            splits[i] = split
    return splits


def _place(
    members: list[int], pictures: Candidates, drawn: Mapping, known: Mapping[str, str]
) -> tuple[str, list[int]]:
    """The split of one group, and the members that are kept in it."""
    files, official = pictures.files, pictures.official
    measured = [i for i in members if known.get(files[i]) in ("validation", "test")]
    for split in ("test", "validation"):
        kept = [i for i in members if official[i] == split]
        # A file that the lists measure keeps its place, whatever came to join its group.
        if kept and (split == "test" or not measured):
            return split, kept
    if not measured and _conflicting(members, pictures):
        return "train", members
    first = measured[0] if measured else members[0]
    name = pictures.subjects[first] or files[first]
    split = known.get(files[first]) or hash_split(name, drawn[pictures.sources[first]])
    if split == "train":
        return "train", members
    if split == OMITTED:
        # A file that the lists omit is the twin of a measured one, also where that is not here.
        return OMITTED, []
    # The first of each cluster, where there are several those that the lists measure.
    of_cluster = {pictures.clusters[i]: i for i in reversed([*measured, *members])}
    return split, list(of_cluster.values())


def _conflicting(members: list[int], pictures: Candidates) -> bool:
    """Whether the point ages of near-duplicates among the members contradict each other."""
    clusters: dict[int, list[int]] = {}
    for i in members:
        if pictures.point_age_years[i] >= 0:
            clusters.setdefault(pictures.clusters[i], []).append(int(pictures.point_age_years[i]))
    return any(max(ages) - min(ages) > MAX_AGE_CONFLICT for ages in clusters.values())
