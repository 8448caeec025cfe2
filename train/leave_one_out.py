"""`python -m train.leave_one_out`: how far a model can be trusted on a source that it never saw.

For each source of the data, a network is trained on all others, calibrated on their validation
pictures, and measured on the test pictures of the one left out -> leave_one_out.json. The networks
are small and briefly trained, so that all of them take an hour or two: what counts is the step from
the sources that a network knows to the one that it does not.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import datasets
import numpy as np

from age_model.labels import AGE_GROUP_NAMES
from age_model.network.reports import LEAVE_ONE_OUT
from train.calibrate import CalibrateArguments, calibrate
from train.console.command import run_command
from train.console.errors import InputError
from train.data.prepared import load_prepared, source_metadata
from train.evaluation.feature_distance import FeatureDistance, crop_features
from train.evaluation.metrics import AGE_BANDS, age_error, share, true_group
from train.evaluation.predict import encoded, predict_split
from train.evaluation.predictions import Predictions
from train.evaluation.provenance import provenance, source_facts
from train.evaluation.results_file import rounded
from train.finetune import finetune
from train.training.presets import parse

TEENS = AGE_BANDS["13_19"]
SPLIT = "test"
LEARNED = 3000  # training pictures, drawn by the seed, that distances are measured from
QUARTERS = (0.25, 0.5, 0.75)
DEFINITIONS = {
    "omitted": "measured on a source that the network neither trained on nor was calibrated on",
    "known": "the same network, measured on the sources that it knows",
    "teens": f"bias (mean of estimate minus label, years) of ages {TEENS[0]} to {TEENS[1]}",
    "coverage": "how often the 80% interval holds the label; interval: 95% Wilson interval",
    "by_distance": "coverage of a source left out by how far its pictures are from the training "
    "pictures in the features that the heads read (Mahalanobis distance), in the quarters of the "
    "known sources' test pictures, the nearest first",
    "groups": "how often the most probable age group is the labelled one; teens_right: of 10-19",
}


@dataclass
class LeaveOneOutArguments:
    """What to train without each source, and where to write what came of it."""

    data: str = field(metadata={"help": "Data set that train.prepare wrote."})
    out: str = field(
        metadata={"help": "Folder of the runs and of leave_one_out.json; given again, it goes on."}
    )
    config: str = field(
        default="train/configs/leave_one_out.json",
        metadata={"help": "Preset of train.finetune for each run."},
    )
    profile: str | None = field(
        default=None, metadata={"help": 'Variant of the preset for a machine, such as "gpu".'}
    )
    max_steps: int | None = field(default=None, metadata={"help": "Instead of the preset's."})
    batch_size: int = field(default=64, metadata={"help": "Pictures held in memory at once."})
    resamples: int = field(
        default=2000, metadata={"help": "Bootstrap resamples for each 95%% interval."}
    )
    seed: int = field(default=0, metadata={"help": "Seed of the resampling."})

    def command(self) -> str:
        """The command line that gives the same numbers, without this machine's folders."""
        given = {"profile": self.profile, "max_steps": self.max_steps}
        shown = "".join(f" --{name} {value}" for name, value in given.items() if value)
        return f"python -m train.leave_one_out --data data --out runs/leave_one_out{shown}"


def leave_one_out(arguments: LeaveOneOutArguments) -> dict:
    """Train and measure all; returns the content of leave_one_out.json.

    Raises:
        InputError: the data has one source only.
        finetune.Stopped: a run stopped after the minutes that its preset gave it.
    """
    sources = sorted(source_metadata(arguments.data))
    if len(sources) < 2:
        raise InputError(
            f"{arguments.data}: expected pictures of two sources or more, to leave one out, got "
            f"{', '.join(sources)}"
        )
    measured, files = {}, []
    for source in sources:
        network = _trained(arguments, source)
        predictions, distance = _measured(arguments, network, source)
        is_omitted = predictions.source == source
        omitted, known = predictions.where(is_omitted), predictions.where(~is_omitted)
        files += omitted.file.tolist()
        measured[source] = {
            "training": _training(network),
            "omitted": _numbers(omitted, arguments)
            | _by_distance(omitted, distance[is_omitted], distance[~is_omitted]),
            "known": {
                key: _numbers(known.where(known.source == key), arguments)
                for key in sources
                if key != source
            },
        }
    content = provenance(
        1, arguments.command(), {"preset": Path(arguments.config).stem},
        {"name": "data", "split": SPLIT}, np.array(files),
        {"resamples": arguments.resamples, "seed": arguments.seed}, DEFINITIONS,
    )  # fmt: skip
    return content | {
        "source_facts": source_facts(arguments.data, np.array(sources)),
        "sources": rounded(measured),
    }


