"""The answer to "Why?": what made a face look older, and what younger, as a map and in words."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from age_model.network.deletion import Deletion
from age_model.network.explain import Explanation, PartEffect
from age_model.page.pictures import data_uri, png_uri
from age_model.page.render import render

# Orange and blue, told apart by the colour-blind too, and grey for what may be either.
OLDER, YOUNGER, EITHER = (214, 90, 20), (29, 98, 196), (128, 128, 128)
MAP_SIZE = 192  # pixels; the browser enlarges it smoothly
STRONGEST = 0.85  # opacity where the estimate changes most
CERTAIN = 2.0  # standard errors: from there on the colours are full, at none of them it is grey
LEAST_YEARS = 0.5  # of an effect that is put into words
MOST_PARTS = 4  # that are listed
SHARE = 0.25  # of the patches taken away: the figure of the deletion test that is quoted
PLOT = 100.0  # width and height of the deletion test's plot


@dataclass(frozen=True)
class Part:
    """A part of the face and what it does.

    Attributes:
        name: such as "the eyes".
        years: how much older it makes the face look; below 0, younger.
        width: of its bar, 0 to 1.
    """

    name: str
    years: float
    width: float


@dataclass(frozen=True)
class Why:
    """An `Explanation` as the page shows it.

    Attributes:
        crop: data URI of the face as the network sees it.
        map: data URI of the map, to be laid over the crop.
        most_years: by how many years the estimate changes where the map is clearest.
        parts: those with the largest effects.
        size, grid: sides of the crop in pixels and in patches.
    """

    crop: str
    map: str
    most_years: float
    parts: tuple[Part, ...]
    size: int
    grid: int


@dataclass(frozen=True)
class DeletionFigure:
    """The deletion test's curves and the figure that sums them up.

    Attributes:
        n: faces.
        years, random_years: mean change with SHARE of the patches gone, by the map and at random.
        most_first, random: points of the curves in a square of PLOT x PLOT.
    """

    n: int
    years: float
    random_years: float
    most_first: str
    random: str


def why_html(explanation: Explanation, number: int, deletion: Deletion | None) -> str:
    """The map of one face, the parts that count, and how well such maps were measured to work.

    Args:
        number: of the face, from 1.
        deletion: of the loaded model; None where it was not measured.
    """
    figure = deletion_figure(deletion) if deletion else None
    return render("why.html", "answer", number=number, why=why(explanation), deletion=figure)


def why(explanation: Explanation) -> Why:
    """The pictures and words of an explanation."""
    return Why(
        crop=data_uri(explanation.crop_rgb),
        map=png_uri(signed_map(explanation)),
        most_years=float(explanation.change_years.max()),
        parts=strongest_parts(explanation.parts),
        size=len(explanation.crop_rgb),
        grid=len(explanation.effect_years),
    )


def strongest_parts(parts: tuple[PartEffect, ...]) -> tuple[Part, ...]:
    """The MOST_PARTS parts with the largest effects, of those that change it by LEAST_YEARS."""
    named = [part for part in parts if abs(part.years) >= LEAST_YEARS][:MOST_PARTS]
    most = max((abs(part.years) for part in named), default=1.0)
    return tuple(Part(part.name, part.years, abs(part.years) / most) for part in named)


def signed_map(explanation: Explanation) -> np.ndarray:
    """(MAP_SIZE, MAP_SIZE, 4) uint8 RGBA: the clearer the more a place changes the estimate.

    How clear it is follows `change_years`, in whose order the deletion test takes patches away; the
    colour says in which direction, and is grey where chance could have decided that.
    """
    change = _enlarged(explanation.change_years - explanation.change_years.min())
    strength = np.clip(change / max(float(change.max()), 1e-9), 0, 1)
    effect, error = map(_enlarged, (explanation.effect_years, explanation.effect_error_years))
    certain = np.clip(np.abs(effect) / (CERTAIN * np.maximum(error, 1e-9)), 0, 1)[..., None]
    sides = np.where(effect[..., None] > 0, OLDER, YOUNGER)
    colors = certain * sides + (1 - certain) * np.array(EITHER)
    alpha = 255 * STRONGEST * strength[..., None]
    return np.concatenate([colors, alpha], axis=2).round().astype(np.uint8)


def deletion_figure(deletion: Deletion) -> DeletionFigure:
    """What is shown of the deletion test: the first half, before a face is unrecognisable."""
    shares = np.array(deletion.shares)
    most = max(*deletion.most_first[: len(shares) // 2 + 1], 1e-9)

    def points(curve: tuple[float, ...]) -> str:
        x, y = PLOT * shares * 2, PLOT * (1 - np.array(curve) / most)
        return " ".join(f"{a:.0f},{b:.1f}" for a, b in zip(x, y, strict=True) if a <= PLOT)

    return DeletionFigure(
        n=deletion.n,
        years=float(np.interp(SHARE, shares, deletion.most_first)),
        random_years=float(np.interp(SHARE, shares, deletion.random)),
        most_first=points(deletion.most_first),
        random=points(deletion.random),
    )


def _enlarged(values: np.ndarray) -> np.ndarray:
    """(G, G) -> (MAP_SIZE, MAP_SIZE) float, smoothly."""
    picture = Image.fromarray(values.astype(np.float32))
    return np.asarray(picture.resize((MAP_SIZE, MAP_SIZE), Image.Resampling.BICUBIC))
