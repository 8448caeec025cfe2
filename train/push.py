"""`python -m train.push`: a checkpoint with its card -> a model repository on the Hugging Face Hub.

Everything goes up in one commit, the card as it lies in the folder: nothing writes another one over
it, as the Trainer's own push does. A checkpoint whose card does not fit its results stays here.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path

from huggingface_hub import CommitInfo, HfApi
from huggingface_hub.errors import HfHubHTTPError
from transformers import HfArgumentParser

from train.card_robustness import FILES
from train.model_card import CardArguments, generated, stale_files

NEEDED = ("config.json", "preprocessor_config.json", "training.json", "results.json", "README.md")
WEIGHTS = ("*.safetensors", "model.safetensors.index.json")


@dataclass
class PushArguments:
    """What to push, and where to."""

    repo: str = field(metadata={"help": "Model repository on the Hub, as in USER/NAME."})
    checkpoint: str = field(
        default="age_model/checkpoint", metadata={"help": "Checkpoint folder with its card."}
    )
    private: bool = field(
        default=False, metadata={"help": "Make a new repository private; an old one stays as it is."}
    )
    revision: str | None = field(
        default=None, metadata={"help": "Branch to push to, made where missing; none: main."}
    )
    message: str = field(default="Upload the checkpoint", metadata={"help": "Commit message."})

    def __post_init__(self) -> None:
        if self.repo.count("/") != 1 or not all(self.repo.split("/")):
            raise ValueError(f"expected --repo as USER/NAME, got {self.repo!r}")


def push(arguments: PushArguments) -> CommitInfo:
    """Upload the checkpoint; weights that an older push left there and this one lacks are deleted.

    Raises:
        ValueError: a file is missing, or the card is not what results.json gives.
        HfHubHTTPError: the Hub says no.
    """
    checkpoint = Path(arguments.checkpoint)
    missing = [name for name in NEEDED if not (checkpoint / name).is_file()]
    if missing or not any(checkpoint.glob("*.safetensors")):
        raise ValueError(
            f"expected a checkpoint with safetensors, results and card, got {checkpoint} without "
            f"{', '.join(missing) or 'weights'}; run train.export, train.evaluate, train.model_card"
        )
    if stale_files(generated(CardArguments(checkpoint=arguments.checkpoint))):
        raise ValueError(
            f"expected the card that results.json gives, got another one in {checkpoint}; "
            "run train.model_card first"
        )
    hub = HfApi()
    hub.create_repo(arguments.repo, private=arguments.private, exist_ok=True)
    if arguments.revision:
        hub.create_branch(arguments.repo, branch=arguments.revision, exist_ok=True)
    return hub.upload_folder(
        repo_id=arguments.repo,
        folder_path=checkpoint,
        allow_patterns=[*NEEDED, *FILES, *WEIGHTS],
        delete_patterns=list(WEIGHTS),
        revision=arguments.revision,
        commit_message=arguments.message,
    )


def main(argv: list[str] | None = None) -> None:
    """Parse `argv` and push; a problem ends the process with its message."""
    try:
        (arguments,) = HfArgumentParser(PushArguments).parse_args_into_dataclasses(argv)
        commit = push(arguments)
    except HfHubHTTPError as error:
        sys.exit(
            f"train.push: the Hub refused: {error}\n"
            "Log in with `hf auth login` or set HF_TOKEN to a token that may write there."
        )
    except ValueError as error:
        sys.exit(f"train.push: {error}")
    print(commit.commit_url)


if __name__ == "__main__":
    main()
