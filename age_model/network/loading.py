"""Loading a checkpoint: the one inside this package, a folder, or one on the Hugging Face Hub."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
)
from transformers import AutoConfig, PreTrainedConfig
from transformers.utils import logging

from age_model.network import preprocessing
from age_model.network.answers import trained_attributes
from age_model.network.calibration import Calibration
from age_model.network.convolutional import AgeCNN, AgeDenseNet, AgeResNet
from age_model.network.modeling import AgeNetwork, AgeViT, age_labels_problem
from age_model.network.preprocessing import read_preprocessing
from age_model.network.pretrained import AgeBackbone
from age_model.network.reports import RESULTS, ROBUSTNESS

EMBEDDED = Path(__file__).parents[1] / "checkpoint"
EMBEDDED_NAME = "age_model/checkpoint"  # for people: the same on every machine
HUB_SECONDS = 6  # with what its client adds, an answer is given up after ten
# What is served, by the model type that config.json says.
NETWORKS: dict[str, type[AgeNetwork]] = {
    "vit": AgeViT,
    "resnet": AgeResNet,
    "age-densenet": AgeDenseNet,
    "age-cnn": AgeCNN,
    "age-backbone": AgeBackbone,
}
WANTED = "config.json and model.safetensors (or shards of it), as save_pretrained writes them"


class UnreachableError(ValueError):
    """A model on the Hub that is neither to be reached now nor in the cache from before."""


def load_model(name: str, revision: str | None = None) -> AgeNetwork:
    """The network of a checkpoint, on the CPU, in float32, ready to predict.

    Only safetensors are read, never pickles, and no code of a checkpoint is run. What was fetched
    from the Hub before is taken from its cache where the Hub cannot be reached.

    Args:
        name: a folder, or a name on the Hub such as "someone/age-vit".
        revision: on the Hub: branch, tag or commit; None takes the main branch.

    Raises:
        UnreachableError: a name on the Hub, which does not answer.
        ValueError: it cannot be had, is no checkpoint of this project, or does not answer in
            ages 0..100.
    """
    folder = checkpoint_folder(name, revision)
    if not (folder / "config.json").is_file() or not any(folder.glob("*.safetensors")):
        raise ValueError(f"{name} is not a checkpoint: expected a folder with {WANTED}")
    try:
        # Without the last, transformers asks at the terminal whether to run a checkpoint's own
        # code.
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        problem = _config_problem(config)
        if problem is None:
            read_preprocessing(folder, config)  # which refuses what cannot be used
            with quiet():
                model, report = NETWORKS[config.model_type].from_pretrained(
                    folder,
                    config=config,
                    use_safetensors=True,
                    local_files_only=True,
                    output_loading_info=True,
                )
    except Exception as error:  # damaged JSON or weights, a shard missing, sizes that do not fit
        raise ValueError(
            f"{name} cannot be loaded as a checkpoint of this project: {error}"
        ) from error
    if problem:
        raise ValueError(f"{name} is not a checkpoint of this project: {problem}")
    if report["missing_keys"]:  # transformers fills them with random numbers
        missing = ", ".join(sorted(report["missing_keys"])[:4])
        raise ValueError(
            f"the checkpoint {name} lacks weights ({missing}): expected a backbone and heads for "
            "age, gender and ethnicity, as train.finetune writes them"
        )
    return model.float().eval()


def _config_problem(config: PreTrainedConfig) -> str | None:
    if config.model_type not in NETWORKS:
        return f'expected a model type of {", ".join(NETWORKS)}, got "{config.model_type}"'
    try:
        Calibration.from_config(config)
        trained_attributes(config)
    except ValueError as error:
        return str(error)
    return age_labels_problem(config)


def checkpoint_folder(name: str, revision: str | None = None) -> Path:
    """The folder of a checkpoint: `name` itself, or where its files from the Hub lie.

    Raises:
        UnreachableError, ValueError: see `load_model`.
    """
    return Path(name) if Path(name).is_dir() else _download(name, revision)


def _download(name: str, revision: str | None) -> Path:
    """The folder in the Hub's cache that holds a checkpoint, fetched where it is not there yet."""
    expected = 'expected a folder or a name on the Hugging Face Hub such as "someone/age-vit"'
    try:
        folder = snapshot_download(
            name,
            revision=revision,
            local_files_only=not _answers(name, revision),
            allow_patterns=[
                "config.json",
                "*.safetensors*",
                *preprocessing.FILES,
                RESULTS,
                ROBUSTNESS,
            ],
        )
    except HFValidationError as error:
        raise ValueError(f"no model {name!r}: {expected}, and there is no such folder") from error
    except Exception as error:  # no network, no such repository or revision, no right to read it
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if isinstance(error, LocalEntryNotFoundError):  # it tells of switches of the Hub's client
            reason = "it does not answer, and nothing of it is in the cache"
        # What the Hub itself answers (no such name, no right) is no want of network.
        kind = ValueError if isinstance(error, HfHubHTTPError) else UnreachableError
        raise kind(
            f"no model {name!r}: {expected}; there is no such folder, and the Hub did not give it "
            f"({reason}). Check the name and the network, or leave the model out to take the one "
            "that comes with this package"
        ) from error
    return Path(folder)


def _answers(name: str, revision: str | None) -> bool:
    """Whether the Hub answers in time; its client would wait for ever for one that only accepts.

    Raises:
        HfHubHTTPError: its answer is a refusal.
    """
    try:
        HfApi().model_info(name, revision=revision, timeout=HUB_SECONDS)
    except (HfHubHTTPError, HFValidationError):
        raise
    except Exception:  # no network, or none is wanted
        return False
    return True


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bar and no report while a checkpoint loads; both are as before afterwards."""
    hook = logging.set_tqdm_hook(lambda _factory, args, kwargs: logging.EmptyTqdm(*args, **kwargs))
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        logging.set_tqdm_hook(hook)
