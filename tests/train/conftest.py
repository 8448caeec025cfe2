"""Fixtures of the tests of evaluation, export, card and push: a small data set and a checkpoint."""

import json
import shutil
from pathlib import Path

import datasets
import numpy as np
import pytest
from PIL import Image

from tests.support.own_pictures import picture
from train.prepare import FORMAT

SOURCE_FACTS = {
    "utkface": {
        "title": "UTKFace",
        "licence": "non-commercial research only",
        "citation": "Zhang et al., CVPR 2017.",
        "url": "https://example.org/utkface",
        "labels": "age in years, gender, ethnicity",
    },
    "fairface": {
        "title": "FairFace",
        "licence": "CC BY 4.0",
        "citation": "Kärkkäinen and Joo, WACV 2021.",
        "labels": "age group, gender, ethnicity",
        "hub_id": "someone/fairface",
    },
}
TRAINING = {
    "preset": "tiny",
    "arguments": {"base_model": None, "learning_rate": 0.002, "data": "/home/somebody/faces"},
    "minutes": 41.7,
    "pictures_seen": 365000,
    "hardware": "2 CPU cores",
    "versions": {"torch": "2.13.0"},
    "train_pictures": {"fairface": 40000, "utkface": 17000},
    "source_facts": SOURCE_FACTS,
    "teacher": None,
}


@pytest.fixture(scope="session")
def run_folder(tiny_checkpoint, tmp_path_factory) -> Path:
    """What train.finetune leaves: a checkpoint in float32 and training.json."""
    folder = tmp_path_factory.mktemp("run") / "final"
    folder.mkdir()
    for file in tiny_checkpoint.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "training.json").write_text(json.dumps(TRAINING))
    return folder


@pytest.fixture(scope="session")
def small_data(astronaut, tmp_path_factory) -> Path:
    """A prepared data set whose test split holds 30 point and 20 interval labels."""
    rng = np.random.default_rng(0)
    intervals = [(0, 2), (20, 29), (70, 100), (3, 9)]
    rows = []
    for i in range(50):
        point = i < 30
        low, high = (int(rng.integers(0, 101)),) * 2 if point else intervals[i % 4]
        x, y = rng.integers(0, 200, 2)
        file = tmp_path_factory.getbasetemp() / f"face{i}.png"
        Image.fromarray(astronaut[y : y + 100, x : x + 100]).save(file)
        rows.append({
            "file": f"utkface/{i}.jpg" if point else f"fairface/val/{i}.jpg",
            "source": "utkface" if point else "fairface",
            "image": {"bytes": file.read_bytes(), "path": None},
            "age_type": "point" if point else "interval",
            "age_low": low, "age_high": high, "gender": i % 2, "ethnicity": i % 5 if point else -1,
        })  # fmt: skip
    features = datasets.Features(
        file=datasets.Value("string"), source=datasets.Value("string"), image=datasets.Image(),
        age_type=datasets.Value("string"), age_low=datasets.Value("int32"),
        age_high=datasets.Value("int32"), gender=datasets.Value("int8"),
        ethnicity=datasets.Value("int8"),
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("data") / "faces"
    test = datasets.Dataset.from_list(rows, features=features)
    datasets.DatasetDict(test=test).save_to_disk(folder)
    (folder / "report.json").write_text(json.dumps({"format": FORMAT}))
    (folder / "sources.json").write_text(json.dumps(SOURCE_FACTS))
    return folder


@pytest.fixture(scope="session")
def carded(run_folder, small_data, tmp_path_factory) -> Path:
    """An exported checkpoint with its results and its card."""
    from train.evaluate import main as evaluate
    from train.export import main as export
    from train.model_card import main as write_card

    folder = tmp_path_factory.mktemp("carded") / "checkpoint"
    out = folder.with_name("evaluation")
    export(["--model", str(run_folder), "--out", str(folder)])
    evaluate(f"--model {folder} --data {small_data} --out {out} --resamples 50".split())
    (folder / "results.json").write_bytes((out / "results.json").read_bytes())
    write_card(["--checkpoint", str(folder)])
    return folder


@pytest.fixture(scope="session")
def raw_utkface(astronaut, tmp_path_factory) -> Path:
    """A folder as UTKFace's: 150 pictures, one malformed name, one empty and one broken file, and
    three clusters of copies (same age; 2 years apart; 30 years apart)."""
    folder = tmp_path_factory.mktemp("raw") / "UTKFace"
    folder.mkdir()
    rng = np.random.default_rng(1)
    for i in range(150):
        name = f"{rng.integers(1, 90)}_{i % 2}_{i % 5}_2017011600000{i:04d}.jpg.chip.jpg"
        picture(astronaut, i).save(folder / name, quality=95)
    for cluster, ages in enumerate([(30, 30), (40, 42), (20, 50)]):
        for copy, age in enumerate(ages):
            name = f"{age}_1_2_2018010100000{cluster}{copy}00.jpg.chip.jpg"
            picture(astronaut, 1000 + cluster).save(folder / name, quality=95 - 20 * copy)
    picture(astronaut, 2000).save(folder / "39_1_20170116174525125.jpg.chip.jpg")
    (folder / "25_1_0_20170116174525999.jpg.chip.jpg").write_bytes(b"")
    (folder / "26_1_0_20170116174525999.jpg.chip.jpg").write_bytes(b"\xff\xd8 no picture")
    return folder


@pytest.fixture(scope="session")
def raw_fairface(astronaut, tmp_path_factory) -> Path:
    """A folder as FairFace's, with CSVs that a spreadsheet has damaged."""
    folder = tmp_path_factory.mktemp("raw") / "FairFace"
    groups = [
        "0-2",
        "03-Sep",
        "Oct-19",
        "20-29",
        "30-39",
        "40-49",
        "50-59",
        "60-69",
        "more than 70",
    ]
    races = ["White", "Black", "East Asian", "Southeast Asian", "Indian", "Middle Eastern",
             "Latino_Hispanic"]  # fmt: skip
    for split, count, first in (("train", 120, 3000), ("val", 30, 4000)):
        (folder / split).mkdir(parents=True)
        lines = ["file,age,gender,race,service_test"]
        for i in range(count):
            file = f"{split}/{i}.jpg"
            picture(astronaut, first + i).save(folder / file, quality=95)
            gender = ("Male", "Female")[i % 2]
            lines.append(f"{file},{groups[i % 9]},{gender},{races[i % 7]},False")
        (folder / f"fairface_label_{split}.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="session")
def prepared(raw_utkface, raw_fairface, tmp_path_factory) -> Path:
    """What train.prepare makes of the two."""
    from train.prepare import PrepareArguments, prepare

    out = tmp_path_factory.mktemp("prepared") / "data"
    prepare(
        PrepareArguments(out=str(out), utkface=[str(raw_utkface)], fairface=[str(raw_fairface)])
    )
    return out


@pytest.fixture(scope="session")
def empty_mlflow_database(tmp_path_factory) -> Path:
    """What MLflow makes on its first use, which takes it seconds."""
    import mlflow

    file = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    mlflow.MlflowClient(f"sqlite:///{file}").search_experiments()
    return file


@pytest.fixture
def mlflow_here(empty_mlflow_database, tmp_path, monkeypatch):
    """An MLflow client of an empty store in the test's folder, which is the working folder."""
    import mlflow

    monkeypatch.chdir(tmp_path)
    uri = f"sqlite:///{shutil.copy(empty_mlflow_database, tmp_path)}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    return mlflow.MlflowClient()