def _trained(arguments: LeaveOneOutArguments, omitted: str) -> Path:
    """The calibrated network that never saw `omitted`; trained where it is not there yet."""
    out = Path(arguments.out) / f"without-{omitted}"
    if not (final := out / "final").is_dir():
        argv = ["--config", arguments.config, "--data", arguments.data]
        argv += ["--omit_source", omitted, "--output_dir", str(out), "--report_to", "none"]
        if arguments.profile:
            argv += ["--profile", arguments.profile]
        if arguments.max_steps:
            argv += ["--max_steps", str(arguments.max_steps)]
        model_args, data_args, args, preset = parse(argv)
        finetune(model_args, data_args, args, preset)
    calibrate(CalibrateArguments(str(final), arguments.data, omit_source=omitted))
    return final


def _measured(
    arguments: LeaveOneOutArguments, network: Path, omitted: str
) -> tuple[Predictions, np.ndarray]:
    """What the network says of all N test pictures, and (N,) their distances from what it knows."""
    from age_model.predictor import AgePredictor  # torch and transformers take seconds to import

    data = load_prepared(arguments.data)
    predictor = AgePredictor.from_pretrained(network, detector="haar")
    predictions = predict_split(predictor, data[SPLIT], arguments.batch_size)
    learned = load_prepared(arguments.data, omitted)["train"].shuffle(arguments.seed)
    learned = learned.select(range(min(LEARNED, len(learned))))
    distance = FeatureDistance(_features(arguments, network, learned))
    return predictions, distance(_features(arguments, network, data[SPLIT]))


def _features(arguments: LeaveOneOutArguments, network: Path, rows: datasets.Dataset) -> np.ndarray:
    batches = rows.iter(batch_size=arguments.batch_size)
    return crop_features(network, ([encoded(image) for image in b["image"]] for b in batches))


def _by_distance(p: Predictions, distance: np.ndarray, known: np.ndarray) -> dict:
    """Coverage in each quarter of the known pictures' distances; nothing without ages in years."""
    quarter = np.digitize(distance, np.quantile(known, QUARTERS))
    parts = [p.where(quarter == i).points for i in range(len(QUARTERS) + 1)]
    if not any(map(len, parts)):
        return {}
    return {"by_distance": [share(part.covered) if len(part) else None for part in parts]}


def _training(network: Path) -> dict:
    metadata = json.loads((network / "training.json").read_text(encoding="utf-8"))
    return {name: metadata[name] for name in ("steps", "pictures_seen", "parameters", "minutes")}


def _numbers(p: Predictions, arguments: LeaveOneOutArguments) -> dict:
    return {"n": len(p)} | dict(_years(p, arguments)) | dict(_groups(p))


def _years(p: Predictions, arguments: LeaveOneOutArguments) -> Iterator[tuple[str, dict]]:
    points = p.points
    if not len(points):
        return
    kept = ("n", "mae", "mae_interval", "bias", "bias_interval")
    for name, rows in (
        ("years", points),
        ("teens", points.where((points.age_low >= TEENS[0]) & (points.age_low <= TEENS[1]))),
    ):
        if len(rows):
            error = age_error(rows.years, rows.age_low, arguments.resamples, arguments.seed)
            yield name, {key: error[key] for key in kept}
    yield "coverage", share(points.covered)


def _groups(p: Predictions) -> Iterator[tuple[str, dict]]:
    true = true_group(p.age_low, p.age_high)
    coarse = (true >= 0) & (p.age_low < p.age_high)
    if not coarse.any():
        return
    right = p.group_probabilities.argmax(axis=1) == true
    yield "groups", share(right[coarse])
    teens = coarse & (true == AGE_GROUP_NAMES.index("10-19"))
    if teens.any():
        yield "teens_right", share(right[teens])


def _run(arguments: LeaveOneOutArguments) -> None:
    content = leave_one_out(arguments)
    out = Path(arguments.out, LEAVE_ONE_OUT)
    out.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(content["sources"], indent=1))
    print(f"written to {out}")


def main(argv: list[str] | None = None) -> None:
    """Command line of `python -m train.leave_one_out`."""
    run_command("train.leave_one_out", LeaveOneOutArguments, _run, argv)


if __name__ == "__main__":
    main()
