"""A network for each source left out, measured on that source, and the card's table of it."""

import json
from pathlib import Path

import numpy as np
import pytest

from age_model.network.reports import LEAVE_ONE_OUT
from train.card.leave_one_out import leave_one_out_text
from train.console.errors import InputError
from train.data.prepared import load_prepared
from train.evaluation.feature_distance import FeatureDistance
from train.leave_one_out import LeaveOneOutArguments, leave_one_out, main

CONFIG = Path(__file__).resolve().parents[2] / "train" / "configs" / "smoke.json"


@pytest.fixture(scope="module")
def written(prepared, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("leave_one_out")
    main(
        ["--data", str(prepared), "--out", str(out), "--config", str(CONFIG), "--max_steps", "4",
         "--resamples", "50"]
    )  # fmt: skip
    return out


@pytest.mark.slow  # it trains
def test_each_source_is_measured_by_a_network_that_never_saw_it(written, prepared):
    measured = json.loads((written / LEAVE_ONE_OUT).read_text())
    test = load_prepared(prepared)["test"]
    for source, other in (("utkface", "fairface"), ("fairface", "utkface")):
        training = json.loads((written / f"without-{source}/final/training.json").read_text())
        assert list(training["train_pictures"]) == [other]
        numbers = measured["sources"][source]
        assert numbers["omitted"]["n"] == sum(s == source for s in test["source"])
        assert list(numbers["known"]) == [other]
    utkface = measured["sources"]["utkface"]["omitted"]
    assert 0 <= utkface["coverage"]["share"] <= 1 and utkface["years"]["mae"] > 0
    assert sum(quarter["n"] for quarter in utkface["by_distance"] if quarter) == utkface["n"]
    assert "years" not in measured["sources"]["fairface"]["omitted"]  # it has groups only


@pytest.mark.slow  # it trains
def test_given_again_it_trains_nothing_anew(written, prepared, monkeypatch):
    def no_training(*_):
        raise AssertionError("it trained again")

    monkeypatch.setattr("train.leave_one_out.finetune", no_training)
    arguments = LeaveOneOutArguments(str(prepared), str(written), str(CONFIG), max_steps=4)
    assert set(leave_one_out(arguments)["sources"]) == {"utkface", "fairface"}


@pytest.mark.slow  # it trains
def test_card_shows_the_measured_numbers(written, tmp_path):
    text = leave_one_out_text(written)
    sources = json.loads((written / LEAVE_ONE_OUT).read_text())["sources"]
    omitted, known = sources["utkface"]["omitted"], sources["fairface"]["known"]["utkface"]
    lines = text.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("| UTKFace | left out | "))
    assert f" | {omitted['years']['mae']:.2f} | {omitted['years']['bias']:+.2f} | " in lines[at]
    assert lines[at + 1].startswith(f"|  | known | {known['years']['mae']:.2f} | ")
    assert len({line.count("|") for line in lines if line[:1] == "|"}) == 1
    assert leave_one_out_text(tmp_path) == ""


def test_data_of_one_source_is_refused(tmp_path):
    (tmp_path / "sources.json").write_text('{"photos": {}}')
    with pytest.raises(InputError, match=r"two sources or more.*got photos"):
        leave_one_out(LeaveOneOutArguments(str(tmp_path), str(tmp_path / "out")))


def test_known_features_are_near_and_others_far():
    rng = np.random.default_rng(0)
    spread = np.array([5.0, 1.0, 0.5])
    distance = FeatureDistance(rng.normal(size=(2000, 3)) * spread)
    others = distance(rng.normal(size=(2000, 3)) * spread)
    assert np.sqrt((others**2).mean()) == pytest.approx(1, abs=0.05)
    along, across = distance(np.array([[5.0, 0, 0], [0, 5.0, 0]]))
    assert across > 3 * along  # the same step is a larger one where features vary less
