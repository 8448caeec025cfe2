"""`python -m train.search`: look for better settings of `train.finetune`, with Optuna.

    python -m train.search --config train/configs/finetune.json --data data \\
        --space train/configs/spaces/finetune.json --trials 20 --out runs/search

Every other option is one of `train.finetune` and holds for all trials. Each trial is a training of
its own with its own validation; one that is worse than most others were at the same step is ended
(pruned). Trials are kept in OUT/study.db: given again, the command goes on, also with a trial that
was broken off. It leaves trials.json, trials.md, importance.png and best.json, a preset for
`train.finetune --config`. Only the validation split is looked at.

`Trainer.hyperparameter_search` is not used: it changes arguments of a trainer that exists already,
and here the class weights, the network, its teacher and its data are made from the arguments.
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, Trial, TrialState
from transformers import TrainerCallback

from age_model.records.atomic import atomic_file
from train.card.tables import table
from train.console.command import exit_on_error
from train.console.errors import InputError
from train.figures.importance import draw_importance
from train.finetune import UNFINISHED, Stopped, build_trainer, finetune
from train.training.mlflow_runs import parent_run
from train.training.presets import parse, preset_of
from train.training.search_space import read_space

STUDY = "study.db"
ERROR = "error"  # attribute of a trial whose settings cannot be used
MINUTES = "minutes"
DONE = (TrialState.COMPLETE, TrialState.PRUNED)


class Pruned(optuna.TrialPruned):
    """A trial that is not worth going on with."""

    run_status = "KILLED"  # of its MLflow run


class Pruning(TrainerCallback):
    """Tells a trial of each validation, and ends the training where the trial is too bad."""

    def __init__(self, trial: Trial, metric: str):
        self.trial, self.metric = trial, metric

    def on_evaluate(self, args, state, control, metrics, **kwargs):
        """Report the step's value."""
        if state.global_step >= state.max_steps:
            return  # finished anyway
        self.trial.report(metrics[self.metric], state.global_step)
        if self.trial.should_prune():
            raise Pruned(f"pruned at step {state.global_step}")


