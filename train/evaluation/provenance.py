"""The head of every file of measurements: what it takes to get the numbers again."""

import datetime
import hashlib
import importlib.metadata
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from train.data.prepared import source_metadata

# What a reader should know of a source; what only training needs is omitted.
SHOWN_FACTS = ("title", "licence", "citation", "url", "labels", "notes", "hub_id")
VERSIONS_OF = ("torch", "transformers", "datasets", "evaluate", "numpy", "pillow")


def provenance(
    schema_version: int,
    command: str,
    model: dict,
    data: dict,
    files: Sequence[str] | np.ndarray,
    bootstrap: dict,
    definitions: dict[str, str],
    versions_of: Sequence[str] = VERSIONS_OF,
    device: str | None = None,
) -> dict:
    """What was measured, on what, how and with which versions.

    Args:
        schema_version: of the file's form.
        command: how to get the numbers again.
        model: name and facts of the checkpoint.
        data: name of the data set, its split and how pictures were drawn.
        files: names of the pictures that were measured.
        bootstrap: "resamples" and "seed".
        definitions: what the file's words mean.
        versions_of: packages that the numbers depend on.
        device: where the network ran; see `network.precision.choose_device`.
    """
    # torch takes seconds to import
    from age_model.network.precision import choose_device, has_fast_bf16

    names = "\n".join(sorted(files))
    return {
        "schema_version": schema_version,
        "command": command,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "model": model,
        "data": data
        | {"n": len(files), "files_sha256": hashlib.sha256(names.encode()).hexdigest()},
        "bootstrap": bootstrap,
        "versions": {"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in versions_of},
        "precision": "bf16" if has_fast_bf16(choose_device(device)) else "float32",
        "definitions": definitions,
    }


def source_facts(data: str | Path, sources: Iterable[str]) -> dict[str, dict[str, str]]:
    """What a reader should know about some sources of a prepared data set.

    Args:
        data: folder that `train.prepare` wrote.
        sources: keys of the sources, as in the column "source".

    Returns:
        by source those of SHOWN_FACTS that the data set has.
    """
    known = source_metadata(data)
    return {
        str(source): {name: known[source][name] for name in SHOWN_FACTS if name in known[source]}
        for source in sorted(set(sources))
        if source in known
    }
