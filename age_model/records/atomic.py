"""Files and folders that appear, or replace an older one, only once they are complete."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A path to write to, which replaces `path` when the block ends well.

    When the block raises, what it wrote is deleted and `path` stays as it was. A killed process
    leaves `.NAME.PID.partial` beside it.

    Args:
        path: file to make or to replace; its folder must exist. A link is followed.
    """
    target = Path(path).resolve()
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        yield partial
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def atomic_folder(
    destination: str | os.PathLike[str], may_replace: Callable[[Path], bool]
) -> Iterator[Path]:
    """An empty folder to write to, which replaces `destination` when the block ends well.

    When the block raises, the new folder is deleted and `destination` stays as it was. A process
    that was killed in the block leaves `.NAME.partial` beside it, which the next run deletes. There
    is no portable way to swap two folders in one step: a process that was killed between its two
    renames leaves the older folder, whole, as `.NAME.older`, which the next run puts back.

    Args:
        destination: folder to make or to replace as a whole.
        may_replace: says whether an existing, non-empty `destination` is one of ours.

    Raises:
        ValueError: `destination` is a file, or holds things that `may_replace` does not know.
    """
    destination = Path(os.path.abspath(destination))  # `..` gone, so that `.name` is a name
    partial = destination.with_name(f".{destination.name}.partial")
    older = destination.with_name(f".{destination.name}.older")
    if older.exists() and not destination.exists():
        older.rename(destination)
    _check_replaceable(destination, may_replace)
    shutil.rmtree(older, ignore_errors=True)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        for file in partial.glob("*.safetensors"):
            file.chmod(0o644)  # safetensors writes files that only their owner may read
        _replace_folder(partial, destination, older)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _check_replaceable(destination: Path, may_replace: Callable[[Path], bool]) -> None:
    if destination.is_file():
        raise ValueError(f"expected a folder to write to, got the file {destination}")
    if destination.is_dir() and any(destination.iterdir()) and not may_replace(destination):
        raise ValueError(
            f"expected a new or empty folder, or one that this command wrote, got {destination}, "
            "which holds other files; name another folder"
        )


def _replace_folder(new: Path, destination: Path, older: Path) -> None:
    if destination.exists():
        destination.rename(older)
    try:
        new.rename(destination)
    except OSError:
        if older.exists():
            older.rename(destination)
        raise
    shutil.rmtree(older, ignore_errors=True)
