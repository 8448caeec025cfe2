import numpy as np
import pytest
import torch

from train.training.losses import (
    age_class_weights,
    class_loss,
    interval_age_loss,
    point_age_loss,
    soft_age_targets,
)

LOW, HIGH = torch.tensor([30, 20, -1, 70]), torch.tensor([30, 29, -1, 100])


def test_soft_targets_are_distributions_wider_for_the_old():
    targets = soft_age_targets(torch.arange(101))
    assert torch.allclose(targets.sum(dim=1), torch.ones(101))
    assert targets.argmax(dim=1).tolist() == list(range(101))
    assert targets[5].max() > targets[80].max()


def test_noisy_labels_have_wider_targets():
    ages = torch.tensor([50, 50, 0, 0])
    targets = soft_age_targets(ages, torch.tensor([0.03, 0.1, 0.03, 0.1]))
    years = torch.arange(101.0)

    def spread(row: int) -> float:
        return (targets[row] * (years - ages[row]) ** 2).sum().sqrt().item()

    assert spread(0) == pytest.approx(1 + 0.03 * 50, rel=0.01)
    assert spread(1) == pytest.approx(1 + 0.1 * 50, rel=0.01)
    assert torch.equal(targets[2], targets[3]), "the noise grows with the age, from nothing"
    assert torch.equal(soft_age_targets(ages[:1]), targets[:1]), "0.03 where nothing is said"


def test_a_noisy_label_is_less_sure_of_its_year():
    sure = torch.full((2, 101), -20.0)
    sure[:, 30] = 20.0
    low = torch.tensor([30, 30])
    quiet, noisy = point_age_loss(sure, low, low, torch.tensor([0.03, 0.1]))
    assert noisy > quiet > 0


def test_each_loss_answers_only_for_its_kind_of_label():
    logits = torch.randn(4, 101, generator=torch.Generator().manual_seed(0))
    point, interval = point_age_loss(logits, LOW, HIGH), interval_age_loss(logits, LOW, HIGH)
    assert (point > 0).tolist() == [True, False, False, False]
    assert (interval > 0).tolist() == [False, True, False, True]


def test_interval_loss_is_the_log_of_the_probability_inside():
    logits = torch.randn(4, 101, generator=torch.Generator().manual_seed(1))
    p = logits.softmax(dim=1)
    loss = interval_age_loss(logits, LOW, HIGH)
    assert loss[1].item() == pytest.approx(-np.log(p[1, 20:30].sum().item()), rel=1e-4)
    assert loss[3].item() == pytest.approx(-np.log(p[3, 70:].sum().item()), rel=1e-4)


def test_gradients_are_finite_where_a_label_is_missing():
    logits = torch.zeros(4, 101, requires_grad=True)
    (point_age_loss(logits, LOW, HIGH) + interval_age_loss(logits, LOW, HIGH)).sum().backward()
    assert torch.isfinite(logits.grad).all()
    assert logits.grad[2].abs().sum() == 0


def test_missing_class_costs_nothing():
    loss = class_loss(torch.tensor([[2.0, 0.0], [2.0, 0.0]]), torch.tensor([-1, 1]))
    assert loss[0] == 0 and loss[1].item() == pytest.approx(np.log(1 + np.exp(2)), rel=1e-5)


def _labels():
    point = np.repeat([26, 80], [900, 100])
    low, high = np.repeat([20, 70], [300, 100]), np.repeat([29, 100], [300, 100])
    return np.concatenate([point, low, [-1]]), np.concatenate([point, high, [-1]])


@pytest.mark.parametrize("scheme", ["inverse", "effective"])
def test_rare_ages_weigh_more_and_the_mean_weight_is_one(scheme):
    low, high = _labels()
    point, interval = age_class_weights(low, high, scheme, power=1.0)
    assert point[80] > 3 * point[26] and interval[8] > 2 * interval[3]
    assert (point[26] * 900 + point[80] * 100) / 1000 == pytest.approx(1, rel=1e-4)
    assert (interval[3] * 300 + interval[8] * 100) / 400 == pytest.approx(1, rel=1e-4)


def test_power_softens_and_none_is_one():
    low, high = _labels()
    full, half = (age_class_weights(low, high, "inverse", power)[0] for power in (1.0, 0.5))
    assert full[80] / full[26] > half[80] / half[26] > 1
    point, interval = age_class_weights(low, high, "none", 1.0)
    assert (point == 1).all() and (interval == 1).all()


def test_neighbours_share_their_density():
    low = np.repeat([66, 68, 90], [100, 1, 1])
    point, _ = age_class_weights(low, low, "inverse", 1.0)
    assert point[68] < point[90] / 5
