"""How old people look, from a picture: the public door is `AgePredictor` and its `FaceAges`."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from age_model.predictor import AgePredictor
    from age_model.results import FaceAges

# Read once, when torch is loaded. After a layer its idle threads wait in a loop, by default for
# milliseconds, and keep the processors from the face detector meanwhile: a photo takes a tenth
# longer (`python -m age_model.bench model`, two cores). So many rounds last from layer to layer.
os.environ.setdefault("GOMP_SPINCOUNT", "20000")

__version__ = "0.1.0"
__all__ = ["AgePredictor", "FaceAges"]


def __getattr__(name: str) -> object:
    # On first use only: the predictor needs torch and transformers, which take seconds to import,
    # and data preparation or `--help` need neither.
    if name == "AgePredictor":
        from age_model.predictor import AgePredictor

        return AgePredictor
    if name == "FaceAges":
        from age_model.results import FaceAges

        return FaceAges
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
