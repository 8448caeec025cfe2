"""Folders that are written: their shown name, and taking an older one's place in one step."""

import ctypes
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from train.console.errors import InputError

_AT_FDCWD = -100  # Linux: paths count from the current folder
_RENAME_EXCHANGE = 2  # Linux: swap two names in one step


def shown_name(path: str) -> str:
    """How a folder is named in what is published: as given where that is relative, else its last part.

    So that no result or card names the folders of the machine it was made on.
    """
    given = Path(path)
    return given.name if given.is_absolute() or ".." in given.parts else given.as_posix()


@contextmanager
def staged_folder(destination: Path, may_replace: Callable[[Path], bool]) -> Iterator[Path]:
    """An empty folder beside `destination` that takes its place when the block ends well.

    When the block raises, the new folder is deleted and `destination` stays as it was. A run that
    was killed leaves `.NAME.partial` beside it, which the next run removes.

    Args:
        destination: folder to make or to replace as a whole.
        may_replace: says whether an existing, non-empty `destination` is one of ours.

    Raises:
        InputError: `destination` is a file, or holds things that `may_replace` does not know.
    """
    destination = Path(os.path.abspath(destination))  # `..` gone, so that `.name` is a name
    if destination.is_file():
        raise InputError(f"expected a folder to write to, got the file {destination}")
    if destination.is_dir() and any(destination.iterdir()) and not may_replace(destination):
        raise InputError(
            f"expected a new or empty folder, or one that this command wrote, got {destination}, "
            "which holds other files; name another folder"
        )
    staging = destination.with_name(f".{destination.name}.partial")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    try:
        yield staging
        for file in staging.glob("*.safetensors"):
            file.chmod(0o644)  # safetensors writes files that only their owner may read
        _take_place(staging, destination)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _take_place(staging: Path, destination: Path) -> None:
    if not destination.exists():
        staging.rename(destination)
    elif not _exchange(staging, destination):
        # Elsewhere two steps are needed; the older folder comes back should the second one fail.
        older = staging.with_name(f".{destination.name}.older")
        destination.rename(older)
        try:
            staging.rename(destination)
        except OSError:
            older.rename(destination)
            raise
        shutil.rmtree(older, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders in one step; False where the system or the file system cannot."""
    if not sys.platform.startswith("linux"):
        return False
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None)
    if renameat2 is None:
        return False
    names = [os.fsencode(one), os.fsencode(other)]
    return renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0
