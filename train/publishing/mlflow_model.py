"""A checkpoint as an MLflow model: logged with its signature and an example, registered by name.

`mlflow models serve` then answers to pictures; see `served_predictor` for what it says.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.models.model import ModelInfo
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema
from mlflow.types.schema import Array, Map, Object, Property

import age_model
from age_model.network.reports import weights_sha256

PACKAGE = Path(age_model.__file__).parent
EXAMPLE = PACKAGE / "examples" / "portrait.jpg"
CODE = Path(__file__).with_name("served_predictor.py")
NOT_SERVED = ("checkpoint", "examples", "page", "bench", "__pycache__")  # parts of age_model

NUMBER, TEXT, WHOLE = DataType.double, DataType.string, DataType.long
FACE = Object(
    [
        Property("box", Array(NUMBER)),
        Property("score", NUMBER, required=False),
        Property("age", NUMBER),
        Property("interval", Array(NUMBER)),
        Property("group", TEXT),
        Property("group_probabilities", Map(NUMBER)),
        Property("gender", TEXT, required=False),
        Property("gender_probability", NUMBER, required=False),
        Property("warnings", Array(TEXT)),
    ]
)
SIGNATURE = ModelSignature(
    inputs=Schema([ColSpec(DataType.binary, "image")]),
    outputs=Schema(
        [
            ColSpec(WHOLE, "width", required=False),
            ColSpec(WHOLE, "height", required=False),
            ColSpec(Array(FACE), "faces"),
            ColSpec(Array(TEXT), "notes"),
            ColSpec(TEXT, "error", required=False),
        ]
    ),
    params=ParamSchema([ParamSpec("crops", DataType.boolean, False)]),
)


def log_model(checkpoint: Path) -> ModelInfo:
    """Log a checkpoint to the active MLflow run as a model that answers to pictures.

    It carries its own copy of age_model's code, and names the packages that this needs.
    """
    requirements = PACKAGE.parent / "requirements.txt"
    with _code() as code:
        return mlflow.pyfunc.log_model(
            name="model",
            python_model=str(CODE),
            artifacts={"checkpoint": str(checkpoint.absolute())},
            code_paths=[str(code)],
            signature=SIGNATURE,
            input_example=input_example(),
            pip_requirements=[f"mlflow=={mlflow.__version__}", *_needed(requirements)],
            metadata={"weights_sha256": weights_sha256(checkpoint)},
        )


def register_version(model: ModelInfo, name: str, alias: str, tags: dict[str, str]) -> int:
    """Register a logged model under a name; returns its version.

    Args:
        model: from `log_model`.
        name: of the registered model, made where it is missing.
        alias: such as "champion", moved here from the version that had it; "" for none.
        tags: of the version.
    """
    version = mlflow.register_model(model.model_uri, name, tags=tags)
    if alias:
        mlflow.MlflowClient().set_registered_model_alias(name, alias, version.version)
    return int(version.version)


def input_example() -> pd.DataFrame:
    """A portrait, as bytes; over HTTP the same in base64."""
    return pd.DataFrame({"image": [EXAMPLE.read_bytes()]})


@contextmanager
def _code() -> Iterator[Path]:
    """A copy of age_model with what serving needs."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(
            shutil.copytree(
                PACKAGE, Path(folder, PACKAGE.name), ignore=shutil.ignore_patterns(*NOT_SERVED)
            )
        )


def _needed(requirements: Path) -> list[str]:
    """Of requirements.txt, all but what the page needs."""
    lines = [line.split("  #")[0].strip() for line in requirements.read_text().splitlines()]
    return [line for line in lines if line and not line.startswith(("#", "gradio", "mcp"))]
