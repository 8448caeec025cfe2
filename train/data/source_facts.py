"""What a reader should know about each source of pictures, as `train.prepare` writes it."""

import json
from collections.abc import Iterable
from pathlib import Path

from train.console.errors import InputError

SOURCE_FACTS = "sources.json"


def read_source_facts(data: str | Path, sources: Iterable[str]) -> dict[str, dict[str, str]]:
    """The facts about some sources of a prepared data set.

    Args:
        data: folder that `train.prepare` wrote.
        sources: keys of the sources, as in the column "source".

    Returns:
        by source: "title", "licence", "citation", "url", "labels" and "notes", each where it is
        known. A source that the folder says nothing about is omitted.

    Raises:
        InputError: the file is not a JSON object with an object for each source.
    """
    path = Path(data) / SOURCE_FACTS
    if not path.is_file():
        return {}
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        return {source: dict(facts[source]) for source in sorted(set(sources)) if source in facts}
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{path}: expected a JSON object with an object for each source, got {error}; "
            "run `python -m train.prepare` again"
        ) from None
