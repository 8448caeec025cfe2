"""The networks that can be trained: AgeViT, others with the same heads, and pretrained ones.

What is made or loaded here can be served: what could not be is refused before any training.
"""

from dataclasses import replace
from pathlib import Path

import torch
from torch.nn import functional as F
from transformers import AutoConfig, PreTrainedConfig, PreTrainedModel, ResNetConfig, ViTConfig

from age_model.labels import ATTRIBUTES
from age_model.network.answers import ATTRIBUTES_KEY, trained_attributes
from age_model.network.convolutional import AgeCNNConfig, AgeDenseNetConfig
from age_model.network.loading import NETWORKS as SERVED
from age_model.network.loading import checkpoint_folder, quiet
from age_model.network.modeling import LABELS, AgeViT, age_labels_problem
from age_model.network.preprocessing import FILES, Preprocessing, read_preprocessing
from age_model.network.pretrained import AgeBackbone, backbone_class, from_backbone
from train.console.errors import InputError

SIZE = 128  # pixels, of the input of a network from nothing that does not say its own
# What can be made from nothing: the model type and its configuration.
NETWORKS: dict[str, type[PreTrainedConfig]] = {
    "vit": ViTConfig,
    "resnet": ResNetConfig,
    "age-densenet": AgeDenseNetConfig,
    "age-cnn": AgeCNNConfig,
}
HEADS = ("classifier", "gender_classifier", "ethnicity_classifier")


def new_network(architecture: str, config: dict, image_size: int | None = None) -> PreTrainedModel:
    """A network with random weights.

    Args:
        architecture: a key of NETWORKS.
        config: arguments of its transformers configuration class.
        image_size: side of the input, pixels; None takes what `config` says, else SIZE.

    Raises:
        InputError: the two sizes contradict each other, or the network cannot be made here.
    """
    made_for = config.get("image_size")
    if None not in (image_size, made_for) and image_size != made_for:
        raise InputError(
            f"--image_size {image_size}: the network configuration says {made_for}; give one of "
            "them, or both alike"
        )
    size = image_size or made_for or SIZE
    own = {"image_size": size} if architecture == "vit" else {}
    try:
        network = SERVED[architecture](NETWORKS[architecture](**config | own, **LABELS))
    except (TypeError, ValueError) as error:
        raise InputError(f"--architecture {architecture}: {error}") from error
    setattr(network.config, ATTRIBUTES_KEY, [])
    return _checked(_quick(network), Preprocessing(size))


def load_network(source: str, image_size: int | None = None) -> PreTrainedModel:
    """A trained network from a Hub id or folder; heads that it lacks start at random.

    Its configuration tells which attributes it was taught before. Only safetensors are read, never
    pickles, and no code of a checkpoint is run.

    Args:
        source: a checkpoint of this project, a ViT, or another network for pictures.
        image_size: side of the input, pixels; None takes the network's own. Position embeddings are
            interpolated.

    Raises:
        InputError: it cannot be had, cannot be served, or cannot take pictures of that size.
    """
    try:
        folder = checkpoint_folder(source)
        # Without `trust_remote_code`, transformers asks at the terminal.
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except ValueError as error:
        if "trust_remote_code" not in str(error):
            raise InputError(str(error)) from error
        raise InputError(
            f"{source} needs its own code, which is never run: expected a network that "
            "transformers has itself"
        ) from error
    config = _for_pictures(config)
    try:
        given = _own_preprocessing(folder, config)
        size = image_size or given.size
        with quiet():
            if config.model_type in SERVED:
                network = _resized(_with_heads(folder, config), size)
            else:
                network = from_backbone(folder, config, size)
                setattr(network.config, ATTRIBUTES_KEY, [])
    except Exception as error:  # weights in pickles alone, or whatever a network says of a picture
        raise InputError(f"{source} cannot be trained and served: {error}") from error
    return _checked(_quick(network), replace(given, size=size))


def input_preprocessing(network: PreTrainedModel) -> Preprocessing:
    """How a network from `new_network` or `load_network` wants its input."""
    return network.input_preprocessing


@torch.inference_mode()
def token_grid(network: PreTrainedModel) -> tuple[int, int]:
    """Width of the features of a place, and how many places lie along a side of the picture."""
    size, was_training = input_preprocessing(network).size, network.training
    features = network.eval()(torch.zeros(1, 3, size, size)).token_features
    network.train(was_training)
    return features.shape[2], round(features.shape[1] ** 0.5)


