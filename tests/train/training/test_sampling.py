"""Which training pictures are drawn how often."""

import re

import numpy as np
import pytest

from train.console.errors import InputError
from train.training.presets import parse
from train.training.sampling import SourceSampler

SOURCE = np.array(["fairface"] * 3000 + ["utkface"] * 1000 + ["all-age-faces"] * 500)
EVENLY = {"utkface": 1, "fairface": 1, "all-age-faces": 1}


@pytest.mark.parametrize(
    "weights",
    [EVENLY, {"utkface": 0.45, "fairface": 0.3, "all-age-faces": 0.25},
     {"utkface": 8, "fairface": 1, "all-age-faces": 1}],
)  # fmt: skip
def test_each_source_has_its_share_and_an_epoch_is_as_long_as_before(weights):
    drawn = SOURCE[list(SourceSampler(SOURCE, weights, seed=0))]
    assert len(drawn) == len(SOURCE)
    for source, weight in weights.items():
        share = weight / sum(weights.values())
        assert (drawn == source).mean() == pytest.approx(share, abs=0.03)


def test_pictures_of_one_source_are_drawn_equally_often():
    sampler = SourceSampler(SOURCE, EVENLY, seed=0)
    counts = np.zeros(len(SOURCE))
    for epoch in range(30):
        sampler.set_epoch(epoch)
        np.add.at(counts, list(sampler), 1)
    assert counts[:3000].mean() == pytest.approx(15, rel=0.05)
    assert counts[3000:4000].mean() == pytest.approx(45, rel=0.05)
    assert counts[4000:].mean() == pytest.approx(90, rel=0.05)
    assert counts[:1500].mean() == pytest.approx(counts[1500:3000].mean(), rel=0.05)


def test_each_epoch_has_its_own_draws_and_the_same_ones_when_resumed():
    whole, resumed = SourceSampler(SOURCE, EVENLY, seed=3), SourceSampler(SOURCE, EVENLY, seed=3)
    first = list(whole)
    whole.set_epoch(1)
    second = list(whole)
    resumed.set_epoch(1)
    assert first != second
    assert list(resumed) == second
    assert list(SourceSampler(SOURCE, EVENLY, seed=4)) != first


@pytest.mark.parametrize("weights", [{"utkface": 1, "fairface": 1}, {"utk": 1}])
def test_every_source_has_a_weight(weights):
    said = (
        "source_weights: expected a weight for each of all-age-faces, fairface, utkface, got some "
    )
    with pytest.raises(InputError, match=f"{said}for {', '.join(weights)}"):
        SourceSampler(SOURCE, weights, seed=0)


def test_a_preset_for_more_sources_trains_on_those_that_are_there():
    known, more = (SourceSampler(SOURCE, w, seed=0) for w in (EVENLY, EVENLY | {"fg-net": 5}))
    assert list(known) == list(more)


@pytest.mark.parametrize("given", ['{"utkface": 0}', '{"utkface": -1}', '{"utkface": "most"}'])
def test_a_weight_that_is_no_number_above_0_is_refused(given):
    said = re.escape("source_weights: expected a number above 0 for each source, got {'utkface'")
    with pytest.raises(InputError, match=said):
        parse(["--source_weights", given])


def test_weights_are_a_json_object():
    *_, training, _ = parse(["--source_weights", '{"utkface": 3, "fairface": 1}'])
    assert training.source_weights == {"utkface": 3, "fairface": 1}
    assert parse([])[2].source_weights == {}
    with pytest.raises(InputError, match="source_weights: expected a JSON object"):
        parse(["--source_weights", "0.5"])
