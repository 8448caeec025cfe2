"""The command line of `train.finetune`: a preset, and what else is said on top of it."""

import json
from argparse import SUPPRESS
from pathlib import Path

from transformers import HfArgumentParser

from train.console.errors import InputError
from train.training.args import AgeTrainingArguments, DataArguments, ModelArguments


def parse(argv: list[str]) -> tuple[ModelArguments, DataArguments, AgeTrainingArguments, str]:
    """Arguments from `--config PRESET.json` with what else the command line says on top.

    Returns:
        The three dataclasses and the preset's name ("none" without one).

    Raises:
        InputError: the preset is missing, is no JSON object, or has a key that nothing takes.
    """
    parser = _parser()
    preset, name = _chosen_preset(parser, argv)
    parser.set_defaults(**preset)
    model, data, training, _ = parser.parse_args_into_dataclasses(list(argv))
    return model, data, training, name


def preset_of(argv: list[str]) -> dict:
    """A command line as a preset: that of `--config`, and what else it says on top.

    Raises:
        InputError: see `parse`.
    """
    parser = _parser()
    preset, _ = _chosen_preset(parser, argv)
    for action in parser._actions:
        action.default = SUPPRESS
    given = vars(parser.parse_args(argv))
    return preset | {name: given[name] for name in given if name not in ("config", "profile")}


def option_names() -> set[str]:
    """What a preset can set."""
    return {action.dest for action in _parser()._actions} - {"help", "config", "profile"}


def _parser() -> HfArgumentParser:
    parser = HfArgumentParser((ModelArguments, DataArguments, AgeTrainingArguments))
    parser.add_argument("--config", help="JSON preset, such as train/configs/student.json.")
    parser.add_argument("--profile", help='Variant of the preset for a machine, such as "gpu".')
    return parser


def _chosen_preset(parser: HfArgumentParser, argv: list[str]) -> tuple[dict, str]:
    """The preset that a command line names, and its name ("none" without one)."""
    options, _ = parser.parse_known_args(argv)
    if not options.config:
        return {}, "none"
    path = Path(options.config)
    return _read_preset(path, options.profile, parser), path.stem


def _read_preset(path: Path, profile: str | None, parser: HfArgumentParser) -> dict:
    if not path.is_file():
        raise InputError(f"--config: expected a JSON preset, there is no file {path}")
    try:
        preset = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: expected a JSON object: {error}") from None
    if not isinstance(preset, dict):
        raise InputError(f"{path}: expected a JSON object, got {type(preset).__name__}")
    profiles = preset.pop("profiles", {})
    if profile is not None and profile not in profiles:
        raise InputError(
            f"--profile: {path} has {', '.join(profiles) or 'no profiles'}, got {profile!r}"
        )
    preset |= profiles.get(profile, {})
    known = {action.dest for action in parser._actions}
    unknown = sorted(set(preset) - known)
    if unknown:
        raise InputError(
            f"{path}: unknown key {', '.join(map(repr, unknown))}; "
            "`python -m train.finetune --help` lists what there is"
        )
    return preset
