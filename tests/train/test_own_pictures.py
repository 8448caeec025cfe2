"""One's own pictures through the whole kit: prepared, trained on, calibrated, measured."""

import json
import re
import shlex
from pathlib import Path

import datasets
import numpy as np
import pytest
from PIL import Image

from tests.support.own_pictures import SHAPES, write_folder, write_source_json
from train import calibrate, evaluate, finetune, prepare
from train.data.prepared import load_prepared

REPOSITORY = Path(__file__).resolve().parents[2]
CONFIGS = REPOSITORY / "train" / "configs"
BRIEF = "--max_steps 4 --warmup_steps 1 --eval_steps 2 --save_steps 2 --report_to none"
COUNT = 80  # enough for some in each split


def photos(folder: Path, astronaut, shape: str) -> Path:
    return write_folder(folder, astronaut, [SHAPES[shape](i) for i in range(COUNT)])


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_whatever_labels_there_are_they_are_trained_on_measured_and_told(
    astronaut, tmp_path, monkeypatch, shape
):
    monkeypatch.chdir(tmp_path)
    folder = photos(tmp_path / "museum", astronaut, shape)
    write_source_json(folder, title="Museum visitors", licence="CC BY-NC 4.0", citation="Me, 2026")
    prepare.main(["--source", "museum", "--out", "data"])
    finetune.main(
        f"--config {CONFIGS}/smoke.json {BRIEF} --data data --output_dir runs/mine".split()
    )
    calibrate.main(["--model", "runs/mine/final", "--data", "data"])
    measured = "--model runs/mine/final --data data --out runs/evaluation --resamples 20"
    evaluate.main([*measured.split(), "--write_card", "true"])
    results = json.loads(Path("runs/mine/final/results.json").read_text())
    numbers = results["sources"]["museum"]
    expected = {
        "all": {"years", "groups", "gender", "ethnicity"},
        "years": {"years", "groups"},
        "groups": {"groups"},
        "gender": {"gender"},
        "ethnicity": {"ethnicity"},
    }[shape]
    assert {"years", "groups", "gender", "ethnicity"} & set(numbers) == expected
    assert "write_card" not in results["command"]
    card = Path("runs/mine/final/README.md").read_text()
    assert re.search(r"\| Museum visitors \| \d+ \| [\w, ]+ \| CC BY-NC 4.0 \|", card)
    assert "Museum visitors: Me, 2026." in card and "license_name: non-commercial" in card
    assert not re.search(r"UTKFace|FairFace|\{\{|\{%|None|nan\b", card)
    untrained = re.findall(r"label of (age): what the network says|was not taught (\w+),", card)
    assert {age or attribute for age, attribute in untrained} == {"age", "gender", "ethnicity"} - (
        {"age"} if expected & {"years", "groups"} else set()
    ) - expected


@pytest.fixture
def whole_photos(astronaut, tmp_path) -> Path:
    """As many photos, of one face on backgrounds that differ."""
    folder = photos(tmp_path / "photos", astronaut, "all")
    head = Image.fromarray(astronaut[:300, 80:380])
    for i in range(COUNT):
        photo = Image.open(folder / f"{i:03d}.jpg").resize((420, 420))
        photo.paste(head.rotate(i % 9 - 4), (60, 60))
        photo.save(folder / f"{i:03d}.jpg", quality=90)
    return folder


