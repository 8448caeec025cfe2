"""`python -m train.deletion`: does the heat map of the tab "Why?" show what moves an estimate?

The patches of a face are taken away in the order of its map, the most relevant first, and the
estimate is followed: a map that is right makes it change sooner than a random order does, and its
reverse later -> deletion.json, deletion.png.

Source: Petsiuk, Das and Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box
Models", BMVC 2018, whose deletion metric follows a class's probability; here, the age in years.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import datasets
import numpy as np
from tqdm import tqdm

from age_model.network.reports import DELETION
from train.console.command import run_command
from train.evaluation.deletion_curves import LEAST, MOST, RANDOM, picture_curves, shares
from train.evaluation.metrics import mean_interval
from train.evaluation.predict import encoded
from train.figures.deletion import FIGURE, draw_deletion
from train.stress.measurement import (
    MeasureArguments,
    drawn_pictures,
    head,
    measurement_folder,
    write_measurement,
)

if TYPE_CHECKING:
    from age_model.predictor import AgePredictor

DEFINITIONS = {
    "shares": "of the face's patches, taken away by showing the crop's mean colour in their place",
    "most_first": "in the order of the heat map, the most relevant first; least_first: reversed; "
    "random: mean over random_orders random orders of each picture",
    "change_years": "at each share, mean over pictures of |estimate minus estimate of the whole "
    "face|",
    "area": "under change_years over the shares 0 to 1, years: the mean change over all shares",
    "more_than_random": "area minus that of random, of the same pictures",
    "share_above_random": "pictures whose area is larger than that of their random orders",
    "intervals": "95% percentile bootstrap over pictures",
}


@dataclass
class DeletionArguments(MeasureArguments):
    """What to measure, on how many pictures, and where to write it."""

    max_pictures: int = field(
        default=300,
        metadata={"help": "Measure so many of the split's pictures, drawn by the seed."},
    )
    random_orders: int = field(
        default=5, metadata={"help": "Random orders for each picture, to compare with."}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.random_orders < 1:
            raise ValueError(f"expected --random_orders of at least 1, got {self.random_orders}")

    def command(self) -> str:
        """The command line that gives the same numbers, without this machine's folders."""
        return self.command_of("train.deletion")


def measure(
    predictor: "AgePredictor", table: datasets.Dataset, arguments: DeletionArguments
) -> dict[str, dict]:
    """The numbers of each kind of order."""
    curves: dict[str, list] = {MOST: [], LEAST: [], RANDOM: []}
    for i, row in enumerate(tqdm(table, desc="delete", unit="face")):
        rng = np.random.default_rng([arguments.seed, i])
        found = picture_curves(predictor, encoded(row["image"]), rng, arguments.random_orders)
        for name, curve in found.items():
            curves[name].append(curve)
    areas = {name: np.trapezoid(np.array(c), shares(), axis=1) for name, c in curves.items()}
    return {
        name: _scores(np.array(curves[name]), areas[name], areas[RANDOM], arguments)
        for name in curves
    }


def _scores(
    curves: np.ndarray, area: np.ndarray, chance: np.ndarray, arguments: DeletionArguments
) -> dict:
    """Numbers of (N, STEPS + 1) curves, whose (N,) areas are set beside those of random orders."""
    bootstrap = (arguments.resamples, arguments.seed)
    more = area - chance
    return {
        "change_years": curves.mean(axis=0).tolist(),
        "area": float(area.mean()),
        "area_interval": mean_interval(area, *bootstrap),
        "more_than_random": float(more.mean()),
        "more_than_random_interval": mean_interval(more, *bootstrap),
        "share_above_random": float((more > 0).mean()),
    }


def deletion(arguments: DeletionArguments) -> dict:
    """Measure and write everything; returns the content of deletion.json.

    Raises:
        ValueError: the model or the data cannot be used, or --out holds other files.
    """
    from age_model.predictor import AgePredictor  # torch and transformers take seconds to import

    table, of = drawn_pictures(arguments)
    with measurement_folder(arguments.out, {DELETION, FIGURE}) as staging:
        # The pictures are crops already, so the detector that needs no file will do.
        predictor = AgePredictor.from_pretrained(
            arguments.model, detector="haar", device=arguments.device
        )
        content = head(arguments, arguments.command(), predictor, table, of)
        content["definitions"] = DEFINITIONS
        content["patches"] = (predictor.image_size // predictor.patch_size) ** 2
        content["random_orders"] = arguments.random_orders
        content["shares"] = shares().tolist()
        content["orders"] = measure(predictor, table, arguments)
        write_measurement(staging, DELETION, content)
        draw_deletion(staging, content)
    return content


def _run(arguments: DeletionArguments) -> None:
    content = deletion(arguments)
    print(f"{content['data']['n']} pictures")
    for name, row in content["orders"].items():
        low, high = row["more_than_random_interval"]
        print(
            f"{name:12} {row['area']:6.2f} years, {row['more_than_random']:+.2f} "
            f"({low:+.2f} to {high:+.2f}) than random"
        )
    print(f"written to {arguments.out}")


def main(argv: list[str] | None = None) -> None:
    """Command line of `python -m train.deletion`."""
    run_command("train.deletion", DeletionArguments, _run, argv)


if __name__ == "__main__":
    main()
