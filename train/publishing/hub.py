"""What publishing on the Hugging Face Hub has in common: names, what is sent, and refusals."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub.errors import HfHubHTTPError, HTTPError
from huggingface_hub.utils import validate_repo_id

from age_model.network.reports import LEAVE_ONE_OUT, weights_sha256
from train.card.document import generated, stale_files
from train.card.other_pictures import FILES
from train.console.errors import InputError
from train.console.output import without_folders

NEEDED = ("config.json", "preprocessor_config.json", "training.json", "results.json", "README.md")
WEIGHTS = ("*.safetensors", "model.safetensors.index.json")
CHECKPOINT_FILES = (*NEEDED, *FILES, LEAVE_ONE_OUT, *WEIGHTS)  # names and patterns
ONNX_REPORT = "onnx/onnx.json"
ONNX_FILES = ("onnx/*.onnx", ONNX_REPORT)  # what train.export --onnx adds

WHAT_TO_DO = {
    401: "Log in with `hf auth login` or set HF_TOKEN to a token that may write there.",
    402: "The Hub asks for a paid plan for this; its message says which.",
    403: "This login may not write there: check the name, or take a token that has the right to.",
}


def check_repository_name(name: str) -> None:
    """Raise ValueError unless `name` is USER/NAME with the characters that the Hub takes."""
    if name.count("/") != 1 or not all(name.split("/")):
        raise ValueError(f"expected --repo as USER/NAME, got {name!r}")
    validate_repo_id(name)


def check_checkpoint(checkpoint: Path, readme: Path | None = None) -> None:
    """Raise ValueError unless a checkpoint folder is whole, with the card that its results give.

    Args:
        checkpoint: folder.
        readme: a README whose results must be those of this checkpoint too.
    """
    missing = [name for name in NEEDED if not (checkpoint / name).is_file()]
    if missing or not any(checkpoint.glob("*.safetensors")):
        raise ValueError(
            f"expected a checkpoint with safetensors, results and card, got {checkpoint} without "
            f"{', '.join(missing) or 'weights'}; run train.export, train.evaluate, train.model_card"
        )
    training = json.loads((checkpoint / "training.json").read_text(encoding="utf-8"))
    if training != without_folders(training):
        raise ValueError(
            f"expected a training.json without the folders of this machine, {checkpoint} has one "
            "with some; run train.export"
        )
    _check_onnx(checkpoint)
    if stale := stale_files(generated(checkpoint, readme)):
        raise ValueError(
            f"expected the card that results.json gives, got another one in "
            f"{', '.join(map(str, stale))}; run train.model_card first"
        )


def _check_onnx(checkpoint: Path) -> None:
    """Raise ValueError where a checkpoint has ONNX files that hold other weights."""
    report = checkpoint / ONNX_REPORT
    if not any(checkpoint.glob(ONNX_FILES[0])) and not report.is_file():
        return
    held = json.loads(report.read_text()).get("weights_sha256") if report.is_file() else None
    if held != weights_sha256(checkpoint):
        raise ValueError(
            f"expected ONNX files of these weights and this calibration, got others in "
            f"{checkpoint / 'onnx'}; run train.export --model {checkpoint} --onnx again, or remove "
            "them"
        )


def listing(folder: Path, patterns: Sequence[str] = ("**/*",)) -> str:
    """The files below `folder` with their sizes, one a line, and their sum."""
    files = sorted(
        {path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}
    )
    sizes = [file.stat().st_size for file in files]
    lines = [
        f"{size:>10,}  {file.relative_to(folder)}" for file, size in zip(files, sizes, strict=True)
    ]
    return "\n".join([*lines, f"{sum(sizes):>10,}  bytes in {len(files)} files"])


@contextmanager
def hub_errors() -> Iterator[None]:
    """Turn what the Hub refuses, or that it does not answer, into an InputError with advice."""
    try:
        yield
    except HfHubHTTPError as error:
        advice = WHAT_TO_DO.get(error.response.status_code, "")
        raise InputError(f"the Hub refused: {error}\n{advice}".rstrip()) from error
    except (HTTPError, ConnectionError) as error:  # the latter also under HF_HUB_OFFLINE=1
        raise InputError(
            f"the Hub cannot be reached: {error}\nCheck the network; nothing was sent."
        ) from error
