"""HTML of the tab "Why?": the faces to choose from, and one face beside its heat map."""

from html import escape

import numpy as np

from age_model.network.explain import Explanation
from age_model.page import words
from age_model.page.drawing import data_uri, face_color
from age_model.page.page_html import years_html

# "viridis" at nine equal steps: equal differences look equally large, also to the colour-blind.
# Source: van der Walt and Smith, SciPy 2015; the colours are released under CC0.
HEAT_COLORS = (
    "#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725",
)  # fmt: skip


def introduction_html() -> str:
    """What the tab is for."""
    return f'<p class="why-introduction">{words.WHY_INTRODUCTION}</p>'


def strip_html(crops: list[str]) -> str:
    """The faces of a picture by number; nothing where there is no choice.

    Args:
        crops: for each face the data URI of its picture.
    """
    if len(crops) < 2:
        return ""
    faces = "".join(
        f'<li style="--face: {face_color(i)}"><img src="{escape(crop)}" alt="{words.FACE.format(number=i + 1)}" width="72" '
        f'height="72"><span class="face-number">{i + 1}</span></li>'
        for i, crop in enumerate(crops)
    )
    return f'<ol class="why-faces">{faces}</ol>'


def explanation_html(explanation: Explanation, number: int) -> str:
    """The estimate, the face as the network sees it, its heat map, and how to read it.

    Args:
        number: of the face, from 1.
    """
    size, grid = len(explanation.crop_rgb), len(explanation.change_years)
    face = words.FACE.format(number=number)
    reading, limits = (
        "".join(
            f"<li>{text.format(size=size, grid=grid, patch=size // grid)}</li>" for text in texts
        )
        for texts in (words.WHY_READING, words.WHY_LIMITS)
    )
    return f"""
<section class="why">
  <p class="why-estimate">{face}: {years_html({"age": explanation.age_years})}</p>
  <div class="why-pictures">
    <figure><img src="{data_uri(explanation.crop_rgb)}" alt="{face}">
      <figcaption>{words.WHY_SEEN}</figcaption></figure>
    <figure>{_heat_html(explanation)}
      <figcaption>{words.WHY_MAP}</figcaption></figure>
  </div>
  {_legend_html(explanation)}
  <h3>{words.WHY_READING_TITLE}</h3><ul>{reading}</ul>
  <h3>{words.WHY_LIMITS_TITLE}</h3><ul>{limits}</ul>
</section>"""


def heat_color(share: float) -> str:
    """ "#rrggbb" of a share 0..1 of the way from the least value to the largest."""
    steps = np.linspace(0, 1, len(HEAT_COLORS))
    channels = np.array([list(bytes.fromhex(color[1:])) for color in HEAT_COLORS]).T
    return "#" + bytes(round(float(np.interp(share, steps, c))) for c in channels).hex()


def _heat_html(explanation: Explanation) -> str:
    """The grey face with a coloured square over each patch."""
    change = explanation.change_years
    grid, shares = len(change), (change - change.min()) / (np.ptp(change) or 1.0)
    squares = "".join(
        # A hair wider than a patch: no light shows between two squares.
        f'<rect x="{column}" y="{row}" width="1.02" height="1.02" '
        f'fill="{heat_color(shares[row, column])}"/>'
        for row in range(grid)
        for column in range(grid)
    )
    row, column = np.unravel_index(change.argmax(), change.shape)
    told = words.WHY_MAP_TOLD.format(row=row + 1, column=column + 1, grid=grid)
    grey_rgb = np.repeat(explanation.crop_rgb.mean(axis=2, keepdims=True), 3, axis=2).astype(
        np.uint8
    )
    return (
        f'<svg class="why-heat" viewBox="0 0 {grid} {grid}" role="img" aria-label="{told}">'
        f'<image href="{data_uri(grey_rgb)}" width="{grid}" height="{grid}"/>'
        f"<g>{squares}</g></svg>"
    )


def _legend_html(explanation: Explanation) -> str:
    least = words.WHY_LEGEND_LEAST.format(years=explanation.change_years.min())
    most = words.WHY_LEGEND_MOST.format(years=explanation.change_years.max())
    return (
        f'<p class="why-legend"><span>{least}</span>'
        f'<i style="background: linear-gradient(to right, {", ".join(HEAT_COLORS)})"></i>'
        f"<span>{most}</span></p>"
    )
