"""A checkpoint as ONNX files, laid out as the Hub and transformers.js expect them.

    onnx/model.onnx            float32
    onnx/model_quantized.onnx  int8 weights
    onnx/onnx.json             what was measured: difference from torch, scores, sizes

Each file has one input, `pixel_values` (B, 3, S, S) float32, one output for each head, and metadata
that says how a picture becomes that input and which weights it holds.
"""

import json
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from datasets import Dataset
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import nn
from tqdm import tqdm
from transformers import PreTrainedModel

from age_model.images.load import load_image
from age_model.labels import ETHNICITIES, GENDERS
from age_model.network.answers import ATTRIBUTES_KEY, GROUPS_KEY, trained_attributes
from age_model.network.calibration import Calibration
from age_model.network.preprocessing import Preprocessing, read_preprocessing
from age_model.network.reports import weights_sha256
from age_model.records.atomic import atomic_file
from train.evaluation.metrics import validation_scores
from train.evaluation.predict import encoded

FOLDER = "onnx"
FLOAT32, INT8 = "model.onnx", "model_quantized.onnx"
REPORT = "onnx.json"
INPUT = "pixel_values"
HEADS = ("logits", "gender_logits", "ethnicity_logits")
WEIGHTS_KEY = "weights_sha256"
MOST_DIFFERENCE = 1e-3  # of a logit, between torch and the float32 file
BATCH = 32
CHECKED = (1, 3)  # batch sizes that are compared

Network = Callable[[np.ndarray], dict[str, np.ndarray]]  # (B, 3, S, S) float32 -> the heads' logits


class _Heads(nn.Module):
    """A network that answers with a tuple, which is what an ONNX graph can say."""

    def __init__(self, network: PreTrainedModel):
        super().__init__()
        self.network = network

    def forward(self, pixel_values: torch.Tensor) -> tuple[torch.Tensor, ...]:
        answer = self.network(pixel_values)
        return tuple(answer[name] for name in HEADS)


def write_files(
    network: PreTrainedModel, checkpoint: Path, folder: Path, rows: Dataset | None
) -> dict[str, Any]:
    """Write the files of a checkpoint into a folder; returns the content of onnx.json.

    Args:
        network: the checkpoint's, in float32.
        checkpoint: its folder.
        folder: to write to.
        rows: pictures to measure torch and both files on; None measures nothing.

    Raises:
        ValueError: the float32 graph answers otherwise than the network.
    """
    preprocessing = read_preprocessing(checkpoint, network.config)
    calibration = Calibration.from_config(network.config)
    weights = weights_sha256(checkpoint)
    attributes = trained_attributes(network.config)
    metadata = metadata_of(preprocessing, calibration, attributes, str(weights))
    write_float32(network, folder / FLOAT32, preprocessing.size, metadata)
    write_int8(folder / FLOAT32, folder / INT8)
    networks = {"torch": torch_network(network)}
    networks |= {name: onnx_network(folder / name) for name in (FLOAT32, INT8)}
    difference = largest_difference(networks["torch"], networks[FLOAT32], preprocessing.size)
    if not max(difference.values()) <= MOST_DIFFERENCE:
        raise ValueError(
            f"the ONNX graph of {checkpoint} differs from torch by {difference}: expected at most "
            f"{MOST_DIFFERENCE}; report it with this checkpoint's config.json"
        )
    report: dict[str, Any] = {
        WEIGHTS_KEY: weights,
        "versions": {name: version(name) for name in ("torch", "onnx", "onnxruntime")},
        "bytes": {name: (folder / name).stat().st_size for name in (FLOAT32, INT8)},
        "largest_difference": difference,
    }
    if rows is not None:
        report["pictures"] = len(rows)
        report["validation"] = {
            name: scores(run, rows, preprocessing, calibration) for name, run in networks.items()
        }
    (folder / REPORT).write_text(json.dumps(report, indent=2) + "\n")
    return report


def is_onnx_folder(folder: Path) -> bool:
    """Whether a folder holds nothing but what `write_files` writes."""
    return {file.name for file in folder.iterdir()} <= {FLOAT32, INT8, REPORT}


def write_float32(
    network: PreTrainedModel, file: Path, size: int, metadata: dict[str, str]
) -> None:
    """Write a network's graph, with a free batch size.

    Args:
        network: in float32, on the CPU.
        file: to write.
        size: side of the input, pixels.
        metadata: to put into the file.
    """
    # Eager attention gives operators that int8 and browsers know.
    network.set_attn_implementation("eager")
    pixels = torch.zeros(2, 3, size, size)
    with _quiet():
        program: Any = torch.onnx.export(
            _Heads(network).eval(),
            (pixels,),
            dynamo=True,
            input_names=[INPUT],
            output_names=list(HEADS),
            dynamic_shapes={INPUT: {0: "batch"}},
            verbose=False,
        )
    _write(program.model_proto, file, metadata)


