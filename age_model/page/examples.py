"""The pictures that the page offers to try, and answers one of before anything is given."""

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

import age_model
from age_model.page.pictures import data_uri

FOLDER = Path(age_model.__file__).parent / "examples"
THUMBNAIL = 88  # pixels: sharp at 44 CSS pixels on a dense screen


@dataclass(frozen=True)
class Example:
    """A picture of `examples/`.

    Attributes:
        name: of its file, without the ending; an address may name it: `?example=group`.
        title: what it shows.
    """

    name: str
    title: str

    @property
    def path(self) -> Path:
        """Where it lies."""
        return FOLDER / f"{self.name}.jpg"

    @functools.cached_property
    def thumbnail(self) -> str:
        """Data URI of a small square of it."""
        with Image.open(self.path) as picture:
            small = ImageOps.fit(picture.convert("RGB"), (THUMBNAIL, THUMBNAIL))
        return data_uri(np.asarray(small))


EXAMPLES = (
    Example("portrait", "a portrait"),
    Example("group", "three faces"),
    Example("cat", "a cat, which gets no age"),
)


def example(name: object) -> Example | None:
    """The example of this name, if there is one."""
    return next((one for one in EXAMPLES if one.name == name), None)
