"""How folders are named in what is published."""

from pathlib import Path


def shown_name(path: str) -> str:
    """A folder's name for results and cards: as given if relative, else its last part.

    So nothing that is published names the folders of the machine it was made on.
    """
    given = Path(path)
    return given.name if given.is_absolute() or ".." in given.parts else given.as_posix()
