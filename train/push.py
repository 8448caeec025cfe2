"""`python -m train.push`: a checkpoint with its card -> a model repository on the Hugging Face Hub.

Everything goes up in one commit, the card as it lies in the folder: nothing writes another one over
it, as the Trainer's own push does. A checkpoint whose card does not fit its results stays here.
"""

from dataclasses import dataclass, field
from pathlib import Path

from huggingface_hub import CommitInfo, HfApi

from train.console.command import run_command
from train.publishing.hub import (
    CHECKPOINT_FILES,
    ONNX_FILES,
    WEIGHTS,
    check_checkpoint,
    check_repository_name,
    hub_errors,
    listing,
)


@dataclass
class PushArguments:
    """What to push, and where to."""

    repo: str = field(metadata={"help": "Model repository on the Hub, as in USER/NAME."})
    checkpoint: str = field(
        default="age_model/checkpoint", metadata={"help": "Checkpoint folder with its card."}
    )
    private: bool = field(
        default=False,
        metadata={"help": "Make a new repository private; an old one stays as it is."},
    )
    revision: str | None = field(
        default=None, metadata={"help": "Branch to push to, made where missing; none: main."}
    )
    dry_run: bool = field(
        default=False, metadata={"help": "List what would be sent, and send nothing."}
    )
    message: str = field(default="Upload the checkpoint", metadata={"help": "Commit message."})

    def __post_init__(self) -> None:
        check_repository_name(self.repo)


def push(arguments: PushArguments) -> CommitInfo:
    """Upload the checkpoint, with its ONNX files if it has some.

    Weights that an older push left there and this one lacks are deleted.

    Raises:
        ValueError: a file is missing, the card is not what results.json gives, or the Hub refuses
            or cannot be reached.
    """
    checkpoint = Path(arguments.checkpoint)
    check_checkpoint(checkpoint)
    hub = HfApi()
    with hub_errors():
        hub.create_repo(arguments.repo, private=arguments.private, exist_ok=True)
        if arguments.revision:
            hub.create_branch(arguments.repo, branch=arguments.revision, exist_ok=True)
        return hub.upload_folder(
            repo_id=arguments.repo,
            folder_path=checkpoint,
            allow_patterns=[*CHECKPOINT_FILES, *ONNX_FILES],
            delete_patterns=[*WEIGHTS, *ONNX_FILES],
            revision=arguments.revision,
            commit_message=arguments.message,
        )


def _run(arguments: PushArguments) -> None:
    if not arguments.dry_run:
        print(push(arguments).commit_url)
        return
    checkpoint = Path(arguments.checkpoint)
    check_checkpoint(checkpoint)
    print(listing(checkpoint, (*CHECKPOINT_FILES, *ONNX_FILES)))
    print(f"Nothing was sent to {arguments.repo}.")


def main(argv: list[str] | None = None) -> None:
    """Command line of `python -m train.push`."""
    run_command("train.push", PushArguments, _run, argv)


if __name__ == "__main__":
    main()
