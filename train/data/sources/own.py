"""Pictures of one's own: a folder with metadata, parquet files, or a data set on the Hub.

What is to be known of them (title, licence, citation and so on) is in `source.json` beside the
metadata, or in options of `train.prepare`.
"""

import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from train.console.errors import InputError
from train.data.sources.dataset_files import dataset_rows
from train.data.sources.folder import folder_rows, metadata_files
from train.data.sources.picture import Picture, Report, Source
from train.data.sources.registry import SOURCES
from train.data.sources.rows import COLUMNS, labelled

SOURCE_JSON = "source.json"
# What source.json may say, with the type of each.
FACTS: dict[str, type | tuple[type, ...]] = {
    "name": str, "title": str, "licence": str, "citation": str, "url": str, "notes": str,
    "crop": bool, "columns": dict, "label_sigma_per_year": (int, float),
}  # fmt: skip
NO_LICENCE = "not stated"


def own_source(location: str, options: dict) -> Source:
    """The source that a path or a Hub id stands for.

    Args:
        location: folder, .parquet file, or id of a data set on the Hub.
        options: what the command line says, under the names of FACTS; it wins over source.json.

    Raises:
        InputError: source.json or a column's name is not what it should be.
    """
    path = Path(location)
    facts = _source_json(path if path.is_dir() else path.parent) | options
    columns = _columns(facts.get("columns", {}))
    name = facts.get("name") or (path.resolve().stem if path.exists() else path.name)
    key = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not key or key in SOURCES:
        raise InputError(
            f"{location}: expected a name with letters or digits, other than "
            f"{', '.join(SOURCES)}, got {name!r}; give --name"
        )
    on_hub = not path.exists()
    return Source(
        key=key,
        title=facts.get("title", name),
        labels="",
        licence=facts.get("licence", NO_LICENCE),
        citation=facts.get("citation", ""),
        url=facts.get("url", f"https://huggingface.co/datasets/{location}" if on_hub else ""),
        notes=facts.get("notes", ""),
        hub_id=location if on_hub else "",
        read=partial(_read, location, columns, key),
        help="",
        cropped=not facts.get("crop", False),
        label_sigma_per_year=facts.get("label_sigma_per_year", Source.label_sigma_per_year),
    )


def _read(
    location: str, columns: dict[str, str], key: str, paths: list[Path], report: Report
) -> Iterator[Picture]:
    """The pictures; `paths` is not looked at, because a Hub id is none."""
    path = Path(location)
    parquet = path.is_dir() and not metadata_files(path) and any(path.rglob("*.parquet"))
    if path.is_dir() and not parquet:
        rows = folder_rows(path, columns, key, report)
    else:
        rows = dataset_rows(location, columns)
    return labelled(rows, key, report)


def _source_json(folder: Path) -> dict:
    file = folder / SOURCE_JSON
    if not file.is_file():
        return {}
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: expected a JSON object: {error}") from None
    if not isinstance(facts, dict):
        raise InputError(f"{file}: expected a JSON object, got {type(facts).__name__}")
    wrong = [name for name, value in facts.items()
             if name not in FACTS or not isinstance(value, FACTS[name])]  # fmt: skip
    if wrong:
        raise InputError(
            f"{file}: expected {', '.join(FACTS)}, each of its type, got "
            + ", ".join(f"{name}: {facts[name]!r}" for name in wrong)
        )
    return facts


def _columns(given: dict) -> dict[str, str]:
    """Column of COLUMNS -> its name in the data."""
    if unknown := sorted(set(given) - set(COLUMNS)):
        raise InputError(
            f"columns: expected names for {', '.join(COLUMNS)}, got {', '.join(unknown)}"
        )
    return {column: str(given.get(column, column)) for column in COLUMNS}


def columns_of(pairs: list[str]) -> dict[str, str]:
    """["age=Alter", ...] as a dict.

    Raises:
        InputError: one is not of that form.
    """
    if wrong := [pair for pair in pairs if pair.count("=") != 1 or not all(pair.split("="))]:
        raise InputError(f"--columns: expected such as age=Alter, got {', '.join(wrong)}")
    return dict(pair.split("=") for pair in pairs)
