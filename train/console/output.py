"""How folders are named in what is published."""

from pathlib import Path


def shown_name(path: str) -> str:
    """How a folder is named in what is published: as given where that is relative, else its last part.

    So that no result or card names the folders of the machine it was made on.
    """
    given = Path(path)
    return given.name if given.is_absolute() or ".." in given.parts else given.as_posix()
