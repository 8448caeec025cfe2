"""The arguments of every command that measures a checkpoint on a split."""

from dataclasses import dataclass, field, fields

from train.console.output import shown_name

CHANGES_NO_NUMBER = ("write_card",)
DEVICE_HELP = (
    "Where the network runs: auto (a GPU if there is one), cuda, cuda:1, mps or cpu; none: what "
    "the environment variable AGE_DEVICE says, else auto."
)


@dataclass
class SplitArguments:
    """What to measure, on what, and where to write it."""

    model: str = field(metadata={"help": "Checkpoint: a folder, or a model id on the Hub."})
    data: str = field(metadata={"help": "Data set that train.prepare wrote."})
    out: str = field(metadata={"help": "Folder to write; an older measurement there is replaced."})
    split: str = field(default="test", metadata={"help": "Split of the data set to measure."})
    batch_size: int = field(default=64, metadata={"help": "Pictures that go together."})
    resamples: int = field(
        default=2000, metadata={"help": "Bootstrap resamples for each 95%% interval."}
    )
    seed: int = field(default=0, metadata={"help": "Seed of all that is drawn at random."})
    device: str | None = field(default=None, metadata={"help": DEVICE_HELP})

    def __post_init__(self) -> None:
        for name in ("batch_size", "resamples"):
            if getattr(self, name) < 1:
                raise ValueError(f"expected --{name} of at least 1, got {getattr(self, name)}")

    def command_of(self, program: str) -> str:
        """The command line of `program` that gives the same numbers, without local folders."""
        shown = []
        for option in fields(self):
            value = getattr(self, option.name)
            if option.name in CHANGES_NO_NUMBER:
                continue
            if option.name in ("model", "data", "out"):
                value = shown_name(value)
            elif value == option.default and option.name != "split":
                continue
            shown.append(f"--{option.name} {value}")
        return " ".join([f"python -m {program}", *shown])