@pytest.mark.slow
def test_the_commands_of_the_documentation_run(
    whole_photos, tiny_checkpoint, tmp_path, monkeypatch
):
    text = (REPOSITORY / "docs" / "training.md").read_text()
    section = text.split("## Your own pictures")[1].split("\n## ")[0]
    (block, *_) = re.findall(r"^```\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    commands = [shlex.split(line)[2:] for line in block.splitlines()]
    steps = {"train.prepare": prepare, "train.finetune": finetune, "train.calibrate": calibrate,
             "train.evaluate": evaluate}  # fmt: skip
    assert [module for module, *_ in commands] == list(steps)
    monkeypatch.chdir(tmp_path)
    Path("age_model").mkdir()
    Path("age_model/checkpoint").symlink_to(tiny_checkpoint)
    # All crops are of one face, and would count as copies of one picture.
    monkeypatch.setattr(prepare, "find_pairs", lambda hashes: np.zeros((0, 3), np.int64))
    for module, *argv in commands:
        argv = [word.replace("train/configs", str(CONFIGS)) for word in argv]
        more = BRIEF if module == "train.finetune" else ""
        steps[module].main([*argv, *more.split()])
    (card,) = Path("runs").glob("*/final/README.md")
    assert "Starting from `age_model/checkpoint`" in card.read_text()
    report = json.loads(Path("data/report.json").read_text())
    kept = sum(counts["photos"] for counts in report["pictures"].values() if counts)
    assert kept + sum(map(len, report["problems"].values())) == COUNT and kept > 0.9 * COUNT


def test_a_person_stays_in_one_split_and_official_splits_are_kept(astronaut, tmp_path):
    people = [{"age": 20 + i, "subject": f"person {i % 30}"} for i in range(90)]
    official = [{"age": 20 + i, "split": ("train", "val", "test")[i % 3]} for i in range(30)]
    folders = [
        write_folder(tmp_path / "people", astronaut, people),
        write_folder(tmp_path / "official", astronaut, official, first=9000),
    ]
    sources = [option for folder in folders for option in ("--source", str(folder))]
    prepare.main([*sources, "--out", str(tmp_path / "data")])
    data = datasets.load_from_disk(str(tmp_path / "data"))
    splits_of: dict[str, set[str]] = {}
    for split, rows in data.items():
        for file in rows["file"]:
            source, name = file.split("/")
            number = int(name[:3])
            if source == "official":
                assert split == ("train", "validation", "test")[number % 3]
            else:
                splits_of.setdefault(people[number]["subject"], set()).add(split)
    assert len(splits_of) == 30 and all(len(splits) == 1 for splits in splits_of.values())
    assert set.union(*splits_of.values()) == {"train", "validation", "test"}
    assert json.loads((tmp_path / "data" / "sources.json").read_text())["people"]["people"] == 30


def test_every_bad_file_is_named_also_where_all_are_bad(astronaut, tmp_path, capsys):
    folder = write_folder(tmp_path / "photos", astronaut, [{"age": i} for i in range(4)])
    (folder / "000.jpg").write_bytes(b"")
    (folder / "001.jpg").write_bytes(b"\xff\xd8 no picture")
    (folder / "003.jpg").unlink()
    out = tmp_path / "data"
    prepare.main(["--source", str(folder), "--out", str(out)])
    said = capsys.readouterr().out
    problems = {
        "empty or unreadable file": "000.jpg",
        "not a picture": "001.jpg",
        "in the metadata, but there is no such file": "003.jpg",
    }
    for reason, name in problems.items():
        assert f"omitted: 1, {reason}\n    photos/{name}\n" in said
    assert "no picture is in the split" in said
    (folder / "002.jpg").write_bytes(b"no picture")
    with pytest.raises(SystemExit, match="expected good pictures, found none"):
        prepare.main(["--source", str(folder), "--out", str(out)])
    said = capsys.readouterr().err
    assert "omitted: 2, not a picture\n    photos/001.jpg\n    photos/002.jpg\n" in said
    assert all(name in said for name in problems.values())


def test_photos_without_a_face_or_with_several_are_named(astronaut, tmp_path):
    folder = write_folder(tmp_path / "photos", astronaut, [{"age": 30}] * 3)
    head = Image.fromarray(astronaut[:300, 80:380])
    for i, faces in enumerate([1, 0, 2]):
        photo = Image.new("RGB", (700, 340), "teal")
        for place in range(faces):
            photo.paste(head, (20 + 350 * place, 20))
        photo.save(folder / f"00{i}.jpg")
    summary = prepare.prepare(
        prepare.PrepareArguments(out=str(tmp_path / "data"), source=[str(folder)], crop=True)
    )
    assert summary["problems"] == {
        "no face found": ["photos/001.jpg"],
        "several faces of about the same size": ["photos/002.jpg"],
    }
    assert [counts for counts in summary["pictures"].values() if counts] == [{"photos": 1}]


def test_a_data_set_with_an_empty_split_is_refused_in_one_sentence(astronaut, tmp_path):
    rows = [{"age": 20 + i, "split": ("train", "validation")[i % 2]} for i in range(6)]
    folder = write_folder(tmp_path / "photos", astronaut, rows)
    out = tmp_path / "data"
    prepare.main(["--source", str(folder), "--out", str(out)])
    assert not len(load_prepared(out)["test"])
    with pytest.raises(SystemExit, match="expected a split 'test' with pictures"):
        evaluate.main(f"--model {tmp_path} --data {out} --out {tmp_path}/evaluation".split())
