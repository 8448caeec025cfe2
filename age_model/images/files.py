"""From what people give, paths, lists or names, to the picture files that they mean."""

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from age_model.images.load import IMAGE_SUFFIXES

LONGEST_NAME = 120  # characters
# Names of a folder that are in memory, and in order, at a time: a folder may hold millions.
NAMES_AT_ONCE = 10_000


def shown_name(name: str) -> str:
    """The last part of a path or name that a visitor gave, fit to be shown and to be written.

    Signs that cannot be printed, such as those that turn the direction of writing, are replaced,
    and very long names are cut. HTML is not escaped.
    """
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    signs = (c if c.isprintable() else " " if c.isspace() else "\ufffd" for c in last)
    shown = "".join(signs)
    return shown if len(shown) <= LONGEST_NAME else shown[: LONGEST_NAME - 1] + "…"


def picture_files(paths: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    """Every picture to read, with what is wrong with it where that is known already.

    A file is taken whatever its name. A folder gives all files below it that are named like
    pictures, in the order of their names; a larger one than NAMES_AT_ONCE in pieces, each of them
    in that order. Links to files are followed, links to folders are not.

    Args:
        paths: files and folders; taken one by one, so they may be a stream.

    Yields:
        path, and None or an error message (a folder without pictures or one that cannot be read).
    """
    for path in paths:
        if not os.path.isdir(path):
            yield path, None
            continue
        nothing = True
        for found in _in_folder(path):
            nothing = False
            yield found
        if nothing:
            yield (
                path,
                "this folder holds no pictures: expected files that end in "
                + ", ".join(IMAGE_SUFFIXES),
            )


def listed_paths(lines: Iterable[bytes]) -> Iterator[str]:
    """The paths in a list with one a line; empty lines are left out."""
    for line in lines:
        path = line.rstrip(b"\r\n")
        if path:
            yield os.fsdecode(path)


def _in_folder(folder: str) -> Iterator[tuple[str, str | None]]:
    try:
        with os.scandir(folder) as entries:
            while piece := list(islice(entries, NAMES_AT_ONCE)):
                for entry in sorted(piece, key=lambda entry: entry.name):
                    if entry.is_dir(follow_symlinks=False):
                        yield from _in_folder(entry.path)
                    elif entry.name.lower().endswith(IMAGE_SUFFIXES) and not _is_folder(entry):
                        yield str(Path(entry.path)), None
    except OSError as error:
        yield (folder, f"this folder cannot be read ({error.strerror}): change its permissions")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry that is no folder itself is a link to one."""
    return entry.is_symlink() and os.path.isdir(entry.path)
