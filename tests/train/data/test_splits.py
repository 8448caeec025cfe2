from collections import Counter

import numpy as np
import pytest

from train.data.duplicates import cluster_ids
from train.data.sources.registry import SOURCES
from train.data.splits import (
    OMITTED,
    SPLITS,
    Candidates,
    assign,
    balanced_lists,
    hash_split,
    read_lists,
    same_subject,
    write_lists,
)

UTK = [f"utkface/{i}.jpg" for i in range(3000)]


QUOTAS = (60, 125)
SHARES = {key: source.shares for key, source in SOURCES.items()}


def _assign(files, clusters, ages=None, official=None, known=None, subjects=None):
    clusters, subjects = np.array(clusters), subjects or [None] * len(files)
    twins = np.array([(int(np.argmax(clusters == c)), i) for i, c in enumerate(clusters)])
    candidates = Candidates(
        files=files,
        sources=[file.split("/")[0] for file in files],
        official=official or [None] * len(files),
        subjects=subjects,
        point_age_years=np.array(ages if ages is not None else [30] * len(files)),
        clusters=clusters,
        groups=cluster_ids(len(files), np.concatenate([twins, same_subject(subjects)])),
    )
    return assign(candidates, SHARES, known or {})


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
    files = sorted(f for f in UTK if hash_split(f, SHARES["utkface"]) == "test")[:2]
    assert _assign(files, [0, 0], ages=[30, 32]) == ["test", OMITTED]
    assert _assign(files, [0, 0], ages=[30, 60]) == ["train", "train"]


def test_official_validation_pictures_test_and_their_twins_are_omitted():
    files = ["fairface/train/1.jpg", "fairface/val/1.jpg", "fairface/val/2.jpg"]
    official = ["train", "test", "test"]
    assert _assign(files, [0, 0, 0], [-1] * 3, official) == [OMITTED, "test", "test"]


def test_official_splits_are_kept_and_those_that_a_source_lacks_are_drawn_from_its_training():
    official = ["train", "validation"] * 1500
    counts = Counter(zip(official, _assign(UTK, range(3000), official=official), strict=True))
    assert counts["validation", "validation"] == 1500 and not counts["train", "validation"]
    assert counts["train", "test"] == pytest.approx(150, abs=40)
    official = ["train", "validation", "test"] * 1000
    assert _assign(UTK, range(3000), official=official) == official


def test_a_person_stays_within_one_split_with_all_pictures():
    subjects = [f"utkface/person {i % 300}" for i in range(3000)]
    ages = [i % 80 for i in range(3000)]  # of one person at different times
    splits = _assign(UTK, range(3000), ages, subjects=subjects)
    assert set(splits) == set(SPLITS)
    for person in range(300):
        assert len(set(splits[person::300])) == 1
    # Of copies of one picture only the first is measured on.
    files = UTK[:3]
    person = next(p for p in map(str, range(99)) if hash_split(p, SHARES["utkface"]) == "test")
    assert _assign(files, [0, 0, 1], subjects=[person] * 3) == ["test", OMITTED, "test"]
    # Where the source itself parts a person, what is for test stays, and the rest is omitted.
    official = ["train", "train", "test"]
    split = _assign(files, [0, 1, 2], official=official, subjects=["anna"] * 3)
    assert split == [OMITTED, OMITTED, "test"]


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
    validation, test = QUOTAS
    lists = balanced_lists(files, QUOTAS, ages, clusters)
    counts = Counter((lists[file], int(age)) for file, age in zip(files, ages, strict=True))
    for age in (25, 60):
        assert (counts["validation", age], counts["test", age]) == (validation, test)
    assert counts["train", 75] == 100
    assert {lists[file] for file in files[:300]} == {"train"}, "twins measure nothing"
    order = np.random.default_rng(0).permutation(len(files))
    again = balanced_lists([files[i] for i in order], QUOTAS, ages[order], clusters[order])
    assert again == lists


def test_no_picture_of_a_balanced_source_is_placed_by_its_hash():
    files, ages, clusters = _faces_by_decade()
    lists = balanced_lists(files, QUOTAS, ages, clusters)
    assert _assign(files, clusters, ages, known=lists) == [lists[file] for file in files]


def test_a_picture_without_an_age_is_not_measured_on():
    files = [f"all-age-faces/{i}.jpg" for i in range(400)]
    lists = balanced_lists(files, QUOTAS, np.full(400, -1), np.arange(400))
    assert set(lists.values()) == {"train"}


def test_committed_lists_are_disjoint_and_hold_fairface_whole():
    known = read_lists()
    counts = Counter((split, file.split("/")[0]) for file, split in known.items())
    assert sum(counts.values()) == len(known)  # read_lists would lose a file listed twice
    assert counts[("test", "fairface")] == 2500
    assert all(counts[(split, source)] for split in SPLITS for source in ("utkface", "fairface"))
    assert not any(f.startswith("fairface/val/") for f, s in known.items() if s != "test")
