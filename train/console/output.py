"""How folders are named in what is published."""

from pathlib import Path
from typing import Any


def shown_name(path: str) -> str:
    """A folder's name for results and cards: as given if relative, else its last part.

    So nothing that is published names the folders of the machine it was made on.
    """
    given = Path(path)
    return given.name if given.is_absolute() or ".." in given.parts else given.as_posix()


def without_folders(value: Any) -> Any:
    """A nested structure whose absolute paths are cut to their last part: they are private."""
    if isinstance(value, dict):
        return {key: without_folders(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_folders(inner) for inner in value]
    return shown_name(value) if isinstance(value, str) and value.startswith("/") else value
