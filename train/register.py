"""`python -m train.register`: a checkpoint -> a version of a model in MLflow's registry.

The model is logged to the run that trained the checkpoint, or to a run of its own where MLflow does
not know that one. Register what is calibrated and measured: a version holds the checkpoint as it is
now, with the figures of its results.json as tags.
"""

from dataclasses import dataclass, field
from pathlib import Path

from age_model.network.reports import NotMeasuredError, read_results
from train.console.command import run_command
from train.console.errors import InputError

NEEDED = ("config.json", "training.json")


@dataclass
class RegisterArguments:
    """What to register, and under which name."""

    model: str = field(metadata={"help": "Checkpoint folder that train.finetune or export wrote."})
    name: str = field(default="age", metadata={"help": "Name of the registered model."})
    alias: str = field(
        default="candidate",
        metadata={"help": "Alias to move to this version, such as champion; empty: none."},
    )
    experiment: str = field(
        default="age",
        metadata={"help": "MLflow experiment of a checkpoint whose own run is not known."},
    )

    def __post_init__(self) -> None:
        missing = [name for name in NEEDED if not Path(self.model, name).is_file()]
        if missing:
            raise InputError(
                "--model: expected a checkpoint folder that train.finetune or train.export wrote, "
                f"got {self.model} without {', '.join(missing)}"
            )


def register(arguments: RegisterArguments) -> tuple[str, int]:
    """Log and register the model; returns its URI and version.

    Raises:
        ValueError: the checkpoint cannot be loaded.
    """
    from train.publishing.mlflow_model import log_model, register_version
    from train.training.mlflow_runs import run_of_checkpoint

    checkpoint = Path(arguments.model)
    with run_of_checkpoint(checkpoint, arguments.experiment):
        logged = log_model(checkpoint)
    tags = _figures(checkpoint)
    version = register_version(logged, arguments.name, arguments.alias, tags)
    uri = f"models:/{arguments.name}"
    return f"{uri}@{arguments.alias}" if arguments.alias else f"{uri}/{version}", version


def _figures(checkpoint: Path) -> dict[str, str]:
    """The errors that results.json gives, as tags; empty where it did not measure these weights."""
    from train.training.mlflow_contents import figures

    try:
        results = read_results(checkpoint)
    except NotMeasuredError:
        return {}
    return {name: f"{value:.4g}" for name, value in figures(results).items() if "/mae" in name}


def _run(arguments: RegisterArguments) -> None:
    uri, version = register(arguments)
    print(f"{arguments.name}: version {version}, {uri}")
    print(f"Serve it: mlflow models serve --model-uri {uri} --env-manager local")


def main(argv: list[str] | None = None) -> None:
    """Command line of `python -m train.register`."""
    run_command("train.register", RegisterArguments, _run, argv)


if __name__ == "__main__":
    main()
