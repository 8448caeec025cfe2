from collections import Counter

import numpy as np
import pytest

from train.data.sources.registry import SOURCES
from train.data.splits import (
    OMITTED,
    SPLITS,
    assign,
    balanced_lists,
    hash_split,
    read_lists,
    write_lists,
)

UTK = [f"utkface/{i}.jpg" for i in range(3000)]


def _assign(files, clusters, ages=None, official=None, known=None):
    ages = np.array(ages if ages is not None else [30] * len(files))
    sources = [file.split("/")[0] for file in files]
    official = official or [None] * len(files)
    return assign(files, sources, official, ages, np.array(clusters), known or {})


def test_shares_are_about_what_they_should_be():
    counts = Counter(_assign(UTK, range(3000)))
    assert counts["test"] == pytest.approx(300, abs=50)
    assert counts["validation"] == pytest.approx(300, abs=50)


def test_order_of_files_does_not_matter():
    there = dict(zip(UTK, _assign(UTK, range(3000)), strict=True))
    back = dict(zip(UTK[::-1], _assign(UTK[::-1], range(3000)), strict=True))
    assert there == back


def test_no_cluster_crosses_a_split():
    clusters = np.arange(3000) // 3
    splits = np.array(_assign(UTK, clusters))
    for cluster in range(1000):
        assert len(set(splits[clusters == cluster]) - {OMITTED}) == 1
    # Measured splits keep one picture of each cluster, training keeps all.
    assert max(Counter(clusters[splits == "test"]).values()) == 1
    assert min(Counter(clusters[splits == "train"]).values()) == 3


def test_conflicting_ages_are_never_measured_on():
    files = sorted(f for f in UTK if hash_split(f, "utkface") == "test")[:2]
    assert _assign(files, [0, 0], ages=[30, 32]) == ["test", OMITTED]
    assert _assign(files, [0, 0], ages=[30, 60]) == ["train", "train"]


def test_official_validation_pictures_test_and_their_twins_are_omitted():
    files = ["fairface/train/1.jpg", "fairface/val/1.jpg", "fairface/val/2.jpg"]
    official = ["train", "val", "val"]
    assert _assign(files, [0, 0, 0], [-1] * 3, official) == [OMITTED, "test", "test"]


def test_lists_win_over_the_hash_and_hold_a_twin_out():
    known = {"utkface/known.jpg": "test", "utkface/out.jpg": OMITTED}
    assert _assign(["utkface/known.jpg"], [0], known=known) == ["test"]
    # A new twin of a measured picture never reaches training, whatever its age.
    files = ["utkface/a-new-twin.jpg", "utkface/known.jpg"]
    assert _assign(files, [0, 0], ages=[90, 20], known=known) == [OMITTED, "test"]
    # Nor does an omitted twin whose measured picture is not among the user's files.
    assert _assign(["utkface/out.jpg"], [0], known=known) == [OMITTED]


def test_lists_are_read_back_as_written(tmp_path):
    splits = {"b": "train", "a": "train", "c": "test", "d": OMITTED}
    write_lists(splits, tmp_path)
    assert (tmp_path / "train.txt").read_text() == "a\nb\n"
    assert (tmp_path / "omitted.txt").read_text() == "d\n"
    assert read_lists(tmp_path) == splits
    write_lists({"a": "test"}, tmp_path)
    assert read_lists(tmp_path) == {"a": "test"}


def _faces_by_decade() -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names, ages and clusters: 700 pictures of people in their twenties, 300 of them twins; 400 in
    their sixties, 100 of seventies, which are too few to measure with."""
    ages = np.repeat([25, 60, 75], [700, 400, 100])
    clusters = np.arange(len(ages))
    clusters[:300] = np.arange(300) // 2
    return [f"all-age-faces/{i:05d}A{age}.jpg" for i, age in enumerate(ages)], ages, clusters


def test_a_balanced_source_is_measured_on_as_many_of_each_decade():
    files, ages, clusters = _faces_by_decade()
    lists = balanced_lists(files, "all-age-faces", ages, clusters)
    validation, test = SOURCES["all-age-faces"].balanced_decades
    counts = Counter((lists[file], int(age)) for file, age in zip(files, ages, strict=True))
    for age in (25, 60):
        assert (counts["validation", age], counts["test", age]) == (validation, test)
    assert counts["train", 75] == 100
    assert {lists[file] for file in files[:300]} == {"train"}, "twins measure nothing"
    order = np.random.default_rng(0).permutation(len(files))
    again = balanced_lists([files[i] for i in order], "all-age-faces", ages[order], clusters[order])
    assert again == lists


def test_no_picture_of_a_balanced_source_is_placed_by_its_hash():
    files, ages, clusters = _faces_by_decade()
    lists = balanced_lists(files, "all-age-faces", ages, clusters)
    assert _assign(files, clusters, ages, known=lists) == [lists[file] for file in files]


def test_a_picture_without_an_age_is_not_measured_on():
    files = [f"all-age-faces/{i}.jpg" for i in range(400)]
    lists = balanced_lists(files, "all-age-faces", np.full(400, -1), np.arange(400))
    assert set(lists.values()) == {"train"}


def test_committed_lists_are_disjoint_and_hold_fairface_whole():
    known = read_lists()
    counts = Counter((split, file.split("/")[0]) for file, split in known.items())
    assert sum(counts.values()) == len(known)  # read_lists would lose a file listed twice
    assert counts[("test", "fairface")] == 2500
    assert all(counts[(split, source)] for split in SPLITS for source in ("utkface", "fairface"))
    assert not any(f.startswith("fairface/val/") for f, s in known.items() if s != "test")
