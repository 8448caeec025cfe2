"""What `python -m train.deletion` measured of a checkpoint's heat maps, to be shown beside them."""

import json
from dataclasses import dataclass
from pathlib import Path

from age_model.network.reports import DELETION, SCHEMA_VERSION, weights_sha256


@dataclass(frozen=True)
class Deletion:
    """By how much estimates change while the patches of a face are taken away.

    Attributes:
        n: faces.
        shares: of the patches that are gone, from 0 to 1.
        most_first, random, least_first: mean change in years at each share: in the order of the
            map, in random orders, and in the reverse of the map's.
    """

    n: int
    shares: tuple[float, ...]
    most_first: tuple[float, ...]
    random: tuple[float, ...]
    least_first: tuple[float, ...]


def read_deletion(checkpoint: Path) -> Deletion | None:
    """The content of a checkpoint's deletion.json; None where there is none for its weights."""
    try:
        content = json.loads((checkpoint / DELETION).read_text(encoding="utf-8"))
        of_these = content["model"]["weights_sha256"] == weights_sha256(checkpoint)
        if not of_these or content["schema_version"] != SCHEMA_VERSION:
            return None
        return Deletion(
            n=content["data"]["n"],
            shares=tuple(map(float, content["shares"])),
            **{
                name: tuple(map(float, content["orders"][name]["change_years"]))
                for name in ("most_first", "random", "least_first")
            },
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
