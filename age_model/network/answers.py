"""What a checkpoint answers beside years, as its config.json says: age groups and attributes."""

from typing import Any

from age_model.labels import AGE_GROUPS, ATTRIBUTES, AgeGroup, parse_groups

GROUPS_KEY = "age_groups"  # in config.json: names; without it, `labels.AGE_GROUPS`
ATTRIBUTES_KEY = "trained_attributes"  # some of `labels.ATTRIBUTES`; without it, all


def age_groups(config: object) -> tuple[AgeGroup, ...]:
    """The age groups of a checkpoint's configuration.

    Raises:
        ValueError: see `labels.parse_groups`.
    """
    names = getattr(config, GROUPS_KEY, None)
    return AGE_GROUPS if names is None else parse_groups(_texts(GROUPS_KEY, names))


def trained_attributes(config: object) -> tuple[str, ...]:
    """Which of `labels.ATTRIBUTES` the network was taught; what its other heads say means nothing.

    Raises:
        ValueError: the configuration names something else.
    """
    names = getattr(config, ATTRIBUTES_KEY, None)
    if names is None:
        return ATTRIBUTES
    unknown = sorted(set(_texts(ATTRIBUTES_KEY, names)) - set(ATTRIBUTES))
    if unknown:
        raise ValueError(
            f"{ATTRIBUTES_KEY}: expected some of {', '.join(ATTRIBUTES)}, got {', '.join(unknown)}"
        )
    return tuple(name for name in ATTRIBUTES if name in names)


def _texts(key: str, given: Any) -> list[str]:
    if not isinstance(given, list | tuple) or not all(isinstance(name, str) for name in given):
        raise ValueError(f"{key}: expected a list of names, got {given!r}")
    return list(given)
