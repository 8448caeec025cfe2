import json
import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import datasets
import numpy as np
import pytest
from PIL import Image

from age_model.faces.crop import crop_face
from age_model.faces.detector import load_detector
from age_model.images.load import load_image
from train.console.errors import InputError
from train.data import splits
from train.data.prepared import FORMAT
from train.data.sources.registry import SOURCES
from train.prepare import PrepareArguments, main, prepare

REPOSITORY = Path(__file__).resolve().parents[2]


def test_every_good_picture_is_in_one_split_or_omitted(prepared):
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


def test_the_data_set_names_its_sources_and_their_licences(prepared):
    sources = json.loads((prepared / "sources.json").read_text())
    assert sources == {key: SOURCES[key].to_dict() for key in ("fairface", "utkface")}
    report = json.loads((prepared / "report.json").read_text())
    assert report["format"] == FORMAT == 2


@pytest.fixture(scope="module")
def raw_photos(astronaut, tmp_path_factory) -> Path:
    """A folder as All-Age-Faces': whole photos with one face, none, or two of like size."""
    folder = tmp_path_factory.mktemp("raw") / "All-Age-Faces"
    folder.mkdir()
    head = Image.fromarray(astronaut[:300, 80:380])
    faces = {"00001A30": [300], "07381A30": [300], "00002A31": [], "00003A40": [280, 300],
             "00004A32": [320, 110], "woman 41": [300]}  # fmt: skip
    for i, (name, sizes) in enumerate(faces.items()):
        photo = Image.new("RGB", (800, 420), (60 + 20 * i, 120, 130))
        left = 20
        for size in sizes:
            photo.paste(head.resize((size, size)), (left, 50))
            left += size + 60
        photo.save(folder / f"{name}.jpg", quality=95)
    (folder / "00005A50.jpg").write_bytes(b"")
    (folder / "00006A51.jpg").write_bytes(b"\xff\xd8 no picture")
    return folder


@pytest.fixture(scope="module")
def with_photos(raw_photos, raw_fairface, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("photos") / "data"
    folders = ["--all_age_faces", str(raw_photos), "--fairface", str(raw_fairface)]
    main([*folders, "--out", str(out)])
    return out


def test_of_whole_photos_the_one_face_is_kept_and_the_others_are_named(with_photos):
    report = json.loads((with_photos / "report.json").read_text())
    prefix = "all-age-faces/"
    assert report["problems"] == {
        "name is not [number]A[age]": [f"{prefix}woman 41.jpg"],
        "no face found": [f"{prefix}00002A31.jpg"],
        "several faces of about the same size": [f"{prefix}00003A40.jpg"],
        "empty or unreadable file": [f"{prefix}00005A50.jpg"],
        "not a picture": [f"{prefix}00006A51.jpg"],
    }
    assert sum(split.get("all-age-faces", 0) for split in report["pictures"].values()) == 3
    assert list(json.loads((with_photos / "sources.json").read_text())) == [
        "all-age-faces",
        "fairface",
    ]


def test_the_face_in_a_photo_is_stored_as_the_app_crops_it(with_photos, raw_photos):
    detector = load_detector(None)
    rows = [row for part in datasets.load_from_disk(str(with_photos)).values() for row in part
            if row["source"] == "all-age-faces"]  # fmt: skip
    assert rows
    for row in rows:
        crop = np.asarray(row["image"].convert("RGB")).astype(int)
        image_rgb = load_image(
            (raw_photos / row["file"].removeprefix("all-age-faces/")).read_bytes()
        )
        expected = crop_face(image_rgb, detector.detect(image_rgb), 0, len(crop))
        assert np.abs(crop - expected).mean() < 3
        assert 30 <= row["age_low"] == row["age_high"] <= 32 and row["ethnicity"] == -1


@pytest.mark.slow
def test_new_files_go_into_the_lists_and_older_ones_stay(
    raw_photos, raw_fairface, tmp_path, monkeypatch
):
    known = {"utkface/elsewhere.jpg": "test", "all-age-faces/07381A30.jpg": "validation"}
    folder = tmp_path / "lists"
    for function in ("read_lists", "write_lists"):
        monkeypatch.setattr(
            f"train.prepare.{function}", partial(getattr(splits, function), folder=folder)
        )
    splits.write_lists(known, folder)
    argv = ["--all_age_faces", str(raw_photos), "--out", str(tmp_path / "data")]
    main([*argv, "--write_split_lists"])
    written = splits.read_lists(folder)
    assert {file: written[file] for file in known} == known
    names = {f"all-age-faces/{name}.jpg" for name in ("00001A30", "07381A30", "00004A32")}
    assert set(written) == {*known, *names}
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    main(argv)  # not asked to write them
    assert before == {path.name: path.read_bytes() for path in folder.iterdir()}


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
    with pytest.raises(ValueError, match="holds other files"):
        prepare(PrepareArguments(out=str(tmp_path), fairface=[str(raw_fairface)]))
    assert (tmp_path / "mine").read_text() == "mine"


@pytest.mark.slow
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
    with pytest.raises(InputError, match=r"give --utkface PATH\.\.\. or .* --source PATH"):
        PrepareArguments(out="x")
    with pytest.raises(InputError, match="no such file or folder: nowhere"):
        PrepareArguments(out="x", utkface=["nowhere"])


def test_real_utkface_no_cluster_crosses_a_split(utkface_part1, fairface_val, tmp_path):
    """On the real files: near-duplicates found anew lie in one split, as the lists say."""
    from train.data.duplicates import cluster_ids, find_pairs, perceptual_hash
    from train.data.splits import read_lists

    out = tmp_path / "data"
    summary = prepare(
        PrepareArguments(out=str(out), utkface=[str(utkface_part1)], fairface=[str(fairface_val)])
    )
    assert summary["pictures"]["test"]["fairface"] == 2500
    known, files, hashes, places = read_lists(), [], [], []
    data = datasets.load_from_disk(str(out))
    for split in data:
        assert all(known[file] == split for file in data[split]["file"])
        rows = data[split]
        if split == "train":
            rows = rows.select(range(3000))
        for row in rows:
            files.append(row["file"])
            places.append(split)
            hashes.append(np.frombuffer(perceptual_hash(row["image"].convert("RGB")), np.uint8))
    pairs = find_pairs(np.stack(hashes))
    assert len(pairs) > 0
    clusters = cluster_ids(len(files), pairs)
    places = np.array(places)
    for cluster in np.flatnonzero(np.bincount(clusters) > 1):
        assert len(set(places[clusters == cluster])) == 1