class Search:
    """Trials of one space, kept in a folder.

    Args:
        argv: command line of `train.finetune`, for all trials.
        space: by option; see `search_space`.
        out: folder of the trials and of what is written about them.
        startup: so many trials are finished before one is pruned.

    Raises:
        InputError: as for `train.finetune`, or the folder holds trials of another space.
    """

    def __init__(
        self, argv: list[str], space: dict[str, BaseDistribution], out: Path, startup: int
    ):
        self.argv, self.space, self.out = argv, space, out
        model_args, data_args, self.args, _ = parse([*argv, "--output_dir", str(out / "trials")])
        # By the labels that there are, it also chooses what the best network is the best by.
        build_trainer(model_args, data_args, self.args)
        self.metric = "eval_" + str(self.args.metric_for_best_model).removeprefix("eval_")
        out.mkdir(parents=True, exist_ok=True)
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.study = optuna.create_study(
            storage=f"sqlite:///{out / STUDY}",
            study_name="search",
            load_if_exists=True,
            direction="maximize" if self.args.greater_is_better else "minimize",
            pruner=optuna.pruners.MedianPruner(n_startup_trials=startup),
        )
        # A search that goes on must not draw its first settings again.
        seed = self.args.seed + len(self.study.trials)
        self.study.sampler = optuna.samplers.TPESampler(seed=seed)
        if any(trial.distributions != space for trial in self._trials(*DONE)):
            raise InputError(
                f"--out: {out} holds trials of another --space; give another folder, or remove it"
            )

    def run(self, trials: int) -> None:
        """Run what is missing to so many trials, and write about all of them after each."""
        self._take_up()
        tracked = "mlflow" in self.args.report_to
        name = f"search {self.out.name}"
        parent: AbstractContextManager = (
            parent_run(self.args.experiment, self.out, name) if tracked else nullcontext()
        )
        with parent:
            self._write()
            while len(self._settled()) < trials:
                self._try(self.study.ask(self.space))
                self._write()
            if tracked:
                self._track()

    def _trials(self, *states: TrialState) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False, states=states)

    def _settled(self) -> list[FrozenTrial]:
        """Trials that need not be run again."""
        failed = [t for t in self._trials(TrialState.FAIL) if ERROR in t.user_attrs]
        return [*self._trials(*DONE), *failed]

    def _take_up(self) -> None:
        """Put what was broken off before first in the queue, with the same settings."""
        for trial in self._trials(TrialState.RUNNING):
            self.study.tell(trial.number, state=TrialState.FAIL)
            self.study.enqueue_trial(trial.params)

    def _try(self, trial: Trial) -> None:
        folder = self.folder(trial.params)
        options = [text for name, value in trial.params.items() for text in _option(name, value)]
        name = f"trial {trial.number}"
        print(f"{name}: {_shown(trial.params)}", file=sys.stderr)
        try:
            parsed = parse([*self.argv, *options, "--output_dir", str(folder)])
            if not (folder / "final" / "training.json").is_file():
                finetune(*parsed[:3], name, [Pruning(trial, self.metric)])
            facts = json.loads((folder / "final" / "training.json").read_text())
            trial.set_user_attr(MINUTES, facts["minutes"])
            self.study.tell(trial, facts["validation"][self.metric])
            # Only the network itself is kept.
            for checkpoint in folder.glob("checkpoint-*"):
                shutil.rmtree(checkpoint)
        except optuna.TrialPruned as pruned:
            print(f"{name}: {pruned}", file=sys.stderr)
            self.study.tell(trial, state=TrialState.PRUNED)
            shutil.rmtree(folder)
        except InputError as error:
            print(f"{name}: {error}", file=sys.stderr)
            trial.set_user_attr(ERROR, str(error))
            self.study.tell(trial, state=TrialState.FAIL)

    def folder(self, params: dict) -> Path:
        """Where a trial with these settings is trained; the same ones are not trained twice."""
        text = json.dumps(params, sort_keys=True)
        return self.out / "trials" / hashlib.sha256(text.encode()).hexdigest()[:12]

    def _write(self) -> None:
        trials = sorted(self._settled(), key=self._rank)
        rows = [self._row(trial) for trial in trials]
        with atomic_file(self.out / "trials.json") as partial:
            partial.write_text(json.dumps({"metric": self.metric, "trials": rows}, indent=1))
        finished = self._trials(TrialState.COMPLETE)
        with atomic_file(self.out / "trials.md") as partial:
            partial.write_text(self._markdown(trials))
        if not finished:
            return
        best = preset_of(self.argv) | self.study.best_params
        with atomic_file(self.out / "best.json") as partial:
            partial.write_text(json.dumps(best, indent=1) + "\n")
        if len(finished) > 1 and len({trial.value for trial in finished}) > 1:
            importances = optuna.importance.get_param_importances(self.study)
            draw_importance(self.out / "importance.png", importances, self.metric, len(finished))

    def _rank(self, trial: FrozenTrial) -> tuple[bool, float, int]:
        """Finished trials first, the best first."""
        if trial.state != TrialState.COMPLETE or trial.value is None:
            return True, 0.0, trial.number
        return False, -trial.value if self.args.greater_is_better else trial.value, trial.number

    def _row(self, trial: FrozenTrial) -> dict:
        finished = trial.state == TrialState.COMPLETE
        return {
            "number": trial.number,
            "state": trial.state.name.lower(),
            "value": trial.value if finished else None,
            "last_step": trial.last_step,
            MINUTES: trial.user_attrs.get(MINUTES),
            "params": trial.params,
            "folder": str(self.folder(trial.params)) if finished else None,
            **({ERROR: trial.user_attrs[ERROR]} if ERROR in trial.user_attrs else {}),
        }

    def _markdown(self, trials: list[FrozenTrial]) -> str:
        headings = ["Trial", "State", self.metric, "Minutes", *self.space]
        lines = [
            [
                str(trial.number),
                trial.state.name.lower(),
                f"{trial.value:.4g}" if trial.state == TrialState.COMPLETE else "",
                str(trial.user_attrs.get(MINUTES, "")),
                *(f"{value:.4g}" if isinstance(value, float) else str(value)
                  for value in map(trial.params.get, self.space)),
            ]
            for trial in trials
        ]  # fmt: skip
        return table(headings, lines) + "\n"

    def _track(self) -> None:
        import mlflow  # it takes seconds to import

        if self._trials(TrialState.COMPLETE):
            mlflow.log_metric(f"best/{self.metric}", self.study.best_value)
            mlflow.set_tag("best_trial", self.study.best_trial.number)
        for name in ("trials.json", "trials.md", "best.json", "importance.png"):
            if (self.out / name).is_file():
                mlflow.log_artifact(str(self.out / name))


def _option(name: str, value: object) -> list[str]:
    return [f"--{name}", str(value).lower() if isinstance(value, bool) else str(value)]


def _shown(params: dict) -> str:
    return ", ".join(f"{name} {value}" for name, value in params.items())


def search(argv: list[str]) -> Path:
    """Do what a command line asks for; returns the path of the best preset.

    Raises:
        InputError: see `Search` and `read_space`; or no trial could be finished.
    """
    parser = argparse.ArgumentParser(
        prog="python -m train.search",
        description="Look for better settings of train.finetune. Every other option is one of its "
        "own, such as --config PRESET and --data FOLDER, and holds for all trials.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--space", required=True, type=Path, help="JSON file: what may differ, and how far")
    add("--out", required=True, type=Path, help="folder of the search; given again, it goes on")
    add("--trials", type=int, default=20, help="finished and pruned ones (default: %(default)s)")
    add("--startup_trials", type=int, default=5,
        help="finish so many before one may be pruned (default: %(default)s)")  # fmt: skip
    options, argv = parser.parse_known_args(argv)
    if int(os.environ.get("WORLD_SIZE", 1)) > 1:
        raise InputError("a search is one process; give each GPU a search with an --out of its own")
    if options.trials < 1:
        raise InputError(f"expected --trials of at least 1, got {options.trials}")
    found = Search(argv, read_space(options.space), options.out, options.startup_trials)
    found.run(options.trials)
    best = options.out / "best.json"
    if not best.is_file():
        raise InputError(f"no trial could be finished; {options.out / 'trials.json'} says why")
    print((options.out / "trials.md").read_text(), end="")
    print(f"the best preset is {best}")
    return best


def main(argv: list[str] | None = None) -> None:
    """Command line of `python -m train.search`."""
    with exit_on_error("train.search"):
        try:
            search(sys.argv[1:] if argv is None else argv)
        except Stopped as stopped:
            print(f"train.search: {stopped}", file=sys.stderr)
            sys.exit(UNFINISHED)


if __name__ == "__main__":
    main()