def _for_pictures(config: PreTrainedConfig) -> PreTrainedConfig:
    """The configuration of the part of a network that sees pictures."""
    # A masked autoencoder hides most of the picture; what it learned is a plain ViT.
    if config.model_type == "vit_mae":
        return ViTConfig(**{n: v for n, v in config.to_dict().items() if n != "model_type"})
    vision = getattr(config, "vision_config", config)  # SigLIP and CLIP have one for texts beside
    if config.model_type not in SERVED and backbone_class(vision) is None:
        raise InputError(
            f"expected a network for pictures that transformers has (such as ViT, DeiT, DINOv2, "
            f"SigLIP, Swin, ResNet, ConvNeXt) or a checkpoint of type {' or '.join(SERVED)}, "
            f"got {config.model_type!r}"
        )
    return vision


def _own_preprocessing(folder: Path, config: PreTrainedConfig) -> Preprocessing:
    """What the checkpoint says; what it was made for and the defaults where it says nothing.

    Where its files differ in the size, as DINOv2's do, the input's is that of the preprocessing.
    """
    if any((folder / name).is_file() for name in FILES):
        return read_preprocessing(folder)
    size = getattr(config, "image_size", None)
    return Preprocessing(SIZE) if size is None else read_preprocessing(folder, config)


def _with_heads(folder: Path, config: PreTrainedConfig) -> PreTrainedModel:
    """A network of a class that is served. What its configuration says it was taught is true."""
    taught = trained_attributes(config)
    of_ours = age_labels_problem(config) is None
    for name, value in LABELS.items():
        setattr(config, name, value)
    network, report = SERVED[config.model_type].from_pretrained(
        folder, config=config, ignore_mismatched_sizes=True, use_safetensors=True,
        local_files_only=True, output_loading_info=True,
    )  # fmt: skip
    heads = {*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])}
    lacking = sorted(key for key in heads if not key.startswith(HEADS))
    if lacking:
        raise ValueError(f"the checkpoint lacks weights ({', '.join(lacking[:4])})")
    untaught = {name for name in ATTRIBUTES if any(k.startswith(f"{name}_c") for k in heads)}
    kept = [name for name in taught if of_ours and name not in untaught]
    setattr(network.config, ATTRIBUTES_KEY, kept)
    return network


def _resized(network: PreTrainedModel, size: int) -> PreTrainedModel:
    """The same network for pictures of another size.

    Raises:
        ValueError: its patches do not tile them.
    """
    if isinstance(network, AgeBackbone):
        network.config.image_size = size
    if not isinstance(network, AgeViT) or network.config.image_size == size:
        return network
    patch = network.config.patch_size
    if size % patch:
        raise ValueError(f"--image_size: expected a multiple of its patch of {patch}, got {size}")
    weights = network.state_dict()
    name = "vit.embeddings.position_embeddings"
    first, places = weights[name][:, :1], weights[name][:, 1:]
    side = round(places.shape[1] ** 0.5)
    grid = places.unflatten(1, (side, side)).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, size=(size // patch,) * 2, mode="bicubic", align_corners=False)
    weights[name] = torch.cat([first, grid.flatten(2).transpose(1, 2)], dim=1)
    network.config.image_size = size
    resized = type(network)(network.config)
    resized.load_state_dict(weights)
    return resized


@torch.inference_mode()
def _checked(network: PreTrainedModel, preprocessing: Preprocessing) -> PreTrainedModel:
    """The network, with its preprocessing, once it has answered one picture twice alike.

    Raises:
        InputError: it cannot take such a picture, or what it answers is drawn by chance.
    """
    picture = torch.zeros(1, 3, preprocessing.size, preprocessing.size)
    was_training = network.training
    try:
        first, second = (network.eval()(picture).logits for _ in range(2))
    except Exception as error:
        raise InputError(
            f"a network of type {network.config.model_type!r} cannot take pictures of "
            f"{preprocessing.size} x {preprocessing.size} pixels: {error}; give another "
            "--image_size"
        ) from error
    if not torch.equal(first, second):
        raise InputError(
            f"a network of type {network.config.model_type!r} answers the same picture differently "
            "each time, so it cannot be served"
        )
    network.input_preprocessing = preprocessing
    return network.train(was_training)


def _quick(network: PreTrainedModel) -> PreTrainedModel:
    """Weights of convolutions in the layout in which they are quick (see `convolutional`)."""
    if isinstance(network, AgeViT | AgeBackbone):
        return network
    return network.to(memory_format=torch.channels_last)


def is_checkpoint(folder: Path) -> bool:
    """Whether a folder holds a configuration, so that it can be loaded."""
    return (folder / "config.json").is_file()
