"""How an estimate changes while the patches of a face are taken away one after the other."""

from typing import TYPE_CHECKING

import numpy as np

from age_model.network.explain import covered

if TYPE_CHECKING:
    from age_model.predictor import AgePredictor

STEPS = 16  # the shares of patches taken away are 0, 1/16, ..., 1
MOST, LEAST, RANDOM = "most_first", "least_first", "random"


def plain(crop_rgb: np.ndarray) -> np.ndarray:
    """(S, S, 3) uint8: what takes the place of a patch, the crop's mean colour.

    The map was made with a blur. Another cover here keeps the test from asking only what the map
    has measured itself.
    """
    return np.broadcast_to(crop_rgb.mean(axis=(0, 1)).round().astype(np.uint8), crop_rgb.shape)


def shares() -> np.ndarray:
    """(STEPS + 1,) shares of the patches that are gone, 0 to 1."""
    return np.arange(STEPS + 1) / STEPS


def deleted(order: np.ndarray, grid: int) -> np.ndarray:
    """(STEPS, grid, grid) bool: patches gone after each step of an order (grid * grid,)."""
    rank = np.empty(len(order), int)
    rank[order] = np.arange(len(order))
    counts = np.round(shares()[1:] * len(order))
    return (rank < counts[:, None]).reshape(-1, grid, grid)


def picture_curves(
    predictor: "AgePredictor", picture: bytes | str, rng: np.random.Generator, random_orders: int
) -> dict[str, np.ndarray]:
    """By how many years the estimate of one picture has changed at each of `shares`.

    Returns:
        (STEPS + 1,) for each kind of order; for RANDOM the mean over its orders.
    """
    explanation = predictor.explain_crop(picture)
    crop_rgb, relevance = explanation.crop_rgb, explanation.change_years
    # Of patches that are equally relevant chance decides, and not the place in the grid.
    shuffled = rng.permutation(relevance.size)
    most = shuffled[np.argsort(-relevance.ravel()[shuffled], kind="stable")]
    orders = [most, most[::-1], *(rng.permutation(relevance.size) for _ in range(random_orders))]
    gone = np.concatenate([deleted(order, len(relevance)) for order in orders])
    crops = covered(crop_rgb, gone, plain(crop_rgb))
    years = predictor.predict_crops(list(crops)).age_years.reshape(len(orders), STEPS)
    change = np.pad(np.abs(years - explanation.age_years), ((0, 0), (1, 0)))
    return {MOST: change[0], LEAST: change[1], RANDOM: change[2:].mean(axis=0)}
