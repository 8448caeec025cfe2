"""train.evaluate: its numbers, its files, and what it does when something is wrong."""

import csv
import dataclasses
import hashlib
import json
import shutil
import threading

import numpy as np
import pytest
import torch
from PIL import Image

from age_model.labels import AGE_GROUP_NAMES, ETHNICITIES, GENDERS, group_index
from age_model.predictor import AgePredictor
from tests.support.factories import face_ages
from train import evaluate, export, model_card, push
from train.evaluation.predict import answered
from train.prepare import FORMAT


@pytest.fixture(scope="module")
def evaluation(carded):
    return carded.with_name("evaluation")


@pytest.fixture(scope="module")
def results(evaluation):
    return json.loads((evaluation / "results.json").read_text())


@pytest.fixture(scope="module")
def rows(evaluation):
    with (evaluation / "predictions.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_results_agree_with_the_predictions(results, rows):
    points = [row for row in rows if row["source"] == "utkface"]
    true = np.array([float(row["true_low"]) for row in points])
    errors = np.array([float(row["years"]) for row in points]) - true
    years = results["sources"]["utkface"]["years"]
    assert years["n"] == len(points) == 30
    assert years["mae"] == pytest.approx(np.abs(errors).mean(), abs=0.01)
    assert years["bias"] == pytest.approx(errors.mean(), abs=0.01)
    low, high = years["mae_interval"]
    assert low < years["mae"] < high
    covered = [
        float(row["interval_low"]) <= age <= float(row["interval_high"])
        for row, age in zip(points, true, strict=True)
    ]
    assert years["interval"]["coverage"] == pytest.approx(np.mean(covered), abs=1e-4)
    for source, numbers in results["sources"].items():
        mine = [row for row in rows if row["source"] == source]
        right = [
            row["group"] == AGE_GROUP_NAMES[group_index(float(row["true_low"]))] for row in mine
        ]
        assert numbers["groups"]["accuracy"] == pytest.approx(np.mean(right), abs=1e-4)
        genders = [row["gender"] == row["true_gender"] for row in mine]
        assert numbers["gender"]["accuracy"] == pytest.approx(np.mean(genders), abs=1e-4)


def test_parts_add_up(results):
    years = results["sources"]["utkface"]["years"]
    for part in ("by_age", "by_decade", "by_group", "by_gender", "by_ethnicity"):
        assert sum(value["n"] for value in years[part].values()) == years["n"]
        mean = sum(value["n"] * value["mae"] for value in years[part].values()) / years["n"]
        assert mean == pytest.approx(years["mae"], abs=0.001)
    assert "ethnicity" not in results["sources"]["fairface"]
    for parts in (results["cells"], results["coverage"]["by_decade"].values()):
        assert sum(part["n"] for part in parts) == years["n"] == results["coverage"]["n"]
    assert results["coverage"]["coverage"] == years["interval"]["coverage"]
    assert set(results["source_facts"]) == set(results["sources"])


def test_predictions_are_those_of_the_predictor(carded, small_data, rows):
    predictor = AgePredictor.from_pretrained(carded, detector="haar")
    table = evaluate.load_split(str(small_data), "test")
    assert [row["file"] for row in rows] == table["file"]
    for i in (0, 7, 49):
        faces = predictor.predict_crops([table[i]["image"]["bytes"]])
        assert float(rows[i]["years"]) == pytest.approx(faces.age_years[0], abs=0.02)
        assert rows[i]["gender"] == GENDERS[faces.gender_probabilities[0].argmax()]
        assert rows[i]["ethnicity"] == ETHNICITIES[faces.ethnicity_probabilities[0].argmax()]


def test_what_is_needed_to_measure_again_is_there_and_no_folder_of_the_machine(
    evaluation, results, rows, small_data
):
    names = "\n".join(sorted(row["file"] for row in rows))
    assert results["schema_version"] == 3
    assert results["data"] == {
        "name": "faces", "split": "test", "n": 50,
        "files_sha256": hashlib.sha256(names.encode()).hexdigest(),
    }  # fmt: skip
    assert results["command"] == (
        "python -m train.evaluate --model checkpoint --data faces --out evaluation "
        "--split test --resamples 50"
    )
    assert len(results["model"]["weights_sha256"]) == 64
    assert str(small_data.parent) not in (evaluation / "results.json").read_text()


def test_figures_are_pictures(evaluation):
    for name in evaluate.OUTPUTS - {"results.json", "predictions.csv"}:
        width, height = Image.open(evaluation / name).size
        assert width > 600 and height > 400, name
    assert {file.name for file in evaluation.iterdir()} == evaluate.OUTPUTS


class CountingPredictor:
    """Says the same age for every picture, and remembers how many came at once, and to whom."""

    def __init__(self):
        self.sizes: list[int] = []
        self.threads: set[int] = set()
        self.torch_threads: set[int] = set()

    def predict_crops(self, crops):
        self.sizes.append(len(crops))
        self.threads.add(threading.get_ident())
        self.torch_threads.add(torch.get_num_threads())
        return face_ages([35.0] * len(crops))


@pytest.mark.parametrize("threads", [1, 2])
def test_a_thread_has_one_batch_in_memory_and_computes_alone(small_data, threads):
    predictor = CountingPredictor()
    table = evaluate.load_split(str(small_data), "test")
    before = torch.get_num_threads()
    predictions = evaluate.predict_split(predictor, table, batch_size=16, threads=threads)
    assert sorted(predictor.sizes) == [2, 16, 16, 16]
    assert predictions.file.tolist() == table["file"]
    assert predictor.torch_threads == {before if threads == 1 else 1}
    assert torch.get_num_threads() == before
    in_the_caller = predictor.threads == {threading.get_ident()}
    assert in_the_caller == (threads == 1)


def test_batches_are_not_read_before_there_are_threads_for_them(small_data):
    table = evaluate.load_split(str(small_data), "test")
    predictor = CountingPredictor()
    batches = answered(predictor, table, batch_size=5, threads=2)
    first, faces = next(batches)
    assert first["file"] == table["file"][:5] and len(faces) == 5
    batches.close()
    assert len(predictor.sizes) <= 3


def test_data_of_another_format_is_refused(carded, small_data, tmp_path):
    data = shutil.copytree(small_data, tmp_path / "old")
    (data / "report.json").write_text('{"format": 0}')
    with pytest.raises(SystemExit, match=f"old: expected data of format {FORMAT}, got 0"):
        evaluate.main(arguments(carded, data, tmp_path / "out"))


def arguments(carded, small_data, out, **other):
    options = {"model": carded, "data": small_data, "out": out, "resamples": 10} | other
    return [text for key, value in options.items() for text in (f"--{key}", str(value))]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"data": "nowhere"}, "expected a folder made by `python -m train.prepare`"),
        ({"split": "exam"}, "expected a split 'exam' with pictures in .*, got test"),
        ({"resamples": 0}, "--resamples of at least 1, got 0"),
        ({"batch_size": 0}, "--batch_size of at least 1, got 0"),
    ],
)
def test_wrong_input_is_named(carded, small_data, tmp_path, wrong, message):
    with pytest.raises(SystemExit, match=message):
        evaluate.main(arguments(carded, small_data, tmp_path / "out", **wrong))
    assert not list(tmp_path.iterdir())


def test_a_failed_run_leaves_the_older_evaluation_as_it_was(
    carded, small_data, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    out.mkdir()
    (out / "results.json").write_text("older")

    def fail(*_):
        raise RuntimeError("disk full")

    monkeypatch.setattr(evaluate, "draw_figures", fail)
    with pytest.raises(RuntimeError):
        evaluate.main(arguments(carded, small_data, out))
    assert [file.name for file in out.iterdir()] == ["results.json"]
    assert (out / "results.json").read_text() == "older"
    assert [folder.name for folder in tmp_path.iterdir()] == ["out"]


def test_a_folder_with_other_files_is_left_alone(carded, small_data, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(SystemExit, match="name another folder"):
        evaluate.main(arguments(carded, small_data, tmp_path))
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    "options",
    [
        evaluate.EvaluateArguments,
        export.ExportArguments,
        model_card.CardArguments,
        push.PushArguments,
    ],
)
def test_every_option_has_help(options):
    assert all(option.metadata.get("help") for option in dataclasses.fields(options))
