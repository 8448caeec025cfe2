"""`python -m train.space`: the demo and its checkpoint -> a Gradio Space on the Hugging Face Hub.

The Space gets what the page needs to run, in one commit; what an older one left there is deleted.
"""

import re
import shutil
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
)
from train.publishing.sharding import split_weights

ROOT = Path(__file__).parents[1]
CHECKPOINT = "age_model/checkpoint"
# By name and kind, so that nothing goes public that merely lies there, such as somebody's photo.
SPACE_FILES = (
    "app.py",
    "README.md",  # the Space's settings are its front matter
    "requirements.txt",
    "packages.txt",
    "age_model/**/*.py",
    "age_model/page/static/*.css",
    "age_model/page/static/*.js",
    "age_model/page/templates/*.html",
    "age_model/examples/*.jpg",
    "age_model/faces/face_check.safetensors",
    "docs/*.md",  # what the README shows and links to
    "docs/*.jpg",
    *(f"{CHECKPOINT}/{name}" for name in CHECKPOINT_FILES),
)
CPU_INDEX = "https://download.pytorch.org/whl/cpu"


@dataclass
class SpaceArguments:
    """Which Space to create or update."""

    repo: str = field(metadata={"help": "Space on the Hub, as in USER/NAME."})
    private: bool = field(
        default=False, metadata={"help": "Make a new Space private; an old one stays as it is."}
    )
    dry_run: bool = field(
        default=False, metadata={"help": "List what would be sent, and send nothing."}
    )
    message: str = field(default="Upload the demo", metadata={"help": "Commit message."})

    def __post_init__(self) -> None:
        check_repository_name(self.repo)


def stage(root: Path, folder: Path) -> None:
    """Put what the Space is to hold into an empty `folder`.

    Args:
        root: the repository; only SPACE_FILES of it are taken.

    Raises:
        ValueError: a file is missing, the card or the README does not fit the results, or
            requirements.txt does not pin torch.
    """
    check_checkpoint(root / CHECKPOINT, readme=root / "README.md")
    for pattern in SPACE_FILES:
        for file in root.glob(pattern):
            target = folder / file.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
    split_weights(folder / CHECKPOINT)
    requirements = folder / "requirements.txt"
    requirements.write_text(for_cpu(requirements.read_text()))


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


def listing(folder: Path) -> str:
    """The files below `folder` with their sizes, one a line, and their sum."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    sizes = [file.stat().st_size for file in files]
    lines = [
        f"{size:>10,}  {file.relative_to(folder)}" for file, size in zip(files, sizes, strict=True)
    ]
    return "\n".join([*lines, f"{sum(sizes):>10,}  bytes in {len(files)} files"])


def publish(arguments: SpaceArguments) -> None:
    """Put the demo together, list it, and upload it unless this is a dry run.

    Raises:
        ValueError: as for `stage` and `upload`.
    """
    with TemporaryDirectory(prefix="space-") as name:
        folder = Path(name)
        stage(ROOT, folder)
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
