"""`python -m train.model_card`: results.json and training.json -> the card and README's results.

No number of the card or of README's results is typed by hand. Sections of the second level that a
person adds to the card stay where they are when it is written again. `--check` (and a test) fails
when a file on disk is not what would be written.
"""

from dataclasses import dataclass, field
from pathlib import Path

from age_model.records.atomic import atomic_file
from train.card.document import END, START, generated, stale_files
from train.console.command import run_command
from train.console.errors import InputError


@dataclass
class CardArguments:
    """Which card to write."""

    checkpoint: str = field(
        default="age_model/checkpoint",
        metadata={"help": "Checkpoint folder with results.json and training.json in it."},
    )
    readme: str | None = field(
        default=None,
        metadata={"help": f"README whose part between {START} and {END} is written too."},
    )
    name: str | None = field(
        default=None,
        metadata={"help": "Name of the model; none: as in the card that is there, else AgeViT."},
    )
    check: bool = field(
        default=False, metadata={"help": "Write nothing; exit 1 if a file is not up to date."}
    )


def _run(arguments: CardArguments) -> None:
    readme = None if arguments.readme is None else Path(arguments.readme)
    files = generated(Path(arguments.checkpoint), readme, arguments.name)
    stale = stale_files(files)
    if arguments.check and stale:
        names = ", ".join(map(str, stale))
        raise InputError(f"not what results.json gives: {names}; run it without --check")
    for path in stale:
        with atomic_file(path) as partial:
            partial.write_text(files[path], encoding="utf-8")
        print(f"written: {path}")
    if not stale:
        print("up to date")


def main(argv: list[str] | None = None) -> None:
    """Command line of `python -m train.model_card`."""
    run_command("train.model_card", CardArguments, _run, argv)


if __name__ == "__main__":
    main()
