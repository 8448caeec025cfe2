"""`python -m train.experiments`: the log of what was tried, from MLflow runs, in docs/.

    python -m train.experiments --run runs/tiny --question "..." --verdict "..."

adds a run (or replaces its entry): the words are yours, every figure comes from the run's MLflow
record, or from its training.json where it ran on a machine without MLflow. Entries are kept in
docs/experiments.json, from which docs/experiments.md is written. Without --run only the page is
written.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

from age_model.records.atomic import atomic_file
from train.card.tables import Columns, percent, shown_number, shown_numbers, table
from train.console.command import run_command
from train.console.errors import InputError
from train.console.output import shown_name

# Of hundreds of parameters, those that an experiment here may be about.
SETTINGS = (
    "start", "teacher", "further_teachers", "learning_rate", "max_steps",
    "per_device_train_batch_size", "optimizer", "class_weighting", "class_weight_power",
    "gender_loss", "distillation", "feature_distillation", "patch_dropout", "mixup", "image_size",
    "utkface_share", "source_weights",
    "adjusted", "interpolated_with", "alpha", "common", "rare", "teens",
)  # fmt: skip
# Names in the records of runs before these were renamed.
FORMER_NAMES = {
    "further_teachers": "second_teacher", "feature_distillation": "hints",
    "adjusted": "finished", "interpolated_with": "averaged_with",
    "alpha": "share", "common": "unweighted", "rare": "raised",
}  # fmt: skip
SCORES: Columns = {  # of MLflow metrics
    "MAE": ("eval_mae_utkface", "{:.2f}"),
    "21-60": ("eval_mae_21_60_utkface", "{:.2f}"),
    "up to 12": ("eval_mae_under_13_utkface", "{:.2f}"),
    "over 60": ("eval_mae_over_60_utkface", "{:.2f}"),
    "AAF": ("eval_mae_all_age_faces", "{:.2f}"),
    "CS@5": ("eval_cs5", percent),
    "group": ("eval_group_accuracy", percent),
    "gender": ("eval_gender_accuracy", percent),
}
INTRODUCTION = """# Experiments

