import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import datasets
import numpy as np
import pytest

from train.console.errors import InputError
from train.prepare import PrepareArguments, prepare

REPOSITORY = Path(__file__).resolve().parents[2]


def test_every_good_picture_is_in_one_split_or_left_out(prepared):
    report = json.loads((prepared / "report.json").read_text())
    counts = {split: sum(n.values()) for split, n in report["pictures"].items()}
    assert sum(counts.values()) == 150 + 6 + 150
    data = datasets.load_from_disk(str(prepared))
    assert {split: len(data[split]) for split in data} == {s: counts[s] for s in data}
    files = [file for split in data for file in data[split]["file"]]
    assert len(files) == len(set(files))
    assert report["problems"]["empty or unreadable file"] == [
        "utkface/25_1_0_20170116174525999.jpg.chip.jpg"
    ]
    assert report["problems"]["not a picture"] == ["utkface/26_1_0_20170116174525999.jpg.chip.jpg"]
    assert report["repaired_groups"] == {"03-Sep": 18, "Oct-19": 18}


def test_point_and_interval_labels_are_told_apart(prepared):
    for row in datasets.load_from_disk(str(prepared))["train"].remove_columns("image"):
        if row["age_type"] == "point":
            assert row["source"] == "utkface" and row["age_low"] == row["age_high"] >= 0
        elif row["age_type"] == "interval":
            assert row["source"] == "fairface" and row["age_low"] < row["age_high"]
        else:
            assert row["age_low"] == row["age_high"] == -1


def test_conflicts_are_resolved_for_training_and_reported(prepared):
    train = datasets.load_from_disk(str(prepared))["train"].remove_columns("image").to_pandas()
    far = train[train["file"].str.contains("_1_2_20180101000002")]
    assert far["age_type"].tolist() == ["none", "none"]
    report = json.loads((prepared / "report.json").read_text())
    ages = sorted(sorted(c["ages"]) for c in report["conflicting_clusters"])
    assert [20, 50] in ages and [40, 42] in ages


def test_pictures_keep_their_own_bytes(prepared, raw_fairface):
    test = datasets.load_from_disk(str(prepared))["test"]
    test = test.cast_column("image", datasets.Image(decode=False))
    rows = [row for row in test if row["source"] == "fairface"]
    assert len(rows) == 30
    for row in rows[:3]:
        original = raw_fairface / row["file"].removeprefix("fairface/")
        assert row["image"]["bytes"] == original.read_bytes()


def test_report_has_its_figures(prepared):
    page = (prepared / "report" / "index.html").read_text()
    for figure in ("ages.png", "gender.png", "ethnicity.png", "duplicates.png"):
        assert figure in page and (prepared / "report" / figure).stat().st_size > 5000


def test_a_failed_run_leaves_the_earlier_data_set(prepared, tmp_path):
    out, nothing = tmp_path / "data", tmp_path / "nothing"
    shutil.copytree(prepared, out)
    nothing.mkdir()
    before = (out / "report.json").read_bytes()
    with pytest.raises(InputError, match="expected UTKFace pictures"):
        prepare(PrepareArguments(out=str(out), utkface=[str(nothing)]))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data", "nothing"]
    assert (out / "report.json").read_bytes() == before


def test_a_folder_with_other_things_is_not_replaced(raw_fairface, tmp_path):
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(InputError, match="holds other files"):
        prepare(PrepareArguments(out=str(tmp_path), fairface=[str(raw_fairface)]))
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_killed_run_leaves_no_data_set_and_the_next_one_cleans_up(raw_fairface, tmp_path):
    out = tmp_path / "data"
    command = [
        sys.executable,
        "-m",
        "train.prepare",
        "--fairface",
        str(raw_fairface),
        "--out",
        str(out),
    ]
    killed = subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.DEVNULL)
    partial = tmp_path / ".data.partial"
    deadline = time.monotonic() + 120
    while not (partial / "scan.arrow").exists():
        assert killed.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    assert partial.exists() and not out.exists()
    prepare(PrepareArguments(out=str(out), fairface=[str(raw_fairface)]))
    assert [p.name for p in tmp_path.iterdir()] == ["data"]


def test_arguments_that_name_nothing():
    with pytest.raises(InputError, match="give --utkface"):
        PrepareArguments(out="x")
    with pytest.raises(InputError, match="no such file or folder: nowhere"):
        PrepareArguments(out="x", utkface=["nowhere"])


def test_real_utkface_no_cluster_crosses_a_split(utkface_part1, fairface_val, tmp_path):
    """On the real files: near-duplicates found anew lie in one split, and the lists are followed."""
    from train.data.duplicates import cluster_ids, find_pairs, perceptual_hash
    from train.data.splits import read_lists

    out = tmp_path / "data"
    summary = prepare(
        PrepareArguments(out=str(out), utkface=[str(utkface_part1)], fairface=[str(fairface_val)])
    )
    assert summary["pictures"]["test"]["fairface"] == 2500
    known, files, hashes, splits = read_lists(), [], [], []
    data = datasets.load_from_disk(str(out))
    for split in data:
        assert all(known[file] == split for file in data[split]["file"])
        rows = data[split]
        if split == "train":
            rows = rows.select(range(3000))
        for row in rows:
            files.append(row["file"])
            splits.append(split)
            hashes.append(np.frombuffer(perceptual_hash(row["image"].convert("RGB")), np.uint8))
    pairs = find_pairs(np.stack(hashes))
    assert len(pairs) > 0
    clusters = cluster_ids(len(files), pairs)
    splits = np.array(splits)
    for cluster in np.flatnonzero(np.bincount(clusters) > 1):
        assert len(set(splits[clusters == cluster])) == 1
