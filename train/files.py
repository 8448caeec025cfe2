"""Folders that are whole or not there: written beside, then moved into place."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """A fresh folder to write to; it becomes `out` if the block ends well, and vanishes if not.

    A run that was killed leaves only the folder beside (`.NAME.partial`), which the next run removes.

    Args:
        out: an earlier result there is replaced at the very end.
    """
    out = Path(os.path.abspath(out))
    partial, old = out.with_name(f".{out.name}.partial"), out.with_name(f".{out.name}.old")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        shutil.rmtree(old, ignore_errors=True)
        if out.exists():
            out.rename(old)
        partial.rename(out)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