What was tried to make the checkpoint better, in order, failures too. Scores are those of the
validation split: MAE in years on UTKFace and on All-Age-Faces (AAF), which came in later, CS@5 on
both, groups on FairFace, gender on all. "Pictures" counts each picture as often as it was drawn.
Every setting was chosen by them; the test split only says whether a network replaces the one that
is shipped.
"""


@dataclass
class ExperimentArguments:
    """Which run to add, and what it was for."""

    run: str | None = field(default=None, metadata={"help": "Output folder of a training run."})
    question: str | None = field(default=None, metadata={"help": "What the run was to find out."})
    verdict: str | None = field(default=None, metadata={"help": "What it said."})
    docs: str = field(default="docs", metadata={"help": "Folder of experiments.json and .md."})


def run_record(run_id: str) -> dict:
    """What MLflow knows of a run: settings, last scores, the history of the validation error.

    Raises:
        InputError: MLflow has no such run.
    """
    import mlflow  # here, because it takes seconds to import and the page alone needs none of it

    from train.training.mlflow_contents import final_metrics
    from train.training.mlflow_runs import use_tracking

    use_tracking()
    client = mlflow.MlflowClient()
    try:
        run = client.get_run(run_id)
    except mlflow.exceptions.MlflowException as error:
        raise InputError(f"expected an MLflow run {run_id}, got: {error}") from None
    params, metrics = run.data.params, final_metrics(run_id)
    values = {name: params.get(name, params.get(FORMER_NAMES.get(name, name))) for name in SETTINGS}
    absent = (None, "None", "{}", "[]")
    settings = {name: value for name, value in values.items() if value not in absent}
    return {
        "preset": run.info.run_name,
        "finished": run.info.status == "FINISHED",
        "hardware": run.data.tags.get("hardware"),
        "settings": {name: shown_name(value) for name, value in settings.items()},
        "scores": scores_of(metrics),
        **{name: metrics.get(name) for name in ("minutes", "pictures_seen", "parameters")},
        "remarks": run.data.tags.get("mlflow.note.content"),
        "history": sorted(
            {
                p.step: round(p.value, 2) for p in client.get_metric_history(run_id, "eval_mae")
            }.items()
        ),
    }


def file_record(metadata: dict) -> dict:
    """As `run_record`, of a run without an MLflow record, from its training.json."""
    arguments = metadata["arguments"]
    values = arguments | {"start": arguments.get("base_model") or "random weights"}
    values |= metadata.get("adjust", {})
    return {
        "preset": metadata["preset"],
        "finished": "remarks" not in metadata,
        "hardware": metadata["hardware"],
        "settings": {
            name: shown_name(str(values[name])) for name in SETTINGS if values.get(name) is not None
        },
        "scores": scores_of(metadata["validation"]),
        **{name: metadata[name] for name in ("minutes", "pictures_seen", "parameters")},
        "remarks": metadata.get("remarks"),
        "history": [(e["step"], round(e["eval_mae"], 2)) for e in metadata.get("evaluations", [])],
    }


def scores_of(metrics: dict[str, float]) -> dict[str, float]:
    """Those of SCORES; runs before the third source name no source beside an error."""
    found = {}
    for key, _ in SCORES.values():
        value = metrics.get(key)
        if value is None and "eval_mae_utkface" not in metrics:
            value = metrics.get(key.removesuffix("_utkface"))
        if value is not None:
            found[key] = value
    return found


def add(entries: list[dict], arguments: ExperimentArguments) -> list[dict]:
    """The entries with that of the run added, or put in its old one's place.

    Raises:
        InputError: the run has neither record, or the words are missing.
    """
    from train.training.mlflow_runs import note_of_run

    if arguments.run is None:
        raise InputError("expected --run with an output folder, got none")
    note, metadata = note_of_run(arguments.run), Path(arguments.run) / "final" / "training.json"
    if not note.is_file() and not metadata.is_file():
        raise InputError(
            f"--run: expected a run's output folder with {note.name} or final/{metadata.name}, got "
            f"{arguments.run}"
        )
    if not arguments.question or not arguments.verdict:
        raise InputError(
            "expected --question and --verdict with --run, got none; say both in words"
        )
    entry = {
        "name": Path(arguments.run).name,
        "question": arguments.question,
        "verdict": arguments.verdict,
        **(
            run_record(note.read_text())
            if note.is_file()
            else file_record(json.loads(metadata.read_text(encoding="utf-8")))
        ),
    }
    names = [old["name"] for old in entries]
    if entry["name"] in names:
        return [entry if old["name"] == entry["name"] else old for old in entries]
    return [*entries, entry]


def page(entries: list[dict]) -> str:
    """The Markdown of the log."""
    header = ["run", "pictures", "minutes", *SCORES]
    rows = [
        [f"[{e['name']}](#{e['name']})", shown_number(e["pictures_seen"], "{:,.0f}"),
         shown_number(e["minutes"], "{:.0f}"),
         *shown_numbers(SCORES, scores)]
        for e in entries
        for scores in [scores_of(e["scores"])]
    ]  # fmt: skip
    parts = [INTRODUCTION, table(header, rows), *(_section(e) for e in entries)]
    written = (
        "Written by `python -m train.experiments` from `experiments.json` (filled from MLflow)."
    )
    return "\n\n".join(part.strip() for part in [*parts, written]) + "\n"


def _section(entry: dict) -> str:
    settings = ", ".join(f"{name} {value}" for name, value in entry["settings"].items())
    history = ", ".join(f"{mae:.2f} at {step:,}" for step, mae in entry["history"])
    hardware = entry["hardware"] or "unknown hardware"
    size = shown_number(entry["parameters"], "{:,.0f}")
    lines = [
        f"## {entry['name']}",
        f"**Question.** {entry['question']}",
        f"**Verdict.** {entry['verdict']}",
        f"Preset `{entry['preset']}`, {size} parameters, on {hardware}: {settings}."
        + ("" if entry["finished"] else " The run did not end by itself."),
    ]
    if entry.get("remarks"):
        lines.append(entry["remarks"])
    if len(entry["history"]) > 1:
        lines.append(f"Validation MAE (years, at step): {history}.")
    return "\n\n".join(lines)


def update(arguments: ExperimentArguments) -> None:
    """Add the run, if one is given, and write the page.

    Raises:
        InputError: as for `add`.
    """
    docs = Path(arguments.docs)
    kept = docs / "experiments.json"
    entries = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else []
    if arguments.run:
        entries = add(entries, arguments)
        docs.mkdir(parents=True, exist_ok=True)
        with atomic_file(kept) as partial:
            text = json.dumps(entries, indent=1, ensure_ascii=False) + "\n"
            partial.write_text(text, encoding="utf-8")
    with atomic_file(docs / "experiments.md") as partial:
        partial.write_text(page(entries), encoding="utf-8")


def main(argv: list[str] | None = None) -> None:
    """Command line of `python -m train.experiments`."""
    run_command("train.experiments", ExperimentArguments, update, argv)


if __name__ == "__main__":
    main()
