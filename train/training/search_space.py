"""What a search may try: options of `train.finetune`, each with its range, from a JSON file.

    {"learning_rate": {"type": "float", "low": 1e-5, "high": 1e-3, "log": true},
     "freeze_backbone_steps": {"type": "int", "low": 0, "high": 100, "step": 10},
     "optimizer": {"type": "categorical", "choices": ["muon", "trainer"]}}

`log` and `step` may be left out; one excludes the other.
"""

import json
from pathlib import Path

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from train.console.errors import InputError
from train.training.presets import option_names

KEYS = {
    "float": ({"low", "high"}, {"log", "step"}),
    "int": ({"low", "high"}, {"log", "step"}),
    "categorical": ({"choices"}, set()),
}  # of each type: those that it must have, and those that it may have
# What a search sets itself, or what cannot differ between trials that are compared.
FIXED = {"output_dir", "data", "seed", "metric_for_best_model", "greater_is_better", "report_to",
         "max_validation_pictures", "omit_source", "load_best_model_at_end", "config", "profile",
         "eval_strategy", "experiment", "stop_after_minutes"}  # fmt: skip


def read_space(path: Path) -> dict[str, BaseDistribution]:
    """The distribution of each option that a search may change.

    Raises:
        InputError: the file is missing or not of the form above, or an option is unknown or fixed.
    """
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"--space: expected a JSON file, there is no {path}") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: expected a JSON object: {error}") from None
    if not isinstance(given, dict) or not given:
        raise InputError(f"{path}: expected a JSON object with an option to search or more")
    known = option_names()
    for name in given:
        if name in FIXED:
            raise InputError(f"{path}: {name} must be the same in all trials; give it as an option")
        if name not in known:
            raise InputError(
                f"{path}: unknown option {name!r}; `python -m train.finetune --help` lists what "
                "there is"
            )
    return {name: _distribution(f"{path}: {name}", one) for name, one in given.items()}


def _distribution(where: str, given: object) -> BaseDistribution:
    kind = given.get("type") if isinstance(given, dict) else None
    if not isinstance(given, dict) or kind not in KEYS:
        raise InputError(f'{where}: expected {{"type": ...}} of {", ".join(KEYS)}, got {given!r}')
    needed, allowed = KEYS[kind]
    keys = set(given) - {"type"}
    if not needed <= keys <= needed | allowed:
        raise InputError(
            f"{where}: expected {', '.join(sorted(needed))}"
            + (f" and perhaps {' or '.join(sorted(allowed))}" if allowed else "")
            + f" for the type {kind}, got {', '.join(sorted(keys)) or 'nothing'}"
        )
    values = {name: given[name] for name in keys}
    try:
        if kind == "categorical":
            return CategoricalDistribution(values["choices"])
        return (FloatDistribution if kind == "float" else IntDistribution)(**values)
    except (ValueError, TypeError) as error:
        raise InputError(f"{where}: {error}") from None
