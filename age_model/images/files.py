"""From what people give, paths or names, to the picture files that they mean."""

import os
from collections.abc import Iterator
from pathlib import Path

from age_model.images.load import IMAGE_SUFFIXES

LONGEST_NAME = 120  # characters


def shown_name(name: str) -> str:
    """The last part of a path or name that a visitor gave, fit to be shown and to be written.

    Signs that cannot be printed, such as those that turn the direction of writing, are replaced,
    and very long names are cut. HTML is not escaped.
    """
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    signs = (c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in last)
    shown = "".join(signs)
    return shown if len(shown) <= LONGEST_NAME else shown[: LONGEST_NAME - 1] + "…"


def picture_files(paths: list[str]) -> Iterator[tuple[str, str | None]]:
    """Every picture to read, with what is wrong with it where that is known already.

    A file is taken whatever its name. A folder gives all files below it that are named like
    pictures, in the order of their names.

    Args:
        paths: files and folders.

    Yields:
        path, and None or an error message (a folder without pictures or one that cannot be read).
    """
    for path in paths:
        if os.path.isdir(path):
            yield from _in_folder(path)
        else:
            yield path, None


def _in_folder(folder: str) -> Iterator[tuple[str, str | None]]:
    closed: list[OSError] = []
    found = sorted(
        Path(parent, name)
        for parent, _, names in os.walk(folder, onerror=closed.append)
        for name in names
        if name.lower().endswith(IMAGE_SUFFIXES)
    )
    yield from ((str(path), None) for path in found)
    for error in closed:
        yield (
            str(error.filename),
            f"this folder cannot be read ({error.strerror}): change its permissions",
        )
    if not found and not closed:
        yield (
            folder,
            "this folder holds no pictures: expected files that end in "
            + ", ".join(IMAGE_SUFFIXES),
        )
