"""Calibration: what a checkpoint knows about its own errors, measured on validation pictures.

Two things are corrected: how sure the heads are (a temperature for each), and how wide the age
interval must be, by age. It travels inside the checkpoint's config.json, so that weights and
calibration cannot be parted; `train.calibrate` measures it, `decode` applies it.
"""

from dataclasses import asdict, dataclass, fields
from typing import Any

from age_model.labels import AGE_GROUPS, AgeGroup
from age_model.network.answers import age_groups

INTERVAL_COVERAGE = 0.8
CONFIG_KEY = "calibration"  # in config.json


@dataclass(frozen=True)
class Calibration:
    """Numbers that `decode` applies; the defaults change nothing.

    Attributes:
        age_temperature, gender_temperature, ethnicity_temperature: each head's logits are divided
            by its temperature; above 1 makes the answers less sure. Guo et al., "On Calibration of
            Modern Neural Networks", ICML 2017.
        interval_levels: for each of `groups`, which share of the distribution, around its median,
            reaches far enough that an age of this group lies within it as often as
            `INTERVAL_COVERAGE` says; () is that share for all of them.
        groups: the checkpoint's age groups (`answers.age_groups`).
    """

    age_temperature: float = 1.0
    gender_temperature: float = 1.0
    ethnicity_temperature: float = 1.0
    interval_levels: tuple[float, ...] = ()
    groups: tuple[AgeGroup, ...] = AGE_GROUPS

    def __post_init__(self) -> None:
        for name in ("age_temperature", "gender_temperature", "ethnicity_temperature"):
            value = getattr(self, name)
            if not (_is_number(value) and value > 0):
                raise ValueError(f"calibration: expected {name} above 0, got {value!r}")
        n = len(self.groups)
        levels = self.interval_levels or (INTERVAL_COVERAGE,) * n
        if len(levels) != n or not all(_is_number(v) and 0 <= v <= 1 for v in levels):
            raise ValueError(
                f"calibration: expected {n} interval_levels from 0 to 1, one for each of the age "
                f"groups {', '.join(group.name for group in self.groups)}, got {list(levels)!r}; "
                "run train.calibrate again"
            )
        object.__setattr__(self, "interval_levels", levels)

    def uncalibrated(self) -> "Calibration":
        """One that changes nothing, for the same groups."""
        return Calibration(groups=self.groups)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, as config.json holds it, where the groups stand beside it."""
        numbers = asdict(self)
        del numbers["groups"]
        return numbers | {"interval_levels": list(self.interval_levels)}

    @classmethod
    def from_config(cls, config: object) -> "Calibration":
        """The calibration of a checkpoint's configuration; the defaults where it has none.

        Raises:
            ValueError: it is not in the form that `to_dict` gives.
        """
        groups = age_groups(config)
        given = getattr(config, CONFIG_KEY, None)
        if given is None:
            return cls(groups=groups)
        names = {field.name for field in fields(cls)} - {"groups"}
        if not isinstance(given, dict) or set(given) != names:
            got = sorted(given) if isinstance(given, dict) else type(given).__name__
            raise ValueError(f"calibration: expected the keys {sorted(names)}, got {got}")
        return cls(**given | {"interval_levels": tuple(given["interval_levels"]), "groups": groups})


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