def write_int8(float32: Path, file: Path) -> None:
    """Write the float32 file with the weights of its matrices in int8.

    Activations are scaled as they come ("dynamic" quantization), so that no pictures are needed.
    Convolutions stay in float32: they are a small part of a ViT, and few runtimes are quick in
    their int8 form.
    """
    model = onnx.load(float32)
    metadata = read_metadata(model)
    with _quiet(), atomic_file(file) as partial:
        quantize_dynamic(
            model,
            partial,
            per_channel=True,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["MatMul", "Gemm"],
            extra_options={"MatMulConstBOnly": True},
        )
        quantized = onnx.load(partial)
    _write(quantized, file, metadata)


def _write(model: onnx.ModelProto, file: Path, metadata: dict[str, str]) -> None:
    onnx.helper.set_model_props(model, metadata)
    model.doc_string = ""
    for node in model.graph.node:
        del node.metadata_props[:]  # the exporter's notes name files of this machine
        node.doc_string = ""
    for value in (*model.graph.input, *model.graph.output, *model.graph.value_info):
        del value.metadata_props[:]
    for weights in model.graph.initializer:
        del weights.metadata_props[:]
    del model.graph.metadata_props[:]
    onnx.checker.check_model(model, full_check=True)
    with atomic_file(file) as partial:
        onnx.save(model, partial)


def read_metadata(model: onnx.ModelProto) -> dict[str, str]:
    """What `metadata_of` put into a file."""
    return {entry.key: entry.value for entry in model.metadata_props}


def metadata_of(
    preprocessing: Preprocessing,
    calibration: Calibration,
    attributes: tuple[str, ...],
    weights_sha256: str,
) -> dict[str, str]:
    """What a runtime must know: how to make the input, what the answers mean; values in JSON."""
    values: dict[str, Any] = {
        "image_size": preprocessing.size,
        "image_mean": list(preprocessing.mean),
        "image_std": list(preprocessing.std),
        "resample": preprocessing.resample,
        "ages": "logits: one for each year from 0 to 100, where 100 is 100 and over",
        GROUPS_KEY: [group.name for group in calibration.groups],
        ATTRIBUTES_KEY: list(attributes),  # what the other heads say means nothing
        "genders": GENDERS,
        "ethnicities": ETHNICITIES,
        "calibration": calibration.to_dict(),
        WEIGHTS_KEY: weights_sha256,
    }
    return {key: json.dumps(value) for key, value in values.items()}


def onnx_network(file: Path) -> Network:
    """An ONNX file, run by ONNX Runtime on the processor."""
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    return lambda pixels: dict(zip(HEADS, session.run(HEADS, {INPUT: pixels}), strict=True))


def torch_network(network: PreTrainedModel) -> Network:
    """A network in torch, in its own precision."""

    def run(pixels: np.ndarray) -> dict[str, np.ndarray]:
        with torch.inference_mode():
            answer = network(torch.from_numpy(pixels))
        return {name: answer[name].numpy() for name in HEADS}

    return run


def largest_difference(one: Network, other: Network, size: int, seed: int = 0) -> dict[str, float]:
    """The largest difference of a logit, by head, on random inputs in batches of several sizes."""
    rng = np.random.default_rng(seed)
    found = dict.fromkeys(HEADS, 0.0)
    for batch in CHECKED:
        pixels = rng.uniform(-1, 1, (batch, 3, size, size)).astype(np.float32)
        answers = one(pixels), other(pixels)
        for name in HEADS:
            gap = float(np.abs(answers[0][name] - answers[1][name]).max())
            found[name] = max(found[name], gap)
    return found


def scores(
    network: Network, rows: Dataset, preprocessing: Preprocessing, calibration: Calibration
) -> dict[str, float]:
    """`validation_scores` of a network on the rows of a split."""
    answers: dict[str, list[np.ndarray]] = {name: [] for name in HEADS}
    for batch in tqdm(rows.iter(BATCH), "measure", -(-len(rows) // BATCH), unit="batch"):
        images = [preprocessing.resize(load_image(encoded(image))) for image in batch["image"]]
        found = network(preprocessing.normalize(np.stack(images)).numpy())
        for name in HEADS:
            answers[name].append(found[name])
    age, gender, _ = (np.concatenate(parts) for parts in answers.values())
    labels = (np.asarray(rows[name][:]) for name in ("age_low", "age_high", "gender"))
    return validation_scores(age, gender, *labels, groups=calibration.groups)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporters' advice, which is about packages and steps not needed here."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
