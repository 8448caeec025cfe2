"""What is measured about the checkpoint that is loaded: its results.json, if it belongs to it."""

import hashlib
import json
from pathlib import Path
from typing import Any

from age_model.labels import AGE_GROUP_NAMES
from age_model.network.answers import GROUPS_KEY
from age_model.network.calibration import CONFIG_KEY

RESULTS = "results.json"
ROBUSTNESS = "robustness.json"
END_TO_END = "end_to_end.json"
DELETION = "deletion.json"
LEAVE_ONE_OUT = "leave_one_out.json"
# Faces; of fewer a number says little: greyed on the page, and called neither worst nor best.
FEW = 30
# Of these files and training.json: raise it when a field changes its name or meaning.
SCHEMA_VERSION = 3


class NotMeasuredError(ValueError):
    """There are no results for a checkpoint; the message says why, in a sentence for people."""


def read_results(checkpoint: Path) -> dict[str, Any]:
    """The content of a checkpoint's results.json.

    Raises:
        NotMeasuredError: there is none, it cannot be read, or it measured other weights.
    """
    try:
        results = json.loads((checkpoint / RESULTS).read_text(encoding="utf-8"))
        version, measured = results["schema_version"], results["model"]["weights_sha256"]
    except FileNotFoundError:
        raise NotMeasuredError(
            f"The model that is loaded comes without {RESULTS}, so nothing is known of its errors."
        ) from None
    except (OSError, ValueError, KeyError, TypeError):
        raise NotMeasuredError(
            f"The model's {RESULTS} is not in the form that train.evaluate writes."
        ) from None
    if version != SCHEMA_VERSION:
        raise NotMeasuredError(
            f"The model's {RESULTS} has the form {version}, this page reads {SCHEMA_VERSION}: "
            "measure the model again with train.evaluate."
        )
    if measured != weights_sha256(checkpoint):
        raise NotMeasuredError(
            f"The model's {RESULTS} measured other weights than those that are loaded, so it is "
            "not shown: measure them with train.evaluate."
        )
    return results


def read_robustness(checkpoint: Path) -> dict[str, Any] | None:
    """The content of a checkpoint's robustness.json; None where there is none for its weights."""
    try:
        robustness = json.loads((checkpoint / ROBUSTNESS).read_text(encoding="utf-8"))
        of_these_weights = robustness["model"]["weights_sha256"] == weights_sha256(checkpoint)
        return robustness if of_these_weights else None
    except (OSError, ValueError, KeyError, TypeError):
        return None  # a checkpoint from elsewhere may hold anything, and answers all the same


def group_names(results: dict[str, Any]) -> tuple[str, ...]:
    """The age groups that a results.json tells of; those of `labels` where it does not say."""
    return tuple(results.get("model", {}).get(GROUPS_KEY, AGE_GROUP_NAMES))


def source_title(content: dict[str, Any], source: str) -> str:
    """What a source of pictures is called for readers: its title, or its key where it has none.

    Args:
        content: of results.json, training.json or another file with "source_facts".
        source: the key of the source.
    """
    return content.get("source_facts", {}).get(source, {}).get("title", source)


def by_source(results: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """(title, numbers) of each source in results.json.

    Sources with ages in years come first, and of those alike the one with more pictures.
    """
    order = sorted(
        results["sources"].items(),
        key=lambda item: ("years" not in item[1], -item[1].get("n", 0), item[0]),
    )
    return [(source_title(results, source), numbers) for source, numbers in order]


def weights_sha256(checkpoint: str | Path) -> str | None:
    """Hash of a checkpoint's weights, calibration and age groups; None where it is no folder.

    It ties results to what they measured: they are refused for anything else.
    """
    if not Path(checkpoint).is_dir():
        return None
    digest = hashlib.sha256()
    for shard in sorted(Path(checkpoint).glob("*.safetensors")):
        digest.update(shard.read_bytes())
    config = json.loads((Path(checkpoint) / "config.json").read_text())
    for key in (CONFIG_KEY, GROUPS_KEY):
        if config.get(key) is not None:
            digest.update(json.dumps(config[key], sort_keys=True).encode())
    return digest.hexdigest()
