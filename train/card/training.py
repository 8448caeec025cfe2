"""The part of the card that says how the model came about, from training.json."""

import json

from train.card.tables import SOURCE_NAMES

LABELS = {
    "utkface": "age in years, gender, ethnicity",
    "fairface": "age group, gender, ethnicity",
}
LICENCES = {
    "utkface": "non-commercial research only; the pictures belong to their owners",
    "fairface": "CC BY 4.0",
}


def training_data(training: dict) -> list[list[str]]:
    """Rows of the card's table of data: name, pictures, labels, licence."""
    return [
        [SOURCE_NAMES[source], f"{n:,}", LABELS[source], LICENCES[source]]
        for source, n in training["train_pictures"].items()
    ]


def training_text(training: dict) -> str:
    """How the model was trained, with what it started from and its teacher, where it had them."""
    parts = [_runs(training)]
    if teacher := training.get("teacher"):
        parts.append(
            "### Its teacher\nBeside the labels, it learned from the age distributions that another "
            "network, trained before it on the same training split, gives for its pictures"
            f"{_second(training['arguments'])}.\n\n{_runs(teacher)}"
        )
    return "\n\n".join(parts)


def _second(arguments: dict) -> str:
    """The other teacher, where there was one."""
    other = arguments.get("second_teacher")
    return f", averaged with those that `{other}` gives for their mirror images" if other else ""


def _runs(training: dict) -> str:
    """A run, and before it those that it went on from."""
    text = f"{_run(training)}\n\n{_arguments(training)}"
    base = training.get("base")
    return f"{_runs(base)}\n\nThen: {text}" if base else text


def _run(training: dict) -> str:
    arguments = training["arguments"]
    base = arguments.get("base_model")
    start = (
        f"Starting from `{base}`" if base else "Starting from random weights, with no other data"
    )
    size = f" of {training['parameters']:,} parameters" if "parameters" in training else ""
    versions = ", ".join(f"{name} {v}" for name, v in training["versions"].items())
    return (
        f"{start}: preset `{training['preset']}`, a network{size}, "
        f"{training['pictures_seen']:,} pictures seen (each counted as often as it was drawn) in "
        f"{training['minutes']:.0f} minutes on {training['hardware']}, with {versions}."
        + (f" {training['remarks']}" if "remarks" in training else "")
        + (f" {_finish(training['finish'])}" if "finish" in training else "")
    )


def _finish(told: dict) -> str:
    """What `train.adjust` changed afterwards."""
    averaged = ""
    if told["averaged_with"]:
        averaged = (
            f"its weights were averaged with those of `{told['averaged_with']}` (share "
            f"{told['share']:g}), and "
        )
    raised = ""
    if told.get("raised"):  # absent where the network was finished before this could be told
        raised = f", and {told['raised']:.0%} of what it had given to rare ages was given once more"
    return (
        f"Then, without more training (`train.adjust`), {averaged}{told['unweighted']:.0%} of what "
        f"class weighting had taken from common ages was given back to them{raised}."
    )


def _arguments(training: dict) -> str:
    rows = [f"{name} = {json.dumps(value)}" for name, value in training["arguments"].items()]
    lines = ["<details><summary>All arguments</summary>", "", "```", *rows, "```", "", "</details>"]
    return "\n".join(lines)
