"""Which training pictures are drawn how often."""

import numpy as np
import pytest

from train.console.errors import InputError
from train.training.args import parse
from train.training.sampling import SourceSampler

SOURCE = np.array(["fairface"] * 3000 + ["utkface"] * 1000)


@pytest.mark.parametrize("share", [0.25, 0.5, 0.8])
def test_the_share_is_as_asked_and_an_epoch_as_long_as_before(share):
    drawn = SOURCE[list(SourceSampler(SOURCE, share, seed=0))]
    assert len(drawn) == len(SOURCE)
    assert (drawn == "utkface").mean() == pytest.approx(share, abs=0.03)


def test_pictures_of_one_source_are_drawn_equally_often():
    sampler = SourceSampler(SOURCE, 0.5, seed=0)
    counts = np.zeros(len(SOURCE))
    for epoch in range(30):
        sampler.set_epoch(epoch)
        np.add.at(counts, list(sampler), 1)
    assert counts[:3000].mean() == pytest.approx(20, rel=0.05)
    assert counts[3000:].mean() == pytest.approx(60, rel=0.05)
    assert counts[:1500].mean() == pytest.approx(counts[1500:3000].mean(), rel=0.05)


def test_each_epoch_has_its_own_draws_and_the_same_ones_when_resumed():
    whole, resumed = SourceSampler(SOURCE, 0.5, seed=3), SourceSampler(SOURCE, 0.5, seed=3)
    first = list(whole)
    whole.set_epoch(1)
    second = list(whole)
    resumed.set_epoch(1)
    assert first != second
    assert list(resumed) == second
    assert list(SourceSampler(SOURCE, 0.5, seed=4)) != first


@pytest.mark.parametrize("source", ["utkface", "fairface"])
def test_one_data_set_alone_has_no_share(source):
    with pytest.raises(InputError, match="utkface_share: expected pictures of both data sets"):
        SourceSampler(np.array([source] * 5), 0.5, seed=0)


@pytest.mark.parametrize("share", ["0", "1", "-0.1", "1.5"])
def test_a_share_outside_0_to_1_is_refused(share):
    with pytest.raises(InputError, match="utkface_share: expected a number between 0 and 1"):
        parse(["--utkface_share", share])
