"""`python -m train.space`: the demo and its checkpoint -> a Gradio Space on the Hugging Face Hub.

The Space gets what the page needs to run, in one commit; what an older one left there is deleted.
"""

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from huggingface_hub import CommitInfo, HfApi

from train.console.command import run_command
from train.publishing.hub import (
    CHECKPOINT_FILES,
    check_checkpoint,
    check_repository_name,
    hub_errors,
    listing,
)
from train.publishing.sharding import split_weights
from train.publishing.space_readme import space_readme

ROOT = Path(__file__).parents[1]
CHECKPOINT = "age_model/checkpoint"
# By name and kind, so that nothing goes public that merely lies there, such as somebody's photo.
SPACE_FILES = (
    "app.py",
    "requirements.txt",
    "packages.txt",
    "age_model/**/*.py",
    "age_model/page/static/*.css",
    "age_model/page/static/*.js",
    "age_model/page/templates/*.html",
    "age_model/examples/*.jpg",
    "age_model/faces/*.json",
    "age_model/faces/*.safetensors",
    "age_model/cluster/requirements.txt",
)
# Beside these, what tells of the checkpoint in the repository; another one brings its own README.
ABOUT_OURS = (
    "README.md",  # the Space's settings are its front matter
    "docs/*.md",  # what the README shows and links to
    "docs/*.jpg",
    "docs/*.webp",
    "docs/design/*.jpg",
    *(f"{CHECKPOINT}/{name}" for name in CHECKPOINT_FILES),
)
CPU_INDEX = "https://download.pytorch.org/whl/cpu"


@dataclass
class SpaceArguments:
    """Which Space to create or update."""

    repo: str = field(metadata={"help": "Space on the Hub, as in USER/NAME."})
    checkpoint: str | None = field(
        default=None,
        metadata={"help": "Checkpoint folder with its card; none: the one in the repository."},
    )
    private: bool = field(
        default=False, metadata={"help": "Make a new Space private; an old one stays as it is."}
    )
    dry_run: bool = field(
        default=False, metadata={"help": "List what would be sent, and send nothing."}
    )
    message: str = field(default="Upload the demo", metadata={"help": "Commit message."})

    def __post_init__(self) -> None:
        check_repository_name(self.repo)


def stage(root: Path, folder: Path, checkpoint: Path | None = None) -> None:
    """Put what the Space is to hold into an empty `folder`.

    Args:
        root: the repository; only SPACE_FILES and ABOUT_OURS of it are taken.
        folder: where to.
        checkpoint: folder of another checkpoint, to be shown instead of the repository's.

    Raises:
        ValueError: a file is missing, the card or the README does not fit the results, or
            requirements.txt does not pin torch.
    """
    if checkpoint is None:
        check_checkpoint(root / CHECKPOINT, readme=root / "README.md")
        _copy(root, (*SPACE_FILES, *ABOUT_OURS), folder)
    else:
        check_checkpoint(checkpoint)
        _copy(root, SPACE_FILES, folder)
        _copy(checkpoint, CHECKPOINT_FILES, folder / CHECKPOINT)
        readme = (root / "README.md").read_text(encoding="utf-8")
        text = space_readme(readme, checkpoint, CHECKPOINT)
        (folder / "README.md").write_text(text, encoding="utf-8")
    split_weights(folder / CHECKPOINT)
    requirements = folder / "requirements.txt"
    needed = for_cpu(requirements.read_text()) + network_requirements(folder / CHECKPOINT)
    requirements.write_text(needed)


def network_requirements(checkpoint: Path) -> str:
    """Lines for what the network of a checkpoint needs beyond requirements.txt."""
    from age_model.network.convolutional import MONAI, AgeDenseNetConfig  # torch takes seconds

    config = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
    return f"{MONAI}\n" if config["model_type"] == AgeDenseNetConfig.model_type else ""


def _copy(root: Path, patterns: Sequence[str], folder: Path) -> None:
    for pattern in patterns:
        for file in root.glob(pattern):
            target = folder / file.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)


def for_cpu(requirements: str) -> str:
    """The requirements with torch's build for the processor.

    A Space installs this file with pip and offers no other option to it. PyPI's torch would bring
    several gigabytes of CUDA, which the free hardware cannot use; only PyTorch's own index has the
    build whose version ends in +cpu.
    """
    changed, count = re.subn(
        r"^torch==([\w.]+)$",
        rf"--extra-index-url {CPU_INDEX}\ntorch==\1+cpu",
        requirements,
        flags=re.M,
    )
    if count != 1:
        raise ValueError(f"expected one line torch==VERSION in requirements.txt, got {count}")
    return changed


def upload(folder: Path, arguments: SpaceArguments) -> CommitInfo:
    """Make the Space where it is missing, and make it hold what `folder` does.

    Raises:
        ValueError: the Hub refuses or cannot be reached.
    """
    hub = HfApi()
    with hub_errors():
        hub.create_repo(
            arguments.repo,
            repo_type="space",
            space_sdk="gradio",
            private=arguments.private,
            exist_ok=True,
        )
        return hub.upload_folder(
            repo_id=arguments.repo,
            repo_type="space",
            folder_path=folder,
            delete_patterns="*",
            commit_message=arguments.message,
        )


def publish(arguments: SpaceArguments) -> None:
    """Put the demo together, list it, and upload it unless this is a dry run.

    Raises:
        ValueError: as for `stage` and `upload`.
    """
    with TemporaryDirectory(prefix="space-") as name:
        folder = Path(name)
        given = arguments.checkpoint
        stage(ROOT, folder, Path(given) if given else None)
        print(listing(folder))
        if arguments.dry_run:
            print(f"Nothing was sent to {arguments.repo}.")
        else:
            print(upload(folder, arguments).commit_url)


def main(argv: list[str] | None = None) -> None:
    """Command line of `python -m train.space`."""
    run_command("train.space", SpaceArguments, publish, argv)


if __name__ == "__main__":
    main()
